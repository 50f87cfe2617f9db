// The outbound proxy as curl sees it: both protocols, both families, users, and what it refuses. Every connection's
// source port is looked at where it arrives.
#include "scenario/outbound_proxy_ground.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace berth::test {
namespace {

class outbound_curl : public outbound_proxy_ground {
protected:
    void SetUp() override {
        std::string said;
        if (curl("--version", said) != 0) GTEST_SKIP() << "no curl";
    }
    [[nodiscard]] std::string at(const std::string& credentials = "") const {
        return (credentials.empty() ? "" : credentials + "@") + "127.0.0.1:" + std::to_string(port());
    }
    /// "" if it gets the page, else what curl says.
    std::string fetch(const std::string& options, const std::string& host, std::uint16_t to) const {
        std::string said;
        const int status = curl(options + " http://" + host + ":" + std::to_string(to) + "/200000", said);
        return status == 0 && said == std::string(200000, 'b') ? ""
                                                               : std::to_string(status) + ": " + said.substr(0, 200);
    }
};

TEST_F(outbound_curl, each_protocol_reaches_each_family_from_its_block) {
    start({"--source", "four=127.0.0.1:any*16", "--source", "six=[::1]:any*16"});
    small_server v4(serve_page), v6(serve_page, "::1");
    for (const auto& options : std::vector<std::string>{"--socks5 " + at(), "--socks5-hostname " + at(),
                                                        "--proxytunnel --proxy http://" + at()}) {
        EXPECT_EQ(fetch(options, "127.0.0.1", v4.port()), "") << options;
        EXPECT_EQ(fetch(options, "[::1]", v6.port()), "") << options;
    }
    ASSERT_EQ(v4.visitors().size(), 3U);
    ASSERT_EQ(v6.visitors().size(), 3U);
    for (const auto& from : v4.visitors()) EXPECT_TRUE(is_of("four", from.port())) << from;
    for (const auto& from : v6.visitors()) EXPECT_TRUE(is_of("six", from.port())) << from;
    EXPECT_TRUE(logs("bytes_down=200"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_curl, a_name_is_tried_until_an_address_answers) {
    if (!can_make_up_names()) GTEST_SKIP() << "names are made up as root, and outside of a chroot";
    hosts_ = (std::filesystem::temp_directory_path() / "hosts").string();
    std::ofstream(hosts_)
        << "127.0.0.1 both.test four.test\n127.0.0.9 both.test\n::1 both.test six.test\n10.0.0.1 far.test\n";
    start({"--source", "four=127.0.0.1:any*4", "--source", "six=[::1]:any*4"});
    small_server v6(serve_page, "::1"), v4(serve_page), second(serve_page, "127.0.0.9");
    for (const auto& options :
         std::vector<std::string>{"--socks5-hostname " + at(), "--proxytunnel --proxy http://" + at()}) {
        for (const small_server* there : {&v6, &v4, &second}) {
            const std::size_t before = there->visitors().size();
            EXPECT_EQ(fetch(options, "both.test", there->port()), "") << options << log();
            EXPECT_EQ(there->visitors().size(), before + 1);
        }
        EXPECT_EQ(fetch(options, "six.test", v6.port()), "");
        EXPECT_NE(fetch(options, "six.test", v4.port()), "");
        EXPECT_NE(fetch(options, "far.test", 8080), "");  // judged is what the name means
    }
    EXPECT_NE(log().find("destinations in private networks"), std::string::npos);
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_curl, users_have_passwords_and_sources_of_their_own) {
    start({"--source", "one=127.0.0.1:any*8", "--source", "two=127.0.0.2:any*8", "--user", "anna:secret:two",
           "--user", "bob:pa"});
    small_server server(serve_page);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(fetch("--socks5 " + at("anna:secret"), "127.0.0.1", server.port()), "");
    for (const auto& from : server.visitors()) {
        EXPECT_EQ(from.address().to_string(), "127.0.0.2");
        EXPECT_TRUE(is_of("two", from.port()));
    }
    EXPECT_EQ(fetch("--proxytunnel --proxy http://" + at("bob:pa"), "127.0.0.1", server.port()), "");
    EXPECT_EQ(fetch("--proxytunnel --proxy-anyauth --proxy http://" + at("bob:pa"), "127.0.0.1", server.port()), "");

    std::string said;
    const std::string page = " -o none http://127.0.0.1:" + std::to_string(server.port()) + "/1";
    for (const char* credentials : {"anna:secre", "anna:secrets", "annb:secret", "bob:secret", "x:y"}) {
        EXPECT_EQ(curl("--socks5 " + at(credentials) + page, said), 97) << credentials;
        EXPECT_EQ(curl("-w '%{http_connect}' --proxytunnel --proxy http://" + at(credentials) + page, said), 56);
        EXPECT_NE(said.find("407"), said.npos) << said;
    }
    EXPECT_EQ(curl("--socks5 " + at() + page, said), 97);
    EXPECT_EQ(curl("-w '%{http_connect}' --proxytunnel --proxy http://" + at() + page, said), 56);
    EXPECT_NE(said.find("407"), said.npos) << said;
    EXPECT_EQ(server.visitors().size(), 6U);
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(log().find("secret"), std::string::npos);  // a password is in no log
}

TEST_F(outbound_curl, users_come_from_a_file_that_others_cannot_read) {
    std::ofstream("users") << "# who may\n\nanna:secret\r\nbob:pa\n";
    std::filesystem::permissions("users", std::filesystem::perms(0600));
    start({"--source", "127.0.0.1:any*4", "--users", "users"});
    small_server server(serve_page);
    EXPECT_EQ(fetch("--socks5 " + at("anna:secret"), "127.0.0.1", server.port()), "");
    EXPECT_EQ(stop(), 0);
    std::filesystem::permissions("users", std::filesystem::perms(0604));
    int status = 0;
    EXPECT_NE(run_to_end({"--users", "users"}, status).find("chmod o-rw"), std::string::npos) << log();
    EXPECT_EQ(status, 2);
}

TEST_F(outbound_curl, what_cannot_be_had_is_answered_as_the_documents_say) {
    start({"--source", "127.0.0.1:any*4", "--socks-ports", "1-64,1024-65535"});
    std::string said;
    const auto status_of = [&](const std::string& url) {
        curl("-w '%{http_connect}' -o none --proxytunnel --proxy http://" + at() + " " + url, said);
        return said.substr(said.size() - 3);
    };
    const auto reply_to = [&](const std::string& url) {
        EXPECT_EQ(curl("--socks5-hostname " + at() + " -o none " + url, said), 97);
        return said.substr(said.find_last_of('(') + 1, 1);
    };
    std::uint16_t nobody = 0;
    { nobody = small_server(serve_page).port(); }
    const std::string refused = "http://127.0.0.1:" + std::to_string(nobody) + "/";
    EXPECT_EQ(status_of(refused), "502");
    EXPECT_EQ(reply_to(refused), "5");
    EXPECT_EQ(status_of("http://no-such-name.invalid/"), "502");
    EXPECT_EQ(reply_to("http://no-such-name.invalid:81/"), "2");  // the port is looked at first
    EXPECT_EQ(reply_to("http://no-such-name.invalid:8081/"), "4");
    EXPECT_EQ(status_of("http://[::1]:1/"), "502");  // no source has an address of that family
    EXPECT_EQ(reply_to("http://[::1]:1/"), "3");
    for (const char* never :
         {"10.0.0.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
          "255.255.255.255", "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[::]", "[ff02::1]"}) {
        EXPECT_EQ(status_of("http://"s + never + "/"), "403") << never;
        EXPECT_EQ(reply_to("http://"s + never + ":8080/"), "2") << never;
    }
    EXPECT_EQ(curl("-w '%{http_code}' -o none http://" + at() + "/", said), 0);
    EXPECT_EQ(said, "405");
    EXPECT_EQ(curl("-w '%{http_code}' -o none -H 'Long: " + std::string(9000, 'x') +
                       "' --proxytunnel --proxy-header 'Long: " + std::string(9000, 'x') + "' --proxy http://" +
                       at() + " " + refused,
                   said),
              56);
    EXPECT_NE(said.find("431"), said.npos) << said;
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_curl, loopback_and_the_proxys_own_addresses_are_refused_unless_they_are_allowed) {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) GTEST_SKIP() << "an address is made as root";
    const std::string own = "203.0.113.9";
    if (std::system(("ip addr add " + own + "/32 dev lo").c_str()) != 0) GTEST_SKIP() << "no ip (Debian: iproute2)";
    small_server server(serve_page), server_there(serve_page, own.c_str());
    allows_loopback_ = false;
    for (const bool allowed : {false, true}) {
        std::vector<std::string> options{"--source", "127.0.0.1:any*4"};
        if (allowed) options.insert(options.end(), {"--allow", "own"});
        start(options);
        EXPECT_NE(fetch("--socks5 " + at(), "127.0.0.1", server.port()), "");
        EXPECT_NE(fetch("--proxytunnel --proxy http://" + at(), "127.0.0.1", server.port()), "");
        EXPECT_EQ(fetch("--socks5 " + at(), own, server_there.port()).empty(), allowed);
        EXPECT_EQ(stop(), 0);
        EXPECT_EQ(log().find("own addresses are not allowed") != std::string::npos, !allowed);
    }
    EXPECT_TRUE(server.visitors().empty());
    EXPECT_EQ(server_there.visitors().size(), 1U);
    if (std::system(("ip addr del " + own + "/32 dev lo").c_str()) != 0) ADD_FAILURE();
    int status = 0;
    const std::string text = run_to_end({"--allow", "everything"}, status);
    EXPECT_EQ(status, 2);
    EXPECT_NE(text.find("'everything'"), text.npos) << text;
}

TEST_F(outbound_curl, a_header_of_curls_own_in_front_of_a_request) {
    start({"--source", "127.0.0.1:any*4", "--proxy-protocol", "require", "--trust", "127.0.0.0/8"});
    std::string said;
    EXPECT_EQ(curl("--haproxy-protocol --interface 127.0.0.9 -w '%{http_code}' -o none http://" + at() + "/", said),
              0);
    EXPECT_EQ(said, "405") << log();
    EXPECT_TRUE(logs("client=127.0.0.9:"));
    EXPECT_NE(curl("-o none http://" + at() + "/", said), 0);  // without one
    EXPECT_TRUE(logs("no PROXY header"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_curl, metrics_count_what_happened) {
    start({"--source", "127.0.0.1:any*4/2", "--metrics", "127.0.0.1:0", "--user", "anna:secret"});
    small_server server(serve_page);
    EXPECT_EQ(fetch("--socks5 " + at("anna:secret"), "127.0.0.1", server.port()), "");
    EXPECT_EQ(fetch("--proxytunnel --proxy http://" + at("anna:secret"), "127.0.0.1", server.port()), "");
    EXPECT_NE(fetch("--socks5 " + at("anna:wrong"), "127.0.0.1", server.port()), "");
    EXPECT_NE(fetch("--socks5 " + at("anna:secret"), "10.0.0.1", 80), "");
    const std::string text = log(), mark = "event=metrics_listening at=";
    const std::size_t begin = text.find(mark) + mark.size();
    const std::string url = "http://" + text.substr(begin, text.find_first_of(" \n", begin) - begin) + "/metrics";
    std::string said;
    ASSERT_EQ(curl(url, said), 0) << said;
    for (const char* line :
         {"outbound_requests_total{protocol=\"socks5\"} 2", "outbound_requests_total{protocol=\"http\"} 1",
          "outbound_outcomes_total{outcome=\"connected\"} 2", "outbound_outcomes_total{outcome=\"not_allowed\"} 1",
          "outbound_outcomes_total{outcome=\"exhausted\"} 0", "outbound_unwelcome_total 1", "outbound_tunnels_open 0",
          "berth_ports{block=\"tcp:127.0.0.1\",state=\"available\"} 8"}) {
        EXPECT_NE(said.find(line), said.npos) << line << "\n" << said;
    }
    EXPECT_EQ(stop(), 0);
}

TEST_F(outbound_curl, options_that_make_no_sense_are_named) {
    const std::pair<std::vector<std::string>, const char*> rows[] = {
        {{"--source", "nonsense"}, "'nonsense'"},
        {{"--source", "127.0.0.1:5-4"}, "'127.0.0.1:5-4'"},
        {{"--source", "127.0.0.1:1000-1010", "--source", "[::1]:1010"}, "1010"},
        {{"--source", "::1:5"}, "'::1:5'"},
        {{"--listen", "localhost:1"}, "'localhost:1'"},
        {{"--http-ports", "80,x"}, "'80,x'"},
        {{"--proxy-protocol", "require"}, "--trust"},
        {{"--proxy-protocol", "require", "--trust", "10.0.0.0/33"}, "'10.0.0.0/33'"},
        {{"--user", "nameless"}, "'nameless'"},
        {{"--users", "/no/such/file"}, "/no/such/file"},
        {{"--idle-time", "-1"}, "--idle-time"},
        {{"--udp-destinations", "0"}, "--udp-destinations"},
    };
    for (const auto& [arguments, named] : rows) {
        int status = 0;
        const std::string text = run_to_end(arguments, status);
        EXPECT_EQ(status, 2) << text;
        EXPECT_NE(text.find(named), text.npos) << text;
    }
    int status = 0;
    const std::string text = run_to_end({"--source", "one=127.0.0.1:any*2", "--user", "a:b:three"}, status);
    EXPECT_EQ(status, 1);
    EXPECT_NE(text.find("'three'"), text.npos) << text;
}

}  // namespace
}  // namespace berth::test
