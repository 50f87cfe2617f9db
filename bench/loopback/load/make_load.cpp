// See load.hpp: which load a scenario needs.
#include "loopback/load/ping_load.hpp"
#include "loopback/load/tcp_churn_load.hpp"
#include "loopback/load/tcp_echo_load.hpp"
#include "loopback/load/udp_echo_load.hpp"

namespace berth::bench {

std::unique_ptr<load> make_load(const scenario& s, std::uint16_t port, nanoseconds patience) {
    switch (s.load) {
        case load_kind::tcp_echo:
            return std::make_unique<tcp_echo_load>(s, port, patience);
        case load_kind::tcp_churn:
            return std::make_unique<tcp_churn_load>(s, port, patience);
        case load_kind::udp_echo:
            return std::make_unique<udp_echo_load>(s, port, patience);
        case load_kind::ping:
            return std::make_unique<ping_load>(s, port, patience);
        case load_kind::idle:
            break;
    }
    throw std::logic_error("an idle load does not run");
}

}  // namespace berth::bench
