// The built-in options. CLI11 does the reading; what it finds wrong is said in one line, with the remedy.
#include <berth/service/program.hpp>

#include "option_file.hpp"
#include "toml_text.hpp"

#include <charconv>
#include <cmath>
#include <iostream>
#include <map>

namespace berth::service {
namespace {

std::string endpoint_check(const std::string& text) {
    if (text.empty() || endpoint_of(text)) return {};
    return "'" + text + "' is not ADDRESS:PORT, e.g. 127.0.0.1:9100 or [::1]:0";
}

std::string seconds_check(const std::string& text) {
    double seconds = -1;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_number = wrong == std::errc() && end == text.data() + text.size() && std::isfinite(seconds);
    if (is_number && seconds >= 0 && seconds <= 86400) return {};
    return "'" + text + "' is not a number of seconds from 0 to 86400";
}

}  // namespace

std::optional<asio::ip::tcp::endpoint> endpoint_of(std::string_view text) noexcept {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
    const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (in_brackets) host = host.substr(1, host.size() - 2);
    std::uint16_t number = 0;
    const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || wrong != std::errc() || end != port.data() + port.size()) return std::nullopt;
    if (host.size() > 100) return std::nullopt;
    std::error_code ec;
    const auto address = asio::ip::make_address(std::string(host), ec);
    if (ec || address.is_v6() != in_brackets) return std::nullopt;
    return asio::ip::tcp::endpoint(address, number);
}

struct program::state {
    state(std::string its_name, std::string description, std::string its_version)
        : name(std::move(its_name)), version(std::move(its_version)), app(std::move(description), name) {}

    std::string name, version;
    CLI::App app;
    std::shared_ptr<option_file> file = std::make_shared<option_file>();
    settings values;
    std::string metrics;
    double drain_seconds = 30;
    bool print_config = false;
};

program::program(std::string name, std::string description, std::string version)
    : state_(std::make_unique<state>(std::move(name), std::move(description), std::move(version))) {
    state& s = *state_;
    CLI::App& app = s.app;
    app.option_defaults()->always_capture_default();
    app.config_formatter(s.file);
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.set_config("--config", "", "File with options, TOML: name = value; the command line wins")->group("Service");
    const std::map<std::string, severity> levels{{"debug", severity::debug},
                                                 {"info", severity::info},
                                                 {"warning", severity::warning},
                                                 {"error", severity::error}};
    const std::map<std::string, log_format> formats{{"text", log_format::text}, {"json", log_format::json}};
    app.add_option_function<std::string>(
           "--log-level", [&s, levels](const std::string& name_of) { s.values.level = levels.at(name_of); },
           "What is logged: debug, info, warning or error, and what is worse")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->default_str("info")
        ->group("Service");
    app.add_option_function<std::string>(
           "--log-format", [&s, formats](const std::string& name_of) { s.values.format = formats.at(name_of); },
           "text (key=value) or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->default_str("text")
        ->group("Service");
    app.add_option("--metrics", s.metrics, "ADDRESS:PORT of the metrics for Prometheus; port 0: one that is free")
        ->check(CLI::Validator(endpoint_check, "ADDRESS:PORT"))
        ->group("Service");
    app.add_option("--drain-time", s.drain_seconds, "Seconds that what is open has to end in after SIGTERM")
        ->check(CLI::Validator(seconds_check, "SECONDS"))
        ->group("Service");
    app.add_option("--shards", s.values.shards, "Threads that serve; 0: one a processor")
        ->check(CLI::Range(0, 1024))
        ->group("Service");
    app.add_flag("--print-config", s.print_config, "Print the options as a file for --config, and end")
        ->configurable(false)
        ->group("Service");
    app.set_version_flag("--version", s.name + " " + s.version, "Print the version, and end")->group("Service");
}
program::~program() = default;

const std::string& program::name() const noexcept { return state_->name; }
CLI::App& program::options() noexcept { return state_->app; }
const settings& program::values() const noexcept { return state_->values; }

std::optional<int> program::parse(int argc, const char* const* argv) {
    return parse(argc, argv, std::cout, std::cerr);
}

std::optional<int> program::parse(int argc, const char* const* argv, std::ostream& out, std::ostream& mistakes) {
    state& s = *state_;
    try {
        s.app.parse(argc, argv);
    } catch (const CLI::Success& done) {
        s.app.exit(done, out, mistakes);
        return 0;
    } catch (const CLI::ParseError& mistake) {
        const std::vector<std::string> given(argv + (argc > 0 ? 1 : 0), argv + argc);
        const CLI::Option* const config = s.app.get_config_ptr();
        const std::string file = config->count() > 0 ? config->results().back() : std::string();
        mistakes << s.name << ": " << s.file->explain(s.app, file, mistake, given) << '\n';
        return 2;
    }
    const CLI::Option* const config = s.app.get_config_ptr();
    if (config->count() > 0) s.values.config = config->results().back();
    s.values.metrics = endpoint_of(s.metrics);
    s.values.drain_time = std::chrono::milliseconds(std::llround(s.drain_seconds * 1000));
    if (!s.print_config) return std::nullopt;
    out << escaped_toml(s.app.config_to_str(true, true));
    return 0;
}

}  // namespace berth::service
