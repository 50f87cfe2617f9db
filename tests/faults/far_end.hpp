// What the tests of sockets say and hear at the other end, which meets no fault.
#pragma once

#include "faults/io_ground.hpp"

#include <poll.h>

#include <string>

namespace berth::test {

inline const std::string text(1000, 'x');

inline void say(int fd, const std::string& what = text) {
    const stands_apart apart;
    static_cast<void>(::send(fd, what.data(), what.size(), MSG_NOSIGNAL));
}
inline std::size_t hear(int fd, std::size_t most = 1 << 16) {
    const stands_apart apart;
    std::string into(most, '\0');
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, 1000) != 1) return 0;
    const auto n = ::recv(fd, into.data(), into.size(), MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}
inline outcome heard_all(int fd, std::size_t wanted) {
    std::size_t all = 0;
    for (std::size_t n = 1; n != 0 && all < wanted;) all += n = hear(fd);
    EXPECT_EQ(all, wanted) << "it said that it was sent";
    return {};
}

}  // namespace berth::test
