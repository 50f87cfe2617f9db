// See echo_peer.hpp.
#include "relay/echo_peer.hpp"

#include "relay/roomy_socket.hpp"

namespace berth::bench {

echo_peer::echo_peer(std::size_t largest)
    : largest_(largest),
      socket_(open_roomy_socket(INADDR_LOOPBACK)),
      memory_(batch * largest),
      names_(batch),
      pieces_(batch),
      messages_(batch) {
    for (std::size_t i = 0; i < batch; ++i) {
        pieces_[i].iov_base = &memory_[i * largest_];
        messages_[i].msg_hdr.msg_name = &names_[i];
        messages_[i].msg_hdr.msg_iov = &pieces_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
    }
}

unsigned echo_peer::turn() {
    for (std::size_t i = 0; i < batch; ++i) {
        pieces_[i].iov_len = largest_;
        messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
    }
    const int count = ::recvmmsg(socket_.fd(), messages_.data(), batch, MSG_DONTWAIT, nullptr);
    if (count <= 0) return 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) pieces_[i].iov_len = messages_[i].msg_len;
    for (int done = 0; done < count;) {
        const int n = ::sendmmsg(socket_.fd(), &messages_[static_cast<std::size_t>(done)],
                                 static_cast<unsigned>(count - done), 0);
        done += n > 0 ? n : 1;  // one that cannot be sent is lost
    }
    return static_cast<unsigned>(count);
}

}  // namespace berth::bench
