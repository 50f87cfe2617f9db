// What programs do without a reservation: leave the port to the kernel, narrow its range, or keep books of their own.
#include "outbound_connect/way.hpp"

#include "baseline/raw/sockets.hpp"

#include <netinet/in.h>

#include <array>
#include <deque>

namespace berth::bench {
namespace {

constexpr int bind_address_no_port = 24, local_port_range = 51;  // IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE
constexpr std::uint16_t first_port = 40000;
constexpr int most_attempts = 10;

class plain_way : public way {
public:
    explicit plain_way(const far_addresses& to) : to_(to) { fds_.fill(-1); }
    ~plain_way() override {
        for (const int fd : fds_) {
            if (fd >= 0) ::close(fd);
        }
    }
    void end(std::uint32_t number) override {
        const linger abort{1, 0};
        ::setsockopt(fds_[number], SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        ::close(fds_[number]);
        fds_[number] = -1;
    }

protected:
    [[nodiscard]] sockaddr_in destination(std::uint32_t number) const noexcept {
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_port = htons(to_.port);
        a.sin_addr.s_addr = htonl(to_.first + number / ports_each);
        return a;
    }
    bool connect_from(int fd, std::uint32_t number) noexcept {
        if (!raw::connect_and_wait(fd, destination(number))) {
            ::close(fd);
            return false;
        }
        fds_[number] = fd;
        return true;
    }

private:
    const far_addresses to_;
    std::array<int, destinations * ports_each> fds_{};
};

class kernel_choice final : public plain_way {
public:
    using plain_way::plain_way;
    bool connect(std::uint32_t number) override {
        const int fd = raw::open_socket(SOCK_STREAM | SOCK_NONBLOCK);
        return fd >= 0 && connect_from(fd, number);
    }
};

class local_range final : public plain_way {
public:
    using plain_way::plain_way;
    bool connect(std::uint32_t number) override {
        const int fd = raw::open_socket(SOCK_STREAM | SOCK_NONBLOCK);
        if (fd < 0) return false;
        constexpr int on = 1;
        constexpr std::uint32_t range = (std::uint32_t{first_port + ports_each - 1} << 16) | first_port;
        sockaddr_in from{};
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::setsockopt(fd, IPPROTO_IP, bind_address_no_port, &on, sizeof on) != 0 ||
            ::setsockopt(fd, IPPROTO_IP, local_port_range, &range, sizeof range) != 0 ||
            ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
            ::close(fd);
            return false;
        }
        return connect_from(fd, number);
    }
};

// A ring of ports for each destination, as a proxy keeps one for each server: the oldest port first, and the next one
// where the kernel says no.
class port_ring final : public plain_way {
public:
    explicit port_ring(const far_addresses& to) : plain_way(to) {
        for (auto& ring : rings_) {
            for (std::uint32_t i = 0; i < ports_each; ++i) ring.push_back(static_cast<std::uint16_t>(first_port + i));
        }
    }
    bool connect(std::uint32_t number) override {
        auto& ring = rings_[number / ports_each];
        for (int attempt = 0; attempt < most_attempts && !ring.empty(); ++attempt) {
            const std::uint16_t port = ring.front();
            ring.pop_front();
            const int fd = raw::open_socket(SOCK_STREAM | SOCK_NONBLOCK);
            if (fd < 0) return false;
            constexpr int on = 1;
            ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (!raw::bind_to(fd, port)) {
                ::close(fd);
            } else if (connect_from(fd, number)) {
                port_of_[number] = port;
                return true;
            }
            ring.push_back(port);
        }
        return false;
    }
    void end(std::uint32_t number) override {
        plain_way::end(number);
        rings_[number / ports_each].push_back(port_of_[number]);
    }

private:
    std::array<std::deque<std::uint16_t>, destinations> rings_;
    std::array<std::uint16_t, destinations * ports_each> port_of_{};
};

template <class Way>
std::unique_ptr<way> make_plain(const far_addresses& to) {
    return std::make_unique<Way>(to);
}

}  // namespace

way_entry kernel_choice_entry() {
    return {"kernel: connect()", "socket + connect + poll, out of an ip_local_port_range of 64 ports", ports_each,
            make_plain<kernel_choice>};
}
way_entry local_range_entry() {
    return {"kernel: IP_LOCAL_PORT_RANGE", "socket + 2 options + bind(0, no port) + connect + poll", 0,
            make_plain<local_range>};
}
way_entry port_ring_entry() {
    return {"program: ring of ports, SO_REUSEADDR", "socket + option + bind + connect + poll, up to 10 times", 0,
            make_plain<port_ring>};
}

const std::vector<way_entry>& all_ways() {
    static const std::vector<way_entry> all{shared_ports_entry(), kernel_choice_entry(), local_range_entry(),
                                            port_ring_entry()};
    return all;
}

}  // namespace berth::bench
