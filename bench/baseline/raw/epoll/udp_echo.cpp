// Bare recvmmsg and sendmmsg over UDP: as many datagrams a call as are there, epoll only when there are none.
//
// With --offload a run, neighbours of one sender and one size, goes back as one message that the kernel cuts
// (UDP_SEGMENT). Where there are no runs that is the plain way again.
#include "baseline/raw/sockets.hpp"
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <netinet/udp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <system_error>
#include <vector>

namespace berth::bench {
namespace {

constexpr unsigned batch = 64;
constexpr std::size_t room = 2112;  // not a power of two: the batch spreads over the cache
constexpr std::size_t largest_run = 60'000;

class echo_server {
public:
    echo_server(int fd, bool offload) : fd_(fd), offload_(offload), memory_(batch * room) {
        for (unsigned i = 0; i < batch; ++i) {
            pieces_[i] = {memory_.data() + i * room, room};
            msghdr& message = incoming_[i].msg_hdr;
            message.msg_iov = &pieces_[i];
            message.msg_iovlen = 1;
            message.msg_name = &senders_[i];
        }
    }

    void run() {
        const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
        epoll_event event{};
        event.events = EPOLLIN;
        if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd_, &event) != 0)
            throw std::system_error(errno, std::system_category(), "epoll");
        for (;;) {
            const unsigned count = receive();
            if (count > 0) echo(count);
            if (count < batch) ::epoll_wait(epoll, &event, 1, -1);
        }
    }

private:
    unsigned receive() noexcept {
        for (unsigned i = 0; i < batch; ++i) {
            incoming_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
            pieces_[i].iov_len = room;
        }
        const int count = ::recvmmsg(fd_, incoming_.data(), batch, 0, nullptr);
        return count > 0 ? static_cast<unsigned>(count) : 0;
    }

    void echo(unsigned count) noexcept {
        for (unsigned i = 0; i < count; ++i) pieces_[i].iov_len = incoming_[i].msg_len;
        unsigned messages = 0;
        for (unsigned i = 0; i < count;) {
            const unsigned length = offload_ ? run_from(i, count) : 1;
            msghdr& message = outgoing_[messages].msg_hdr;
            message = {};
            message.msg_name = &senders_[i];
            message.msg_namelen = sizeof(sockaddr_in);
            message.msg_iov = &pieces_[i];
            message.msg_iovlen = length;
            if (length > 1) cut(message, controls_[messages], static_cast<std::uint16_t>(pieces_[i].iov_len));
            ++messages;
            i += length;
        }
        for (unsigned done = 0; done < messages;) {
            const int sent = ::sendmmsg(fd_, outgoing_.data() + done, messages - done, 0);
            done += sent > 0 ? static_cast<unsigned>(sent) : 1;  // what cannot be sent is lost, as datagrams are
        }
    }

    /// How many datagrams from `first` on are of one sender and one size; the last may be shorter.
    [[nodiscard]] unsigned run_from(unsigned first, unsigned count) const noexcept {
        const std::size_t size = pieces_[first].iov_len;
        if (size == 0) return 1;
        const auto most = static_cast<unsigned>(std::clamp<std::size_t>(largest_run / size, 1, 64));
        unsigned length = 1;
        while (first + length < count && length < most) {
            const sockaddr_in &a = senders_[first], &b = senders_[first + length];
            const std::size_t next = pieces_[first + length].iov_len;
            if (a.sin_port != b.sin_port || a.sin_addr.s_addr != b.sin_addr.s_addr || next > size || next == 0) break;
            ++length;
            if (next < size) break;
        }
        return length;
    }

    struct control {
        alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(std::uint16_t))];
    };
    static void cut(msghdr& message, control& room_for_it, std::uint16_t size) noexcept {
        message.msg_control = room_for_it.bytes;
        message.msg_controllen = sizeof room_for_it.bytes;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof size);
        std::memcpy(CMSG_DATA(header), &size, sizeof size);
    }

    int fd_;
    bool offload_;
    std::vector<char> memory_;
    std::array<mmsghdr, batch> incoming_{}, outgoing_{};
    std::array<iovec, batch> pieces_{};
    std::array<sockaddr_in, batch> senders_{};
    std::array<control, batch> controls_{};
};

}  // namespace

void serve_udp(const server_order& order) {
    const int fd = open_udp_socket();
    echo_server server(fd, order.offload);
    announce(order, fd);
    server.run();
}

}  // namespace berth::bench
