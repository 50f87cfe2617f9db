// Makes a network namespace of our own a ground on which every variation can be tried.
#include "attack_variations.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace berth::test {
namespace {

struct ipv6_interface_address {  // the layout that SIOCSIFADDR reads for AF_INET6
    in6_addr address;
    std::uint32_t prefix_length;
    int index;
};

void add_ipv4(const char* text) {
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::memcpy(request.ifr_name, "lo:1", sizeof "lo:1");
    auto& a = reinterpret_cast<sockaddr_in&>(request.ifr_addr);
    a.sin_family = AF_INET;
    inet_pton(AF_INET, text, &a.sin_addr);
    ioctl(s, SIOCSIFADDR, &request);
    close(s);
}

void add_ipv6(const char* text) {
    const int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ipv6_interface_address request{};
    request.prefix_length = 64;
    request.index = static_cast<int>(if_nametoindex("lo"));
    inet_pton(AF_INET6, text, &request.address);
    ioctl(s, SIOCSIFADDR, &request);
    close(s);
}

}  // namespace

// Refusals are not errors here: without the right, the variations in question are skipped and counted.
void prepare_attack_ground() {
    if (!std::getenv("BERTH_OWN_NAMESPACE")) return;
    add_ipv4("10.9.9.1");
    add_ipv6("fd00::1");
    add_ipv6("fe80::1234");
    const int f = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
    if (f < 0) return;
    constexpr char all[] = "1024 65535";
    [[maybe_unused]] const auto written = write(f, all, sizeof all - 1);
    close(f);
}

}  // namespace berth::test
