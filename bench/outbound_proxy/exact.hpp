// Every tuple of a block at once, through the proxy: ports times destinations, and not one more.
#pragma once

#include "outbound_proxy/entrance.hpp"

#include <cstdint>
#include <string>

namespace berth::bench {

struct exact_options {
    std::string proxy;
    std::uint32_t ports = 64, destinations = 100;
    speech words = speech::socks5;
};

/// 0: it holds, and the figures are on the standard output; 1: what does not is on the standard error.
int show_exactness(const exact_options& o);

}  // namespace berth::bench
