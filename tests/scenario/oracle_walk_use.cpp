// The walk's operations on a port while it is out: an option, duplicates, traffic, and the sockets that it leaves.
#include "scenario/oracle_walk.hpp"

#include "scenario/loopback.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace berth::test {
namespace {

bool has_peer(int fd) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
}

}  // namespace

void oracle_walk::do_lend(live_block& b) {
    auto* const slot = pick(b, place::handle);
    if (slot == nullptr) return;
    note("lend", ' ' + std::to_string(slot->handle.port()));
    const int on = 1;
    const int option = below(2) == 0 ? SO_KEEPALIVE : SO_TIMESTAMP;
    require(::setsockopt(slot->handle.native_handle(), SOL_SOCKET, option, &on, sizeof on) == 0, "an option");
}

void oracle_walk::do_duplicate(live_block& b) {
    auto* const slot = pick(b, below(4) == 0 ? place::callers : place::handle);
    if (slot == nullptr) return;
    const bool of_callers = slot->where == place::callers;
    if (of_callers && slot->callers < 0) return;
    note("duplicate", of_callers ? " of a caller's" : ' ' + std::to_string(slot->handle.port()));
    const int fd = of_callers ? ::dup(slot->callers) : slot->handle.duplicate();
    require(fd >= 0, "duplicate");
    slot->duplicates.push_back(fd);
    if (!of_callers) slot->exposed = true;
}

void oracle_walk::do_close_duplicate(live_block& b) {
    for (std::uint32_t i = below(block_size), tries = 0; tries < block_size; ++tries, i = (i + 1) % block_size) {
        auto& slot = b.slots[i];
        if (slot.duplicates.empty()) continue;
        note("close duplicate", ' ' + std::to_string(b.block.first + i));
        ::close(slot.duplicates.back());
        slot.duplicates.pop_back();
        return closed_last(slot);
    }
}

void oracle_walk::do_traffic(live_block& b) {
    auto* const slot = pick(b, place::handle);
    if (slot == nullptr) return;
    const auto port = slot->handle.port();
    const int io = slot->handle.io_handle();
    if (kind_.protocol == transport::tcp && kind_.use == tcp_use::connect) {
        if (has_peer(io)) return;
        const bool fresh = !std::exchange(slot->connected, true);
        const int r = connect_to(io, kind_.family == address_family::ipv4 ? AF_INET : AF_INET6, port_of(sink_));
        if (r != 0 && !fresh) return;  // it hears of the end of its connection first
        require(r == 0 || errno == EINPROGRESS, "connect, error " + std::to_string(errno));
        note("traffic", " out of " + std::to_string(port));
        const int peer = accept_within(sink_);
        require(peer >= 0, "an outbound connection did not arrive");
        return keep(peer, false);
    }
    note("traffic", " to " + std::to_string(port));
    const int client =
        ::socket(AF_INET, (kind_.protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    require(connect_to(client, AF_INET, port) == 0, "a client was not let in");
    keep(client, false);
    if (kind_.protocol == transport::udp) return require(::send(client, "?", 1, 0) == 1, "send");
    if (below(3) == 0) return;  // left in the queue
    const int accepted = accept_within(io);
    require(accepted >= 0, "a client was not served");
    keep(accepted, true);
}

void oracle_walk::keep(int fd, bool accepted) { others_.push_back({fd, port_of(fd), accepted}); }

void oracle_walk::close_one_other() {
    const auto at = others_.begin() + below(static_cast<std::uint32_t>(others_.size()));
    note("close", " a socket on " + std::to_string(at->port));
    close_hard(at->fd);
    others_.erase(at);
}

}  // namespace berth::test
