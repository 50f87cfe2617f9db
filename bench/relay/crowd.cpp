// See crowd.hpp.
#include "relay/crowd.hpp"

#include "relay/roomy_socket.hpp"

#include <stdexcept>
#include <string>

namespace berth::bench {
namespace {

constexpr std::uint32_t first_client = 0x7f400001;  // 127.64.0.1

void lay_out(std::vector<iovec>& pieces, std::vector<std::uint8_t>& memory, std::size_t largest) {
    for (std::size_t i = 0; i < pieces.size(); ++i) pieces[i] = {&memory[i * largest], largest};
}

}  // namespace

crowd::crowd(std::uint16_t server_port, std::size_t largest)
    : largest_(largest),
      socket_(open_roomy_socket(INADDR_ANY)),
      server_(raw::loopback_address(server_port)),
      sent_(batch * largest),
      received_(batch * largest),
      out_pieces_(batch),
      in_pieces_(batch),
      out_names_(batch),
      in_names_(batch),
      outgoing_(batch),
      incoming_(batch) {
    if (!raw::set_option(socket_.fd(), IPPROTO_IP, IP_PKTINFO, 1))
        throw std::runtime_error(std::string("the clients' socket: ") + std::strerror(errno));
    lay_out(out_pieces_, sent_, largest_);
    lay_out(in_pieces_, received_, largest_);
    for (std::size_t i = 0; i < batch; ++i) {
        msghdr& out = outgoing_[i].msg_hdr;
        out.msg_name = &server_;
        out.msg_namelen = sizeof server_;
        out.msg_iov = &out_pieces_[i];
        out.msg_iovlen = 1;
        out.msg_control = out_names_[i].room;
        out.msg_controllen = sizeof out_names_[i].room;
        cmsghdr* name = CMSG_FIRSTHDR(&out);
        name->cmsg_level = IPPROTO_IP;
        name->cmsg_type = IP_PKTINFO;
        name->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
        msghdr& in = incoming_[i].msg_hdr;
        in.msg_iov = &in_pieces_[i];
        in.msg_iovlen = 1;
        in.msg_control = in_names_[i].room;
    }
}

void crowd::send(std::uint32_t client, relay::bytes_view datagram) {
    if (datagram.size() > largest_) throw std::logic_error("a datagram larger than was said");
    std::memcpy(out_pieces_[queued_].iov_base, datagram.data(), datagram.size());
    out_pieces_[queued_].iov_len = datagram.size();
    in_pktinfo from{};
    from.ipi_spec_dst.s_addr = htonl(first_client + client);
    std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&outgoing_[queued_].msg_hdr)), &from, sizeof from);
    if (++queued_ == batch) flush();
}

void crowd::flush() {
    for (std::size_t done = 0; done < queued_;) {
        const int n = ::sendmmsg(socket_.fd(), &outgoing_[done], static_cast<unsigned>(queued_ - done), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw server_silent(std::string("nothing can be sent to it: ") + std::strerror(errno));
        done += static_cast<std::size_t>(n);
    }
    queued_ = 0;
}

int crowd::receive_batch() {
    for (mmsghdr& m : incoming_) m.msg_hdr.msg_controllen = sizeof(named_address);
    const int count = ::recvmmsg(socket_.fd(), incoming_.data(), batch, MSG_DONTWAIT, nullptr);
    if (count >= 0 || errno == EAGAIN || errno == EINTR) return std::max(count, 0);
    throw server_silent(std::string("its socket is gone: ") + std::strerror(errno));
}

std::uint32_t crowd::client_of(std::size_t slot) const {
    const cmsghdr* name = CMSG_FIRSTHDR(&incoming_[slot].msg_hdr);
    in_pktinfo to{};
    if (name != nullptr) std::memcpy(&to, CMSG_DATA(name), sizeof to);
    return ntohl(to.ipi_addr.s_addr) - first_client;
}

}  // namespace berth::bench
