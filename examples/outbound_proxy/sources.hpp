// The blocks that connections leave from: which is tried for whom, and the connect itself.
//
// Any thread. A source suits a destination if it has an address of its family. Where a source has no port left for a
// destination the next one that suits is tried; the client hears of an exhaustion only when all have said so.
#pragma once

#include "failures.hpp"
#include "settings.hpp"

#include <berth/bound.hpp>
#include <berth/io_context.hpp>
#include <berth/port_reservation.hpp>
#include <berth/service/logger.hpp>
#include <berth/tcp_socket.hpp>
#include <berth/udp_socket.hpp>

#include <asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <span>

namespace outbound_proxy {

struct source {
    std::string name;
    berth::port_reservation ports;
    bool is_v4 = true;
    asio::ip::address address;
};

/// Who asks: what a choice that sticks goes by, and the sources that it may use (none named: all).
struct asker {
    std::string_view key;
    const user_setting* user = nullptr;
};

class source_list {
public:
    using executor_type = berth::io_context::executor_type;
    using clock = std::chrono::steady_clock;

    /// Reserves all blocks. Throws berth::reservation_error, whose text names the block; std::invalid_argument.
    source_list(const std::vector<source_setting>& wanted, berth::transport protocol, const settings& all,
                berth::service::logger& log);

    [[nodiscard]] bool is_kernels() const noexcept { return sources_.empty(); }
    [[nodiscard]] std::span<const source> all() const noexcept { return sources_; }
    [[nodiscard]] bool has(std::string_view name) const noexcept;
    /// Whether one of them, of whichever family, may be used by who asks.
    [[nodiscard]] bool has_one_for(const asker& who) const noexcept;

    struct connected {
        berth::bound<berth::tcp_socket> socket;  ///< without a port of berth's where the kernel chooses
        berth::error_code ec;
        problem what = problem::none;
        std::string_view by;  ///< the source's name
    };
    asio::awaitable<connected> connect(executor_type on, asio::ip::tcp::endpoint to, asker who,
                                       clock::time_point deadline);

    /// A UDP port that suits destinations of this family; empty: `what` says why.
    berth::bound<berth::udp_socket> take(executor_type on, bool is_v4, asker who, problem& what);

private:
    /// fn(source) until it returns true, over those that suit, in the order of the choice. False: there was none.
    template <class Function>
    bool each_that_suits(bool is_v4, const asker& who, Function fn);
    [[nodiscard]] std::size_t first_for(const asker& who) noexcept;

    std::vector<source> sources_;
    choice chosen_;
    std::atomic<std::size_t> turn_{0};
};

}  // namespace outbound_proxy
