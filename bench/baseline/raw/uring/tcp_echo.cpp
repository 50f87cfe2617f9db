// Bare io_uring over TCP: multishot accept, multishot receive into a buffer ring, send from the same buffer.
//
// A connection has at most one send under way; what arrives meanwhile waits in line, so that nothing overtakes. It is
// closed when its receive has ended and no send is under way. Nothing is kept per connection but that line.
#include "baseline/raw/uring/buffer_ring.hpp"
#include "baseline/raw/uring/ring.hpp"
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <vector>

namespace berth::bench {
namespace {

constexpr std::uint32_t none = UINT32_MAX;

struct chunk {  // bytes on their way back
    int fd = -1;
    std::uint32_t size = 0;
    std::uint32_t next = none;
    std::uint32_t buffer = 0;
    char* data = nullptr;
};

struct connection {
    std::uint32_t first = none, last = none;  // its chunks; the first one is being sent
    bool receiving = false;
    bool failed = false;
};

class echo_server {
public:
    echo_server(int listener, bool large)
        : listener_(listener), buffers_(ring_.native(), large ? 64 : 1024, large ? 65'536 : 2112, large, 16'384) {}

    void run() {
        accept();
        for (;;) {
            ring_.turn([this](const io_uring_cqe& cqe) { handle(cqe); });
            if (buffers_.publish()) serve_starved();
        }
    }

private:
    enum class kind : std::uint32_t { accept, receive, send, close };

    static std::uint64_t tag(kind what, std::uint32_t which) noexcept {
        return std::uint64_t{static_cast<std::uint32_t>(what)} << 32 | which;
    }

    void handle(const io_uring_cqe& cqe) {
        const auto which = static_cast<std::uint32_t>(cqe.user_data);
        switch (static_cast<kind>(cqe.user_data >> 32)) {
            case kind::accept:
                return accepted(cqe);
            case kind::receive:
                return received(static_cast<int>(which), cqe);
            case kind::send:
                return sent(which, cqe.res);
            case kind::close:
                return;
        }
    }

    void accept() noexcept {
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        sqe->user_data = tag(kind::accept, 0);
    }

    void accepted(const io_uring_cqe& cqe) {
        if (cqe.res >= 0) {
            const auto index = static_cast<std::size_t>(cqe.res);
            if (index >= connections_.size()) connections_.resize(index + index / 2 + 64);
            connections_[index] = {};
            receive(cqe.res);
        }
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept();
    }

    void receive(int fd) noexcept {
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = raw::buffer_ring::group;
        sqe->user_data = tag(kind::receive, static_cast<std::uint32_t>(fd));
        at(fd).receiving = true;
    }

    void received(int fd, const io_uring_cqe& cqe) {
        connection& c = at(fd);
        if ((cqe.flags & IORING_CQE_F_MORE) == 0) c.receiving = false;
        if (cqe.res > 0) {
            const std::uint32_t index = new_chunk();
            chunks_[index] = {fd, static_cast<std::uint32_t>(cqe.res), none, raw::buffer_ring::index_of(cqe),
                              buffers_.received(cqe)};
            if (c.first == none) {
                c.first = c.last = index;
                send(index);
            } else {
                chunks_[c.last].next = index;
                c.last = index;
            }
            if (!c.receiving && !c.failed) receive(fd);
        } else if (cqe.res == -ENOBUFS && !c.failed) {
            starved_.push_back(fd);
            c.receiving = true;  // as good as: it will be
        }
        close_if_over(fd);
    }

    void send(std::uint32_t index) noexcept {
        const chunk& k = chunks_[index];
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_send(sqe, k.fd, k.data, k.size, MSG_WAITALL | MSG_NOSIGNAL);
        sqe->user_data = tag(kind::send, index);
    }

    void sent(std::uint32_t index, int result) {
        const chunk k = chunks_[index];
        connection& c = at(k.fd);
        buffers_.release(k.buffer);
        free_chunks_.push_back(index);
        c.first = k.next;
        if (result != static_cast<int>(k.size) && !c.failed) {
            c.failed = true;
            drop_line(c);
            ::shutdown(k.fd, SHUT_RDWR);  // ends its receive
        }
        if (c.first != none) return send(c.first);
        close_if_over(k.fd);
    }

    void drop_line(connection& c) {
        for (; c.first != none; c.first = chunks_[c.first].next) {
            buffers_.release(chunks_[c.first].buffer);
            free_chunks_.push_back(c.first);
        }
    }

    void close_if_over(int fd) noexcept {
        const connection& c = at(fd);
        if (c.receiving || c.first != none) return;
        io_uring_sqe* sqe = ring_.next();
        io_uring_prep_close(sqe, fd);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = tag(kind::close, 0);
    }

    void serve_starved() noexcept {
        for (const int fd : starved_) receive(fd);
        starved_.clear();
    }

    std::uint32_t new_chunk() {
        if (free_chunks_.empty()) {
            chunks_.emplace_back();
            return static_cast<std::uint32_t>(chunks_.size() - 1);
        }
        const std::uint32_t index = free_chunks_.back();
        free_chunks_.pop_back();
        return index;
    }

    connection& at(int fd) noexcept { return connections_[static_cast<std::size_t>(fd)]; }

    int listener_;
    raw::ring ring_;
    raw::buffer_ring buffers_;
    std::vector<connection> connections_;  // by descriptor
    std::vector<chunk> chunks_;
    std::vector<std::uint32_t> free_chunks_;
    std::vector<int> starved_;
};

}  // namespace

void serve_tcp(const server_order& order) {
    const int listener = open_listener();
    echo_server server(listener, order.size > 1536);
    announce(order, listener);
    server.run();
}

}  // namespace berth::bench
