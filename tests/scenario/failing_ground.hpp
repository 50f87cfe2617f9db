// What the tests of failures count before and after: descriptors of this process, sockets on the ports, books.
#pragma once

#include "support/failing_calls.hpp"
#include "support/free_block.hpp"
#include "support/oracle.hpp"
#include "support/sockets.hpp"
#include "support/ways_to_reserve.hpp"

#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace berth::test {

using core_pointer = std::shared_ptr<detail::reservation_core>;

inline std::size_t sockets_of_both(port_block b) {
    return sockets_on(oracle_protocol::tcp, b.first, b.count).size() +
           sockets_on(oracle_protocol::udp, b.first, b.count).size();
}

}  // namespace berth::test
