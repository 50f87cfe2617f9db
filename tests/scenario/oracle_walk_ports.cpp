// The walk's operations on whose a port is: it is drawn by the ways there are, and given back or closed.
#include "scenario/oracle_walk.hpp"

#include "scenario/loopback.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace berth::test {

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

void oracle_walk::closed_last(port_slot& slot) {
    if (!slot.duplicates.empty()) return;
    if (slot.where == place::draining) slot.where = place::closed_draining;
    if (slot.where == place::callers && slot.callers < 0) slot.where = place::closed_open;
}

}  // namespace berth::test
