// Turns of the daemon; see daemon_loop.hpp.
#include "daemon_loop.hpp"

#include "platform/process.hpp"

#include <algorithm>

namespace berth::daemon {

using detail::service_number;
using namespace std::chrono_literals;

void daemon_loop::begin() {
    watch_keeper();
    service_.desk().serve_with(server_);
    looked_ = std::chrono::steady_clock::now();
}

void daemon_loop::turn() {
    const bool more = service_.work();
    const auto usual = service_.has_more_to_do() ? 1000ms : 3600'000ms;
    const auto patience = std::min<std::chrono::milliseconds>(service_.desk().due().value_or(usual), usual);
    server_.turn(more ? 0ms : patience,
                 [this](const auto& request, platform::descriptor& c) { return this->answer(request, c); });
    if (!service_.has_more_to_do() || std::chrono::steady_clock::now() - looked_ < std::chrono::seconds(1)) return;
    with_keeper_unwatched([&] { service_.look_after(); });
    looked_ = std::chrono::steady_clock::now();
}

void daemon_loop::watch_keeper() {
    watched_keeper_ = keeper_.handle();
    if (watched_keeper_ < 0) return;
    server_.watch(watched_keeper_, [this] { with_keeper_unwatched([&] { service_.renew_keeper(); }); });
}

// Its descriptor may be another one afterwards.
template <class Work>
void daemon_loop::with_keeper_unwatched(Work work) {
    server_.unwatch(watched_keeper_);
    work();
    watch_keeper();
}

std::optional<detail::service_answer> daemon_loop::answer(const detail::service_request& request,
                                                          platform::descriptor& connection) {
    auto out = service_.answer(request, connection);
    if (!connection) return std::nullopt;  // a consumer's now
    if (request.kind != detail::request_kind::status) return out;
    const auto number = [&](service_number which) -> std::uint32_t& {
        return out.numbers[static_cast<std::size_t>(which)];
    };
    const auto& counts = server_.counts();
    number(service_number::clients) = static_cast<std::uint32_t>(server_.clients());
    number(service_number::process) = static_cast<std::uint32_t>(own_process());
    number(service_number::uptime) = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_).count());
    number(service_number::refused) = static_cast<std::uint32_t>(
        counts.denied + counts.malformed + counts.turned_away + counts.too_slow + service_.desk().shut_out());
    return out;
}

}  // namespace berth::daemon
