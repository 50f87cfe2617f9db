// Bare io_uring over UDP: one multishot recvmsg into a buffer ring; each datagram is sent back from where it lies.
//
// The sender's address is taken from the buffer as well, by a send with an address: no msghdr is copied. liburing 2.3
// can prepare that for zero-copy sends alone, so the entry is filled by hand.
#include "baseline/raw/uring/buffer_ring.hpp"
#include "baseline/raw/uring/ring.hpp"
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace berth::bench {
namespace {

class echo_server {
public:
    explicit echo_server(int fd) : fd_(fd), buffers_(ring_.native(), 1024, 2112, false, 0) {
        shape_.msg_namelen = sizeof(sockaddr_in);
    }

    void run() {
        receive();
        for (;;) {
            ring_.turn([this](const io_uring_cqe& cqe) {
                if (cqe.user_data == receiving)
                    received(cqe);
                else
                    buffers_.release(static_cast<unsigned>(cqe.user_data));
            });
            buffers_.publish();
            if (!armed_) receive();
        }
    }

private:
    static constexpr std::uint64_t receiving = UINT64_MAX;

    void receive() noexcept {
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_recvmsg_multishot(sqe, fd_, &shape_, MSG_TRUNC);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = raw::buffer_ring::group;
        sqe->user_data = receiving;
        armed_ = true;
    }

    void received(const io_uring_cqe& cqe) noexcept {
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) armed_ = false;
        if (cqe.res < 0) return;
        const unsigned id = raw::buffer_ring::index_of(cqe);
        io_uring_recvmsg_out* out = io_uring_recvmsg_validate(buffers_.received(cqe), cqe.res, &shape_);
        if (out == nullptr || (out->flags & MSG_TRUNC) != 0) return buffers_.release(id);
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_send(sqe, fd_, io_uring_recvmsg_payload(out, &shape_),
                           io_uring_recvmsg_payload_length(out, cqe.res, &shape_), 0);
        sqe->addr2 = reinterpret_cast<std::uint64_t>(io_uring_recvmsg_name(out));
        sqe->addr_len = sizeof(sockaddr_in);
        sqe->user_data = id;
    }

    int fd_;
    raw::ring ring_;
    raw::buffer_ring buffers_;
    msghdr shape_{};  // where in a buffer the address and the payload are
    bool armed_ = false;
};

}  // namespace

void serve_udp(const server_order& order) {
    const int fd = open_udp_socket();
    echo_server server(fd);
    announce(order, fd);
    server.run();
}

}  // namespace berth::bench
