// Packets of strangers on loopback, for one kind of session socket and one family: what is sent, what must be found.
//
// Nothing here calls berth. A complaint is a sentence; empty means that all was as it should be. Connections end by a
// reset, so that nobody's TIME_WAIT is left on the port under test.
#pragma once

#include "platform/port_provider.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "unit/linux/kernel_sockets.hpp"

namespace provider_contract {

class kernel_traffic {
public:
    kernel_traffic(berth::platform::port_kind kind, berth::address_family family);

    std::uint32_t leave_unread(int session, std::uint16_t port);
    std::string hears(int session, std::uint16_t port);
    std::string is_deaf(int session, std::uint16_t port);
    [[nodiscard]] const std::vector<int>& speakers() const { return speakers_; }

private:
    std::string hears_datagram(int session, int family, std::uint16_t port);
    std::string serves_client(int listener, int family, std::uint16_t port);
    std::string reaches_server(int session, int family, std::uint16_t port, bool stay);
    berth_test::descriptor call(int family, std::uint16_t port);  // a client under way whose end is a reset

    const berth::platform::port_kind kind_;
    const bool mapped_;  // the session socket speaks IPv4 by mapped addresses
    std::vector<int> speakers_;
    std::vector<berth_test::descriptor> waiting_;  // clients, servers that nobody has answered yet
    unsigned turn_ = 0;
};

}  // namespace provider_contract
