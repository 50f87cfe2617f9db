// The command line and its file: what is right is read, what is wrong is said with file, key, value and remedy.
#include <berth/service/program.hpp>

#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace {

using namespace std::chrono_literals;
using berth::service::program;

struct outcome {
    std::optional<int> code;
    std::string out, mistakes;
    berth::service::settings values;
    int most = 5;
    std::string realm = "here";
    std::vector<std::string> users;
    bool fast = false;
};

outcome parsed(std::vector<std::string> arguments) {
    outcome o;
    program it("relay", "A server of this test", "1.2.3");
    it.options().add_option("--most", o.most, "How many")->check(CLI::Range(1, 10));
    it.options().add_option("--realm", o.realm, "Where");
    it.options().add_option("--user", o.users, "Who");
    it.options().add_flag("--fast", o.fast, "How");
    std::vector<const char*> argv{"relay"};
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    std::ostringstream out, mistakes;
    o.code = it.parse(static_cast<int>(argv.size()), argv.data(), out, mistakes);
    o.out = out.str();
    o.mistakes = mistakes.str();
    o.values = it.values();
    return o;
}

std::string file_with(const std::string& text) {
    static int number = 0;
    const auto path = std::filesystem::temp_directory_path() / ("options_" + std::to_string(number++) + ".toml");
    std::ofstream(path) << text;
    return path.string();
}

TEST(service_program, without_arguments_it_has_its_defaults) {
    const auto o = parsed({});
    EXPECT_EQ(o.code, std::nullopt) << o.mistakes;
    EXPECT_EQ(o.values.shards, 0u);
    EXPECT_EQ(o.values.drain_time, 30s);
    EXPECT_EQ(o.values.level, berth::service::severity::info);
    EXPECT_EQ(o.values.format, berth::service::log_format::text);
    EXPECT_FALSE(o.values.metrics);
    EXPECT_EQ(o.values.config, "");
}

TEST(service_program, the_command_line_is_read) {
    const auto o = parsed({"--metrics", "[::1]:0", "--drain-time", "0.25", "--shards=3", "--log-level", "warning",
                           "--log-format=json", "--most", "7", "--user", "a", "--user", "b", "--fast"});
    EXPECT_EQ(o.code, std::nullopt) << o.mistakes;
    ASSERT_TRUE(o.values.metrics);
    EXPECT_TRUE(o.values.metrics->address().is_v6());
    EXPECT_EQ(o.values.drain_time, 250ms);
    EXPECT_EQ(o.values.shards, 3u);
    EXPECT_EQ(o.values.level, berth::service::severity::warning);
    EXPECT_EQ(o.values.format, berth::service::log_format::json);
    EXPECT_EQ(o.most, 7);
    EXPECT_EQ(o.users, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(o.fast);
}

TEST(service_program, the_file_is_read_and_the_command_line_wins) {
    const std::string file = file_with(
        "# a remark\nmost = 9\nrealm = \"a b # c\"\nlog-level = \"debug\"\n"
        "metrics = \"127.0.0.1:9100\"\nuser = [\"x\", \"y\"]\nfast = true\ndrain-time = 2\n");
    const auto o = parsed({"--config", file, "--most=2"});
    EXPECT_EQ(o.code, std::nullopt) << o.mistakes;
    EXPECT_EQ(o.most, 2);
    EXPECT_EQ(o.realm, "a b # c");
    EXPECT_EQ(o.users, (std::vector<std::string>{"x", "y"}));
    EXPECT_TRUE(o.fast);
    EXPECT_EQ(o.values.level, berth::service::severity::debug);
    EXPECT_EQ(o.values.metrics->port(), 9100);
    EXPECT_EQ(o.values.drain_time, 2s);
    EXPECT_EQ(o.values.config, file);
}

TEST(service_program, what_print_config_writes_is_a_file_with_the_same_options) {
    const auto printed = parsed({"--print-config", "--most", "3", "--user", "u", "--metrics", "127.0.0.1:0"});
    EXPECT_EQ(printed.code, 0);
    EXPECT_NE(printed.out.find("most=3"), std::string::npos) << printed.out;
    const auto again = parsed({"--config", file_with(printed.out), "--print-config"});
    EXPECT_EQ(again.out, printed.out) << again.mistakes;
    EXPECT_EQ(again.users, std::vector<std::string>{"u"});
    const auto defaults = parsed({"--print-config"});
    const auto from_file = parsed({"--config", file_with(defaults.out)});
    EXPECT_EQ(from_file.code, std::nullopt) << from_file.mistakes << defaults.out;
    EXPECT_TRUE(from_file.users.empty()) << "what has no value stays without one";
}

TEST(service_program, strings_may_contain_anything_that_can_be_printed) {
    for (const std::string realm : {"a#b", "a b, c", "it's", "say \"hello\"", "a\\b", "# [x] = y"}) {
        const auto printed = parsed({"--print-config", "--realm", realm, "--user", realm, "--user", "x"});
        const auto again = parsed({"--config", file_with(printed.out)});
        EXPECT_EQ(again.code, std::nullopt) << again.mistakes << printed.out;
        EXPECT_EQ(again.realm, realm) << printed.out;
        EXPECT_EQ(again.users, (std::vector<std::string>{realm, "x"})) << printed.out;
    }
    EXPECT_EQ(parsed({"--config", file_with("realm = \"say \\\"hello\\\" # \\\\\" # x\n")}).realm,
              "say \"hello\" # \\");
    const auto array = parsed({"--config", file_with("user = [\n  \"a\", # first\n  'b',\n]\nmost = 4\n")});
    EXPECT_EQ(array.users, (std::vector<std::string>{"a", "b"})) << array.mistakes;
    EXPECT_EQ(array.most, 4);
}

TEST(service_program, help_and_version_end_it_without_a_mistake) {
    const auto help = parsed({"--help"});
    EXPECT_EQ(help.code, 0);
    for (const char* option : {"--config", "--metrics", "--drain-time", "--shards", "--log-level", "--log-format",
                               "--print-config", "--most", "A server of this test"}) {
        EXPECT_NE(help.out.find(option), std::string::npos) << option;
    }
    const auto version = parsed({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_EQ(version.out, "relay 1.2.3\n");
}

TEST(service_program, a_mistake_in_the_file_is_said_with_file_key_value_and_remedy) {
    const auto mistake = [](const std::string& text) {
        const std::string file = file_with(text);
        const auto o = parsed({"--config", file});
        EXPECT_EQ(o.code, 2) << text;
        EXPECT_EQ(o.mistakes.find("relay: " + file + ": "), 0u) << o.mistakes;
        EXPECT_EQ(std::count(o.mistakes.begin(), o.mistakes.end(), '\n'), 1) << o.mistakes;
        return o.mistakes.substr(std::min(o.mistakes.size(), file.size() + 9));
    };
    EXPECT_EQ(mistake("mots = 3\n").find("key 'mots' (value '3') is none of this program's; there are: "), 0u);
    EXPECT_NE(mistake("mots = 3\n").find("most, realm"), std::string::npos);
    EXPECT_EQ(mistake("most = 77\n").find("key 'most' cannot be '77': --most: Value 77 not in range 1 to 10; --help"),
              0u);
    EXPECT_EQ(mistake("most = many\n").find("key 'most' cannot be 'many'"), 0u);
    EXPECT_EQ(mistake("most = 1\nmost = 2\n").find("key 'most' cannot be '1, 2'"), 0u);
    EXPECT_EQ(mistake("[most]\na = 1\n").find("section [most] is none"), 0u);
    EXPECT_EQ(
        mistake("metrics = \"9100\"\n").find("key 'metrics' cannot be '9100': --metrics: '9100' is not ADDRESS:PORT"),
        0u);
    EXPECT_EQ(mistake("drain-time = nan\n").find("key 'drain-time' cannot be 'nan'"), 0u);
    EXPECT_EQ(mistake("log-level = \"loud\"\n").find("key 'log-level' cannot be 'loud'"), 0u);
    EXPECT_EQ(mistake("fast = perhaps\n").find("key 'fast' cannot be 'perhaps'"), 0u);
    EXPECT_EQ(mistake("realm = \"no end\n").find("line 1 has a string without an end"), 0u);
    EXPECT_EQ(mistake("print-config = true\n").find("key 'print-config' (value 'true') is none"), 0u);
    EXPECT_EQ(mistake("\n\njust words\n").find("line 3 is no name = value"), 0u);
    EXPECT_EQ(mistake("x\n").find("line 1 is no name = value"), 0u);
    EXPECT_EQ(mistake("most =\n").find("line 1 has no value"), 0u);
    EXPECT_EQ(mistake("user = [\"a\",\n\"b\"\n").find("an array has no end"), 0u);
    EXPECT_EQ(mistake("realm = \"a\\n\"\n").find("line 1 has the escape \\n"), 0u);
    EXPECT_EQ(mistake(std::string("realm = \"\0\"\n", 12)).find("line 1 has a control character"), 0u);
}

TEST(service_program, a_mistake_on_the_command_line_is_not_blamed_on_the_file) {
    const std::string file = file_with("most = 3\n");
    const auto value = parsed({"--config", file, "--most", "77"});
    EXPECT_EQ(value.code, 2);
    EXPECT_EQ(value.mistakes.find("relay: --most: Value 77"), 0u) << value.mistakes;
    const auto unknown = parsed({"--config", file, "--mots", "3"});
    EXPECT_EQ(unknown.code, 2);
    EXPECT_NE(unknown.mistakes.find("--mots"), std::string::npos) << unknown.mistakes;
    EXPECT_EQ(unknown.mistakes.find(file), std::string::npos);
    const auto missing = parsed({"--config", "/no/such/file.toml"});
    EXPECT_EQ(missing.code, 2);
    EXPECT_NE(missing.mistakes.find("'/no/such/file.toml' cannot be read"), std::string::npos) << missing.mistakes;
    for (const char* bad : {"localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:80",
                            ":80", "127.0.0.1:80x", "[]:80"}) {
        EXPECT_EQ(parsed({"--metrics", bad}).code, 2) << bad;
        EXPECT_EQ(berth::service::endpoint_of(bad), std::nullopt) << bad;
    }
    for (const char* bad : {"-1", "nan", "inf", "86401", "1s", ""})
        EXPECT_EQ(parsed({"--drain-time", bad}).code, 2) << bad;
    EXPECT_EQ(parsed({"--shards", "-1"}).code, 2);
    EXPECT_EQ(parsed({"--shards", "1025"}).code, 2);
}

}  // namespace
