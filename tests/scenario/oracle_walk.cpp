// The operations of the walk and what each must do; the comparisons are in oracle_walk_checks.cpp.
#include "scenario/oracle_walk.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace berth::test {
namespace {

std::uint16_t port_of(int fd) {
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? ntohs(name.sin6_port) : 0;
}

bool has_peer(int fd) {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
}

// Without TIME_WAIT: what is left on a port must be what somebody has.
void close_hard(int fd) {
    const linger hard{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(fd);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = htons(port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

int connect_to(int fd, int family, std::uint16_t port) {
    const auto v4 = loopback(port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6, v6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
    return family == AF_INET ? ::connect(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
                             : ::connect(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

int accept_within(int listener) {
    pollfd wanted{listener, POLLIN, 0};
    return ::poll(&wanted, 1, 2000) == 1 ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1;
}

}  // namespace

oracle_walk::oracle_walk(const walk_kind& kind, std::uint64_t seed)
    : kind_(kind), seed_(seed), random_(seed), alone_(std::getenv("BERTH_OWN_NAMESPACE") != nullptr) {
    sink_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto any = loopback(0);
    if (::bind(sink_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(sink_, 64) != 0)
        throw std::runtime_error("no listener for the walk");
}

oracle_walk::~oracle_walk() {
    for (auto& b : live_)
        for (auto& slot : b.slots) {
            if (slot.callers >= 0) close_hard(slot.callers);
            for (const int fd : slot.duplicates) close_hard(fd);
        }
    for (const auto& o : others_) close_hard(o.fd);
    ::close(sink_);
}

void oracle_walk::operate() {
    if (live_.empty() || (live_.size() < 3 && below(12) == 0)) return do_reserve();
    if (others_.size() > 24 || (!others_.empty() && below(12) == 0)) return close_one_other();
    if (!detached_.empty() && below(12) == 0) {
        note("give_back detached");
        std::swap(detached_[below(static_cast<std::uint32_t>(detached_.size()))], detached_.back());
        detached_.pop_back();
        return;
    }
    const std::size_t which = below(static_cast<std::uint32_t>(live_.size()));
    auto& b = live_[which];
    const std::uint32_t dice = below(100);
    if (dice < 18) return do_take(b);
    if (dice < 28) return do_take_port(b);
    if (dice < 35) return do_take_pair(b);
    if (dice < 45) return do_bind(b);
    if (dice < 64) return do_give_back(b);
    if (dice < 68) return do_lend(b);
    if (dice < 73) return do_duplicate(b);
    if (dice < 80) return do_close_duplicate(b);
    if (dice < 87) return do_close_callers(b, below(2) == 0);
    if (dice < 93) return do_traffic(b);
    if (dice < 96) return do_reclaim(b);
    do_release(which);
}

void oracle_walk::do_reserve() {
    reservation_request request{.protocol = kind_.protocol, .family = kind_.family, .use = kind_.use};
    request.park = kind_.park;
    request.block = {0, block_size};
    const bool again = last_ended_.first != 0 && below(2) == 0;
    if (again) request.block = last_ended_;
    failure f;
    auto got = port_reservation::reserve(request, f);
    const bool refusal_due = again && anything_left_on(request.block);
    note(f ? "reserve refused" : "reserve", again ? " again" : "");
    require(static_cast<bool>(f) == refusal_due, "reserve: " + (f ? f.what : "succeeded over somebody's socket"));
    if (f) return require(f.code == errc::block_unavailable, "reserve: " + f.what);
    if (again) last_ended_ = {};
    look_now_ = true;
    const port_block block = got.block();
    require(block.count == block_size && block.first != 0, "the block is not what was asked for");
    for (std::uint32_t i = 0; i < block_size; ++i) ended_.erase(static_cast<std::uint16_t>(block.first + i));
    live_.push_back({});
    live_.back().reservation = std::move(got);
    live_.back().block = block;
}

oracle_walk::port_slot& oracle_walk::took(live_block& b, std::uint16_t port, place now) {
    require(b.block.contains(port), "port " + std::to_string(port) + " is not of the block");
    auto& slot = b.slots[port - b.block.first];
    require(can_be_drawn(slot), "port " + std::to_string(port) + " had an owner");
    slot.where = now, slot.exposed = slot.connected = false;
    ++b.takes;
    return slot;
}

void oracle_walk::do_take(live_block& b) {
    const bool due = std::any_of(b.slots.begin(), b.slots.end(), [&](auto& s) { return can_be_drawn(s); });
    error_code ec;
    auto port = b.reservation.take(ec);
    note(ec ? "take refused" : "take", ' ' + std::to_string(port.port()));
    require(due == !ec, "take: " + ec.message());
    if (ec) looked(b);
    if (ec) return ++b.exhausted, require(ec == errc::block_exhausted, ec.message());
    took(b, port.port(), place::handle).handle = std::move(port);
}

void oracle_walk::do_take_port(live_block& b) {
    const std::uint32_t i = below(block_size);
    const bool due = can_be_drawn(b.slots[i]);
    error_code ec;
    auto port = b.reservation.take_port(static_cast<std::uint16_t>(b.block.first + i), ec);
    note(ec ? "take_port refused" : "take_port", ' ' + std::to_string(b.block.first + i));
    require(due == !ec, "take_port: " + ec.message());
    if (ec) looked(b);
    if (ec) return ++b.port_taken, require(ec == errc::port_taken, ec.message());
    require(port.port() == b.block.first + i, "another port than the one asked for");
    took(b, port.port(), place::handle).handle = std::move(port);
}

void oracle_walk::do_take_pair(live_block& b) {
    bool due = false;
    for (std::uint32_t i = b.block.first & 1u; i + 1 < block_size; i += 2)
        due = due || (can_be_drawn(b.slots[i]) && can_be_drawn(b.slots[i + 1]));
    error_code ec;
    auto pair = b.reservation.take_pair(ec);
    note(ec ? "take_pair refused" : "take_pair", ' ' + std::to_string(pair[0].port()));
    require(due == !ec, "take_pair: " + ec.message());
    if (ec) return looked(b), ++b.exhausted, require(ec == errc::block_exhausted, ec.message());
    require(pair[0].port() % 2 == 0 && pair[1].port() == pair[0].port() + 1, "not a pair");
    for (auto& port : pair) {
        const auto number = port.port();
        took(b, number, place::handle).handle = std::move(port);
    }
}

void oracle_walk::do_bind(live_block& b) {
    const int family = kind_.family == address_family::ipv4 ? AF_INET : AF_INET6;
    const int fd = ::socket(family, (kind_.protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    const bool due = std::any_of(b.slots.begin(), b.slots.end(), [&](auto& s) { return can_be_drawn(s); });
    error_code ec;
    associate(fd, b.reservation.token(), ec);
    require(!ec, "associate: " + ec.message());
    berth::bind(fd, bind_endpoint{}, ec);
    note(ec ? "bind refused" : "bind", ' ' + std::to_string(port_of(fd)));
    if (ec) looked(b);
    if (ec) ::close(fd);
    require(due == !ec, "bind: " + ec.message());
    if (ec) return ++b.exhausted, require(ec == errc::block_exhausted, ec.message());
    took(b, port_of(fd), place::callers).callers = fd;
}

void oracle_walk::do_give_back(live_block& b) {
    auto* const slot = pick(b, place::handle);
    if (slot == nullptr) return;
    note("give_back", ' ' + std::to_string(slot->handle.port()));
    error_code ec;
    slot->handle.give_back(ec);
    require(!ec && !slot->handle, "give_back: " + ec.message());
    slot->where = !slot->exposed ? place::free : slot->duplicates.empty() ? place::closed_draining : place::draining;
}

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

void oracle_walk::do_close_callers(live_block& b, bool say_so) {
    auto* const slot = pick(b, place::callers);
    if (slot == nullptr || slot->callers < 0) return;
    note(say_so ? "give_back callers" : "close callers", ' ' + std::to_string(port_of(slot->callers)));
    const int fd = std::exchange(slot->callers, -1);
    if (!say_so) return ::close(fd), closed_last(*slot);
    error_code ec;
    berth::give_back(fd, ec);
    require(!ec, "give_back of a caller's socket: " + ec.message());
    slot->where = slot->duplicates.empty() ? place::closed_draining : place::draining;
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

void oracle_walk::do_reclaim(live_block& b) {
    note("reclaim");
    b.reservation.reclaim();
    looked(b);
}

void oracle_walk::do_release(std::size_t which) {
    auto& b = live_[which];
    const std::uint32_t way = below(5);
    while (way == 1 && count(b, {place::handle}) != 0) do_give_back(b);
    const std::uint32_t out = count(b, {place::handle, place::callers});
    if (way == 0) {
        note("detach", " by the destructor");
        b.reservation = port_reservation();
        return end_block(which);
    }
    failure f;
    b.reservation.release(f, way < 3 ? if_taken::refuse : if_taken::detach);
    note(f ? "release refused" : way < 3 ? "release" : "detach", ' ' + std::to_string(b.block.first));
    if (way >= 3 || out == 0) {
        require(!f, "release: " + f.what);
        return end_block(which);
    }
    require(f.code == errc::reservation_busy && f.count == out,
            std::to_string(out) + " sockets are out, release says: " + f.what);
    looked(b);
}

void oracle_walk::end_block(std::size_t which) {
    auto& b = live_[which];
    for (std::uint32_t i = 0; i < block_size; ++i) {
        auto& slot = b.slots[i];
        ended_.insert(static_cast<std::uint16_t>(b.block.first + i));
        if (slot.handle) detached_.push_back({std::move(slot.handle), slot.holder});
        if (slot.callers >= 0) keep(slot.callers, false);
        for (const int fd : slot.duplicates) keep(fd, false);
    }
    last_ended_ = b.block;
    look_now_ = true;
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(which));
}

void oracle_walk::keep(int fd, bool accepted) { others_.push_back({fd, port_of(fd), accepted}); }

void oracle_walk::close_one_other() {
    const auto at = others_.begin() + below(static_cast<std::uint32_t>(others_.size()));
    note("close", " a socket on " + std::to_string(at->port));
    close_hard(at->fd);
    others_.erase(at);
}

void oracle_walk::closed_last(port_slot& slot) {
    if (!slot.duplicates.empty()) return;
    if (slot.where == place::draining) slot.where = place::closed_draining;
    if (slot.where == place::callers && slot.callers < 0) slot.where = place::closed_open;
}

}  // namespace berth::test
