// The sockets of a simulation and what arrives in them.
#include "simulation/model_network.hpp"

#include <cassert>
#include <cerrno>
#include <cstring>

namespace berth::simulation {
namespace {

model_network* network = nullptr;
constexpr std::size_t most_queued = 8;  // datagrams, or clients

}  // namespace

sockaddr_in6 name_of(std::uint16_t port) noexcept {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(port);
    name.sin6_addr = in6addr_loopback;
    if (port >= 40000) {
        const unsigned char network[] = {0x20, 0x01, 0x0d, 0xb8,
                                         0,    0,    0,    static_cast<unsigned char>(network_of(port))};
        std::memcpy(name.sin6_addr.s6_addr, network, sizeof network);
    }
    return name;
}

model_network::model_network(test::simulated_provider& kernel) noexcept : kernel_(kernel) {
    assert(network == nullptr);
    network = this;
}
model_network::~model_network() { network = nullptr; }
model_network& model_network::installed() noexcept {
    assert(network != nullptr);
    return *network;
}

model_socket* model_network::find(native_socket socket) {
    const std::uint64_t inode = kernel_.inode_of(socket);
    if (inode == 0) return nullptr;
    platform::socket_facts facts;
    const auto [at, is_new] = sockets_.try_emplace(inode);
    if (is_new && !kernel_.inspect(socket, facts)) at->second.is_tcp = facts.is_tcp;
    return &at->second;
}

std::uint16_t model_network::local_port(native_socket socket) {
    if (const std::uint16_t port = kernel_.bound_port_of(socket); port != 0) return port;
    const auto* const s = find(socket);
    return s != nullptr && s->stream ? s->stream->local : std::uint16_t{0};
}

native_socket model_network::open(bool is_tcp) { return kernel_.make_socket(is_tcp); }

native_socket model_network::accepted(std::shared_ptr<model_stream> stream) {
    const native_socket socket = kernel_.make_socket(true);
    if (socket < 0) return socket;
    stream->was_accepted = true;
    find(socket)->stream = std::move(stream);
    return socket;
}

native_socket model_network::accept(native_socket listener, int& error) {
    auto* const s = find(listener);
    error = s == nullptr ? EBADF : s->clients.empty() ? EAGAIN : 0;
    if (error != 0) return -1;
    const native_socket made = accepted(s->clients.front());
    if (made < 0) return error = EMFILE, -1;
    find(listener)->clients.pop_front();
    return made;
}

void model_network::cut(native_socket socket) {
    auto* const s = find(socket);
    if (s != nullptr && s->stream) s->stream->is_cut = true;
    close(socket);
}

error_code model_network::close(native_socket socket) {
    const std::uint64_t inode = kernel_.inode_of(socket);
    const error_code ec = kernel_.close(socket);
    native_socket ignored = -1;
    if (inode != 0 && !kernel_.is_named(inode, ignored, -1)) emptied(inode);
    return ec;
}

void model_network::emptied(std::uint64_t inode) {
    const auto at = sockets_.find(inode);
    if (at == sockets_.end()) return;
    for (const auto& client : at->second.clients) client->was_reset = true;
    if (at->second.stream) at->second.stream->was_reset = true;
    sockets_.erase(at);
}

void model_network::listens(native_socket socket) {
    if (auto* const s = find(socket)) s->is_listening = true;
}

model_socket* model_network::heard_at(bool is_tcp, std::uint16_t port) {
    const auto& p = kernel_.port(is_tcp, port);
    if (!p.held || !p.audible || p.unfit) return nullptr;
    auto& s = sockets_[p.inode];
    s.is_tcp = is_tcp;
    return &s;
}

bool model_network::datagram(std::uint16_t port, const model_datagram& d) {
    auto* const s = heard_at(false, port);
    if (s == nullptr) {
        kernel_.deliver(false, port);  // heard, where the port rests
        return false;
    }
    if (s->datagrams.size() >= most_queued) return false;
    s->datagrams.push_back(d);
    return true;
}

bool model_network::client(std::uint16_t port, std::shared_ptr<model_stream> stream) {
    auto* const s = heard_at(true, port);
    if (s == nullptr || s->clients.size() >= most_queued) return false;
    s->clients.push_back(std::move(stream));
    return true;
}

}  // namespace berth::simulation
