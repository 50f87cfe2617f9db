// See surroundings.hpp.
#include "process/surroundings.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace berth::bench {
namespace {

constexpr const char* range_file = "/proc/sys/net/ipv4/ip_local_port_range";

bool write_file(const char* path, const std::string& text) {
    std::ofstream file(path);
    file << text;
    return static_cast<bool>(file.flush());
}

bool loopback_up() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", sizeof "lo");
    bool up = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    up = up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return up;
}

bool unshare_network() {
    if (unshare(CLONE_NEWNET) == 0) return true;
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    write_file("/proc/self/setgroups", "deny");
    return write_file("/proc/self/uid_map", fmt::format("0 {} 1", uid)) &&
           write_file("/proc/self/gid_map", fmt::format("0 {} 1", gid));
}

port_block read_range() {
    std::uint32_t low = 32768;
    std::uint32_t high = 60999;
    std::ifstream(range_file) >> low >> high;
    return {static_cast<std::uint16_t>(low), high - low + 1};
}

}  // namespace

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

surroundings enter_surroundings(bool want_namespace, std::uint32_t range_size) {
    surroundings s;
    s.descriptors = raise_descriptor_limit();
    if (want_namespace && unshare_network()) {
        const std::uint32_t low = 32768;
        s.own_namespace = write_file(range_file, fmt::format("{} {}", low, low + range_size - 1)) && loopback_up();
    }
    s.range = read_range();
    const std::uint32_t last = s.range.first + s.range.count - 1;
    if (s.own_namespace) {
        s.note = fmt::format("In a network namespace of its own; ip_local_port_range narrowed to {}-{} ({} ports).",
                             s.range.first, last, s.range.count);
    } else {
        s.highest_occupancy = 50;
        s.note = fmt::format(
            "On the machine's own ports, {}-{}: occupancy is limited to 50 %, so that other programs still find "
            "ports. {}",
            s.range.first, last,
            want_namespace ? "Run as root for a namespace of its own and all occupancies." : "(--no-namespace)");
    }
    return s;
}

}  // namespace berth::bench
