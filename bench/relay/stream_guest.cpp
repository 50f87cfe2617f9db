// See stream_guest.hpp.
#include "relay/stream_guest.hpp"

#include "channel_data.hpp"

#include <array>
#include <stdexcept>

namespace berth::bench {
namespace {

using relay::attribute;
using relay::message_class;
using relay::stun_method;

}  // namespace

stream_guest::stream_guest(std::uint32_t from, std::uint16_t server_port) : socket_(raw::open_socket(SOCK_STREAM)) {
    sockaddr_in local = raw::any_address(0);
    local.sin_addr.s_addr = htonl(from);
    const sockaddr_in server = raw::loopback_address(server_port);
    const linger abort{1, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    set_patience(socket_, 2'000'000'000);
    if (::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0 ||
        ::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
        throw std::runtime_error(std::string("no TCP connection to the relay: ") + std::strerror(errno));
}

bool stream_guest::send(relay::bytes_view bytes) {
    return ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(bytes.size());
}

bool stream_guest::is_open() const {
    std::uint8_t byte;
    const ssize_t n = ::recv(socket_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

std::optional<relay::stun_message> stream_guest::ask(relay::stun_writer& request) {
    if (!send(request.bytes())) return std::nullopt;
    answer_.resize(relay::stun_header_size);
    std::size_t got = 0;
    for (;;) {
        const ssize_t n = ::recv(socket_.fd(), answer_.data() + got, answer_.size() - got, 0);
        if (n <= 0) return std::nullopt;
        got += static_cast<std::size_t>(n);
        const relay::framed next = relay::look_at(relay::bytes_view(answer_.data(), got));
        if (next.is == relay::framed::state::nonsense) return std::nullopt;
        if (next.is == relay::framed::state::whole) break;
        answer_.resize(std::max(next.size, answer_.size()));
    }
    return relay::stun_message::parse(answer_);
}

std::uint16_t stream_guest::allocate(const account& who) {
    std::array<std::uint8_t, 512> room;
    relay::stun_writer first(room, message_class::request, stun_method::allocate, {1, ++transactions_});
    first.add(attribute::requested_transport, udp_transport);
    const auto challenge = ask(first);
    if (!challenge) return 0;
    nonce_ = challenge->text(attribute::nonce).value_or("");
    relay::stun_writer second(room, message_class::request, stun_method::allocate, {1, ++transactions_});
    second.add(attribute::requested_transport, udp_transport);
    who.sign(second, relay::bytes_of(nonce_));
    const auto answer = ask(second);
    const auto relayed = answer ? answer->address(attribute::xor_relayed_address) : std::nullopt;
    return relayed ? relayed->port() : std::uint16_t{0};
}

bool stream_guest::bind_channel(const account& who, std::uint16_t peer_port) {
    std::array<std::uint8_t, 512> room;
    relay::stun_writer request(room, message_class::request, stun_method::channel_bind, {1, ++transactions_});
    request.add(attribute::channel_number, std::uint32_t{relay::first_channel} << 16);
    request.add_address(attribute::xor_peer_address, {asio::ip::address_v4::loopback(), peer_port});
    who.sign(request, relay::bytes_of(nonce_));
    const auto answer = ask(request);
    return answer && answer->kind() == message_class::success;
}

}  // namespace berth::bench
