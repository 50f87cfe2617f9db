// A program's command line and its file of options.
//
//   berth::service::program program("relay", "A TURN server", "1.0");
//   program.options().add_option("--realm", realm, "Realm of the credentials");   // needs <CLI/CLI.hpp>
//   if (const auto code = program.parse(argc, argv)) return *code;
//
// Every option can stand in the file (--config), under the same name without its dashes; the command line wins. Bad
// options end in a message that names the file, the key, the value and what to write instead; nothing is ignored.
#pragma once

#include <berth/service/logger.hpp>

#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace berth::service {

/// What the built-in options say.
struct settings {
    std::string config;                              ///< --config FILE; empty: none
    severity level = severity::info;                 ///< --log-level debug|info|warning|error
    log_format format = log_format::text;            ///< --log-format text|json
    std::optional<asio::ip::tcp::endpoint> metrics;  ///< --metrics ADDRESS:PORT; none: no endpoint
    std::chrono::milliseconds drain_time{30'000};    ///< --drain-time SECONDS
    std::size_t shards = 0;                          ///< --shards N; 0: one a processor
};

/// 198.51.100.7:9100 or [2001:db8::1]:9100; nothing else.
[[nodiscard]] std::optional<asio::ip::tcp::endpoint> endpoint_of(std::string_view text) noexcept;

/// For one thread.
class program {
public:
    /// Throws std::bad_alloc.
    program(std::string name, std::string description, std::string version);
    program(const program&) = delete;
    program& operator=(const program&) = delete;
    ~program();

    [[nodiscard]] const std::string& name() const noexcept;
    /// For the program's own options, before parse(). Their defaults are shown by --help and --print-config.
    [[nodiscard]] CLI::App& options() noexcept;

    /// Reads arguments and file. A value: the program ends with it, 0 after --help, --version and --print-config, 2
    /// after a mistake, which was said on the standard error.
    [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv);
    /// The same, writing to these.
    [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv, std::ostream& out,
                                           std::ostream& mistakes);

    /// After parse().
    [[nodiscard]] const settings& values() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace berth::service
