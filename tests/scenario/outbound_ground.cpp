// The world that outbound ports connect to; see outbound_ground.hpp.
#include "scenario/outbound_ground.hpp"

#include <sys/ioctl.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace outbound_test {
namespace {

endpoint name_of(int fd, bool remote) {
    endpoint e;
    auto size = static_cast<socklen_t>(e.capacity());
    EXPECT_EQ(remote ? ::getpeername(fd, e.data(), &size) : ::getsockname(fd, e.data(), &size), 0) << strerror(errno);
    return e;
}

// As <linux/ipv6.h> and <linux/ipv6_route.h> have them, which do not go along with <netinet/in.h>.
struct address_request {
    in6_addr address = in6addr_loopback;
    std::uint32_t prefix = 128;
    int interface = 1;
};
struct route_request {
    in6_addr destination{}, source{}, gateway{};
    std::uint32_t type = 0;
    std::uint16_t destination_length = 32, source_length = 0;
    std::uint32_t metric = 1;
    unsigned long info = 0;
    std::uint32_t flags = 1;  // RTF_UP
    int interface = 1;
};

bool request(unsigned long what, void* argument) {
    const descriptor fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    return ::ioctl(fd, what, argument) == 0;
}

route_request documentation_route() {
    route_request r;
    ::inet_pton(AF_INET6, "2001:db8::", &r.destination);
    return r;
}

}  // namespace

no_ipv6_address::no_ipv6_address() {
    auto route = documentation_route();
    address_request address;
    is_set_ = request(SIOCADDRT, &route) && request(SIOCDIFADDR, &address);
}

no_ipv6_address::~no_ipv6_address() {
    auto route = documentation_route();
    address_request address;
    if (is_set_) request(SIOCSIFADDR, &address), request(SIOCDELRT, &route);
}

world::world(int family) : family_(family), listener_(bound_socket(family, SOCK_STREAM, 0, true)) {
    EXPECT_EQ(::listen(listener_, 4096), 0);
    port_ = port_of(listener_);
}

endpoint world::at(std::uint32_t n) const {
    if (family_ == AF_INET6) return {asio::ip::address_v6::loopback(), port_};
    return {asio::ip::address_v4(INADDR_LOOPBACK + n), port_};
}

bool world::accept_all() {
    bool each_once = true;
    for (;;) {
        descriptor fd(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd < 0) return each_once && (errno == EAGAIN || errno == EWOULDBLOCK);
        endpoint self, other;
        auto size = static_cast<socklen_t>(other.capacity());
        if (::getpeername(fd, other.data(), &size) != 0) continue;  // reset meanwhile
        self = name_of(fd, false);
        auto& place = connections_[{other.port(), self}];
        char byte = 0;
        const auto n = place < 0 ? 0 : ::recv(place, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        each_once = each_once && (n == 0 || (n < 0 && errno != EAGAIN));  // the one before has ended
        place = std::move(fd);
    }
}

int world::connection(std::uint16_t port, std::uint32_t n) const {
    const auto it = connections_.find({port, at(n)});
    return it == connections_.end() ? -1 : static_cast<int>(it->second);
}

void world::close(std::uint16_t port, std::uint32_t n) { connections_.erase({port, at(n)}); }

std::map<std::uint16_t, std::uint32_t> world::by_port() const {
    std::map<std::uint16_t, std::uint32_t> out;
    for (const auto& c : connections_) ++out[c.first.first];
    return out;
}

port_reservation reserve(std::uint32_t ports, std::uint16_t sessions, address_family family) {
    berth::reservation_request request;
    request.block.count = ports;
    request.protocol = berth::transport::tcp;
    request.use = berth::tcp_use::connect;
    request.family = family;
    request.sessions_per_port = sessions;
    return port_reservation::reserve(request);
}

bool sees_end(int fd) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 2000) != 1) return false;
    char byte = 0;
    return ::recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

setting::setting(const char* name, int value) : path_(std::string("/proc/sys/net/ipv4/") + name) {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) return;
    std::ifstream(path_) >> before_;
    std::ofstream file(path_);
    is_set_ = static_cast<bool>(file << value << std::flush);
}

setting::~setting() {
    if (is_set_) std::ofstream(path_) << before_ << std::flush;
}

}  // namespace outbound_test
