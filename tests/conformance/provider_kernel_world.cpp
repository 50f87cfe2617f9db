// The world of the Linux provider: strangers who try every way to bind, packets on loopback, plain descriptors.
#include "conformance/documents_sockets.hpp"
#include "conformance/provider_kernel_traffic.hpp"
#include "conformance/provider_world.hpp"
#include "platform/linux/linux_provider.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

#include <fstream>

namespace provider_contract {
namespace {

using namespace berth_test;
using berth::address_family;
using berth::parking;

struct stranger {
    const char* name;
    int family;
    bool only_ipv6 = false, loopback = false, reuse_address = false, reuse_port = false, on_device = false;
    bool listens = true;  // TCP alone
};

constexpr stranger all_strangers[] = {
    {.name = "IPv4", .family = AF_INET},
    {.name = "IPv6 alone", .family = AF_INET6, .only_ipv6 = true},
    {.name = "both families", .family = AF_INET6},
    {.name = "IPv4 loopback", .family = AF_INET, .loopback = true},
    {.name = "IPv6 loopback", .family = AF_INET6, .loopback = true},
    {.name = "SO_REUSEADDR", .family = AF_INET, .reuse_address = true},
    {.name = "SO_REUSEADDR, both families, not listening",
     .family = AF_INET6,
     .reuse_address = true,
     .listens = false},
    {.name = "SO_REUSEPORT", .family = AF_INET6, .reuse_port = true},
    {.name = "both reuse flags, IPv6 alone",
     .family = AF_INET6,
     .only_ipv6 = true,
     .reuse_address = true,
     .reuse_port = true},
    {.name = "bound to a device", .family = AF_INET, .on_device = true},
    {.name = "not listening", .family = AF_INET, .listens = false},
};

class kernel_world final : public world {
public:
    explicit kernel_world(const hold_request& request)
        : world(request), provider_(berth::platform::linux_calls()), traffic_(request.kind, request.family) {}

    port_provider& provider() override { return provider_; }
    std::vector<std::string> strangers() override {
        std::vector<std::string> names;
        for (const auto& s : all_strangers) names.emplace_back(s.name);
        return names;
    }
    bool let_in(std::size_t stranger, std::uint16_t port) override {
        descriptor fd = try_to_enter(all_strangers[stranger], port);
        if (fd < 0) return false;
        inside_.push_back(std::move(fd));
        return true;
    }
    bool send_away() override {
        inside_.clear();
        return true;
    }
    bool is_free(std::uint16_t port) override { return documents::becomes_free(type(), port, 1); }
    std::string who_gets_in(std::uint16_t port) override {
        std::string names;
        for (const auto& s : all_strangers) {
            if (try_to_enter(s, port) >= 0) names += std::string(s.name) + "; ";
        }
        return names;
    }
    std::vector<std::pair<hold_request, errc>> requests_to_refuse() override {
        auto elsewhere = request_;  // addresses kept for documentation
        elsewhere.address =
            asio::ip::make_address(request_.family == address_family::ipv6 ? "2001:db8::1" : "192.0.2.1");
        return {{elsewhere, errc::address_mismatch}};
    }
    std::string missing_from_advice(const port_map& map) override {
        std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
        std::size_t low = 0, high = 0;
        if (!(file >> low >> high)) return "the ephemeral range cannot be read";
        for (std::size_t p = low; p <= high; ++p) {
            if (!map.avoid[p]) return "port " + std::to_string(p) + " of the ephemeral range";
        }
        return {};
    }

    std::uint32_t leave_unread(native_socket session, std::uint16_t port) override {
        return traffic_.leave_unread(static_cast<int>(session), port);
    }
    std::string hears(native_socket session, std::uint16_t port) override {
        return traffic_.hears(static_cast<int>(session), port);
    }
    std::string is_deaf(native_socket session, std::uint16_t port) override {
        return traffic_.is_deaf(static_cast<int>(session), port);
    }
    bool counts_what_it_hears() override { return kind() != port_kind::tcp_connect; }

    native_socket make_socket() override {
        const int family = request_.family == address_family::ipv4 ? AF_INET : AF_INET6;
        return ::dup(berth_test::make_socket(family, type(), request_.family == address_family::ipv6));
    }
    void change_option(native_socket socket) override { set_int(static_cast<int>(socket), SOL_SOCKET, option(), 1); }
    bool option_is_changed(native_socket socket) override {
        int value = -1;
        socklen_t size = sizeof value;
        EXPECT_EQ(::getsockopt(static_cast<int>(socket), SOL_SOCKET, option(), &value, &size), 0);
        return value != 0;
    }
    bool make_unacceptable(native_socket socket) override {
        set_int(static_cast<int>(socket), SOL_SOCKET, SO_REUSEPORT, 1);
        return true;
    }
    void close_behind(held_block& block, std::uint32_t index) override {
        ::close(static_cast<int>(block.session(index)));
    }
    std::shared_ptr<void> swap_in(held_block& block, std::uint32_t index) override {
        const int number = static_cast<int>(block.session(index));
        const descriptor other(::open("/dev/null", O_RDWR | O_CLOEXEC));
        EXPECT_EQ(::dup3(other, number, O_CLOEXEC), number);
        return std::make_shared<descriptor>(number);
    }
    std::shared_ptr<void> name_by_queue(held_block& block, std::uint32_t index, std::uint16_t) override {
        auto queue = std::make_shared<descriptor>(::epoll_create1(EPOLL_CLOEXEC));
        const descriptor copy(::dup(static_cast<int>(block.session(index))));
        epoll_event wanted{.events = EPOLLIN, .data = {}};
        EXPECT_EQ(::epoll_ctl(*queue, EPOLL_CTL_ADD, copy, &wanted), 0) << strerror(errno);
        return queue;
    }
    std::vector<native_socket> not_sockets() override {
        files_.emplace_back(::open("/dev/null", O_RDWR | O_CLOEXEC));
        return {-1, files_.back()};
    }
    std::vector<native_socket> neither_tcp_nor_udp() override {
        odd_ = documents::neither_tcp_nor_udp();
        std::vector<native_socket> sockets;
        for (const auto& s : odd_) sockets.push_back(s.fd());
        return sockets;
    }

private:
    [[nodiscard]] int type() const { return kind() == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM; }
    [[nodiscard]] int option() const { return kind() == port_kind::udp ? SO_BROADCAST : SO_KEEPALIVE; }

    descriptor try_to_enter(const stranger& s, std::uint16_t port) const {
        descriptor fd = berth_test::make_socket(s.family, type(), s.only_ipv6);
        if (s.reuse_address) set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (s.reuse_port) set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (s.on_device && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) != 0) return {};
        auto a4 = loopback4(port);
        auto a6 = loopback6(port);
        if (!s.loopback) a4.sin_addr.s_addr = INADDR_ANY, a6.sin6_addr = in6addr_any;
        const int r = s.family == AF_INET ? ::bind(fd, name(a4), sizeof a4) : ::bind(fd, name(a6), sizeof a6);
        if (r != 0) return {};
        if (type() == SOCK_STREAM && s.listens && ::listen(fd, 1) != 0) return {};
        return fd;
    }

    berth::platform::linux_provider provider_;
    kernel_traffic traffic_;
    std::vector<descriptor> inside_;  // strangers who have a port
    std::vector<descriptor> files_;
    std::vector<documents::plain_socket> odd_;
};

std::string name_of(const hold_request& request) {
    static constexpr const char* kinds[] = {"udp", "tcp_listen", "tcp_connect"};
    static constexpr const char* families[] = {"ipv4", "ipv6", "dual"};
    return std::string("linux_") + kinds[static_cast<int>(request.kind)] + '_' +
           families[static_cast<int>(request.family)] + (request.park == parking::best ? "_best" : "_system_calls");
}

}  // namespace

std::vector<sibling> kernel_siblings() {
    std::vector<sibling> all;
    for (const auto kind : {port_kind::udp, port_kind::tcp_listen, port_kind::tcp_connect}) {
        for (const auto family : {address_family::ipv4, address_family::ipv6, address_family::dual}) {
            for (const auto park : {parking::best, parking::system_calls}) {
                const hold_request request{.kind = kind, .family = family, .park = park};
                all.push_back({name_of(request), [request] { return std::make_unique<kernel_world>(request); }});
            }
        }
    }
    return all;
}

}  // namespace provider_contract
