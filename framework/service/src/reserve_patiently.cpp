// See reserve_patiently.hpp.
#include "berth/service/reserve_patiently.hpp"

#include <thread>

namespace berth::service {

port_reservation reserve_patiently(const reservation_request& request, logger& log,
                                   std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds pause{20};
    const auto end = std::chrono::steady_clock::now() + patience;
    for (bool is_first = true;; is_first = false) {
        failure f;
        auto reserved = port_reservation::reserve(request, f);
        if (!f) return reserved;
        if (f.code != errc::block_unavailable || std::chrono::steady_clock::now() + pause > end) {
            throw reservation_error(f);
        }
        if (is_first) {
            log.warning("ports_in_use", {{"what", f.what}, {"patience_ms", patience.count()}});
        }
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace berth::service
