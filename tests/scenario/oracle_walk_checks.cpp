// The comparisons of the walk: berth's books with the model, and the kernel's sockets with both.
#include "scenario/oracle_walk.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

namespace berth::test {
namespace {

constexpr int state_closed = 7, state_listening = 10, state_bound = 13;

std::uint64_t inode_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

void oracle_walk::check_books() {
    for (auto& b : live_) {
        const auto s = b.reservation.statistics();
        const auto& p = s.ports;
        const std::uint32_t owned = count(b, {place::handle, place::callers}), draining = count(b, {place::draining});
        const std::uint32_t free = count(b, {place::free});
        const std::string of = "block " + std::to_string(b.block.first) + ": ";
        require(b.reservation.block() == b.block && b.reservation.token(), of + "another block or no token");
        require(p.total() == block_size, of + "the books add up to " + std::to_string(p.total()));
        require(p.open >= owned && p.open <= owned + count(b, {place::closed_open}),
                of + std::to_string(p.open) + " open, the model has " + std::to_string(owned));
        require(p.draining >= draining && p.draining <= draining + count(b, {place::closed_draining}),
                of + std::to_string(p.draining) + " draining, the model has " + std::to_string(draining));
        require(p.available + p.condemned >= free && p.taken == 0 && p.cooling == 0,
                of + std::to_string(p.available) + " available, the model has " + std::to_string(free));
        require(s.takes == b.takes && s.gives_back == b.takes - p.open, of + std::to_string(s.takes) + " takes");
        require(s.exhausted == b.exhausted && s.failures_of(errc::port_taken) == b.port_taken, of + "failures");
        require(s.condemned == s.renewed + p.condemned && s.open_failures == 0, of + "condemned and renewed");
    }
}

void oracle_walk::check_sockets() {
    const auto own = own_socket_inodes();
    std::map<std::uint16_t, std::set<std::uint64_t>> by_port;
    const auto protocol = kind_.protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
    for (const auto& s : sockets_on(protocol, 1, 65535)) {
        const bool is_live =
            std::any_of(live_.begin(), live_.end(), [&](auto& b) { return b.block.contains(s.port); });
        if (!is_live && (!alone_ || !ended_.contains(s.port))) continue;
        std::ostringstream text;
        text << s;
        if (s.inode == 0) {  // what is left of a connection, or was never accepted
            const bool connection = protocol == oracle_protocol::tcp && s.state != state_closed &&
                                    s.state != state_listening && s.state != state_bound;
            require(connection, "nobody's socket: " + text.str());
            continue;
        }
        require(own.contains(s.inode), "a stranger: " + text.str());
        require(by_port[s.port].insert(s.inode).second, "twice: " + text.str());
    }
    for (auto& b : live_)
        for (std::uint32_t i = 0; i < block_size; ++i)
            check_port(b, i, by_port[static_cast<std::uint16_t>(b.block.first + i)]);
    if (!alone_) return;
    for (const auto port : ended_) {
        auto& seen = by_port[port];
        const std::string of = "port " + std::to_string(port) + ", released: ";
        std::set<std::uint64_t> expected;
        for (const auto& o : others_)
            if (o.port == port && !is_reset(o)) expected.insert(inode_of(o.fd));
        for (const auto& d : detached_) {
            if (d.handle.port() != port) continue;
            expected.insert(inode_of(d.handle.io_handle()));
            const auto rest = std::find_if(seen.begin(), seen.end(), [&](auto i) { return !expected.contains(i); });
            require(rest != seen.end() && (d.holder == 0 || *rest == d.holder), of + "its holder is not there");
            expected.insert(*rest);
        }
        require(seen == expected,
                of + std::to_string(seen.size()) + " sockets, expected " + std::to_string(expected.size()));
    }
}

// The peer's reset takes a connection off its port, unlike a socket that was bound.
bool oracle_walk::is_reset(const other_socket& o) {
    tcp_info info{};
    socklen_t size = sizeof info;
    return o.accepted && ::getsockopt(o.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == state_closed;
}

void oracle_walk::check_port(live_block& b, std::uint32_t i, std::set<std::uint64_t> seen) {
    auto& slot = b.slots[i];
    const auto port = static_cast<std::uint16_t>(b.block.first + i);
    const std::string of = "port " + std::to_string(port) + ": ";
    for (const auto& o : others_)
        if (o.port == port && o.accepted && !is_reset(o))
            require(seen.erase(inode_of(o.fd)) == 1, of + "a connection is missing");
    require(seen.size() == 2, of + std::to_string(seen.size()) + " sockets, expected a holder and a session socket");
    if (slot.holder != 0) require(seen.contains(slot.holder), of + "another holder");
    const int named = slot.handle                ? slot.handle.io_handle()
                      : slot.callers >= 0        ? slot.callers
                      : !slot.duplicates.empty() ? slot.duplicates.front()
                                                 : -1;
    if (named < 0) return;
    const auto session = inode_of(named);
    require(seen.erase(session) == 1 && session != slot.holder, of + "its session socket is not on it");
    slot.holder = *seen.begin();
    for (const int fd : slot.duplicates) require(inode_of(fd) == session, of + "a duplicate names another socket");
}

// berth has read this process's descriptors: it knows of what was closed.
void oracle_walk::looked(live_block& b) {
    for (auto& slot : b.slots)
        if (slot.where == place::closed_open || slot.where == place::closed_draining) slot.where = place::free;
}

std::uint32_t oracle_walk::count(const live_block& b, std::initializer_list<place> places) const {
    return static_cast<std::uint32_t>(std::count_if(b.slots.begin(), b.slots.end(), [&](const auto& slot) {
        return std::find(places.begin(), places.end(), slot.where) != places.end();
    }));
}

bool oracle_walk::can_be_drawn(const port_slot& slot) const {
    return slot.where == place::free || slot.where == place::closed_open || slot.where == place::closed_draining;
}

bool oracle_walk::anything_left_on(port_block block) const {
    return std::any_of(others_.begin(), others_.end(),
                       [&](const auto& o) { return block.contains(o.port) && !is_reset(o); }) ||
           std::any_of(detached_.begin(), detached_.end(),
                       [&](const auto& d) { return block.contains(d.handle.port()); }) ||
           std::any_of(live_.begin(), live_.end(), [&](const auto& b) { return overlap(b.block, block); });
}

}  // namespace berth::test
