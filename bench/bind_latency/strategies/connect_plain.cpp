// Outbound without a reservation: connect() and the kernel's choice of a port; and bind to a free port, then connect.
//
// give_back aborts the connection (linger 0), so that no TIME_WAIT changes the occupancy under measurement.
#include "bind_latency/drained_listener.hpp"
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

#include <stdexcept>

namespace berth::bench {
namespace {

class place : public timed_seat<place> {
public:
    place(drained_listener& server, std::uint16_t own_port) noexcept
        : server_(server), remote_(raw::loopback_address(server.port())), own_port_(own_port) {}
    bool take() noexcept {
        fd_ = raw::open_socket(SOCK_STREAM | SOCK_NONBLOCK);
        if (fd_ < 0) return false;
        if (own_port_ != 0 && !raw::bind_to(fd_, own_port_)) return abandon();
        return raw::connect_and_wait(fd_, remote_) || abandon();
    }
    void give_back() noexcept {
        const linger abort{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        ::close(fd_);
        server_.settle();
    }

private:
    bool abandon() noexcept {
        ::close(fd_);
        return false;
    }

    drained_listener& server_;
    sockaddr_in remote_;
    std::uint16_t own_port_;
    int fd_ = -1;
};

template <bool known>
class connect_plain : public strategy {
public:
    void prepare(const scene& s) override {
        if (known && s.free_ports.size() < s.threads) throw std::runtime_error("fewer free ports than threads");
        server_ = s.server;
        free_ = s.free_ports;
    }
    std::unique_ptr<seat> sit(unsigned thread) override {
        return std::make_unique<place>(*server_, known ? free_[thread] : std::uint16_t{0});
    }

private:
    drained_listener* server_ = nullptr;
    std::vector<std::uint16_t> free_;
};

}  // namespace

strategy_entry connect_kernel_entry() {
    return {"connect", "kernel: connect()", "socket + connect + poll, the kernel chooses the port", approach::kernel,
            make_strategy<connect_plain<false>>};
}

strategy_entry connect_known_entry() {
    return {"connect_known", "bind to a port known to be free, connect",
            "socket + bind to that port + connect + poll", approach::program, make_strategy<connect_plain<true>>};
}

}  // namespace berth::bench
