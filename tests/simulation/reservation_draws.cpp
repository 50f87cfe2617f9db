// Steps that draw a port or return one, also behind the library's back.
//
// What a draw must answer: a port if one is available, and none only if after the look that it takes none is.
#include "simulation/reservation_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <berth/detail/outbound_draws.hpp>

#include <algorithm>

namespace berth::simulation {
namespace {

bool is_tcp(const detail::port_lane& lane) { return lane.kind() != platform::port_kind::udp; }

}  // namespace

std::string reservation_world::drew(const std::shared_ptr<block>& b, detail::port_lane& lane, bool had_one,
                                    bool had_none, handle port, const error_code& ec, errc none) {
    note(static_cast<std::uint64_t>(ec.value()));
    const std::uint16_t number = number_of(port);
    if (ec) {
        if (number != 0) return "draw: a port and an error";
        if (ec != none) return "draw: failed with '" + ec.message() + "'";
        if (had_one && struck_ == 0) return "draw: none, although there was one";
        marks_(reached::exhausted);
        return {};
    }
    if (number == 0) return "draw: neither a port nor an error";
    if (!b->core->block().contains(number)) return "draw: a port outside of the block";
    note(number);
    marks_(reached::drawn);
    loan l;
    l.of = b, l.number = number, l.is_tcp = is_tcp(lane);
    const auto descriptor = descriptor_of(port);
    l.inode = kernel_.inode_of(descriptor);
    if (l.inode == 0) return "draw: a handle without a socket";
    if (kernel_.bound_port_of(descriptor) != number) return "draw: a socket of another port";
    const auto session = static_cast<std::uint32_t>(b->core->request().sessions_per_port);
    std::uint32_t audible = 0;
    for (std::uint32_t n = 0; n < session; ++n) {
        const auto& p = kernel_.port(l.is_tcp, number, n);
        if (p.inode != l.inode) continue;
        ++audible;
        if (p.event_queue_names) return "draw: an event queue still hears of the socket";
        if (!p.audible || !p.held || p.queued != 0)
            return "draw: the port is silent, or has an old session's packets";
    }
    if (audible != 1) return "draw: not the port's session socket";
    bool is_rested = false;
    if (b->rest != 0 && session == 1) {
        for (auto it = returns_.begin(); it != returns_.end(); ++it) {
            if (it->of != b->serial || it->number != number || it->is_tcp != l.is_tcp) continue;
            if (virtual_clock::now() - it->at < static_cast<std::int64_t>(b->rest))
                return "rest: port " + std::to_string(number) + " is out again too early";
            returns_.erase(it);
            is_rested = had_none;
            marks_(reached::rested);
            break;
        }
    }
    // Nothing was available before: so its rest ended in this very draw, and it has been silent for long enough.
    if (b->silence != 0 && is_rested && session == 1) {
        const auto last = packets_.find({l.is_tcp, number});
        if (last != packets_.end() && virtual_clock::now() - last->second < static_cast<std::int64_t>(b->silence)) {
            return "silence: port " + std::to_string(number) + " is out again while packets still come";
        }
    }
    l.port = std::move(port);
    loans_.push_back(std::move(l));
    return {};
}

std::string reservation_world::take(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr && b->is_held();
    if (!did) return {};
    auto& lane = *b->core->lanes()[s.with[1] % b->core->lanes().size()];
    const transport protocol = is_tcp(lane) ? transport::tcp : transport::udp;
    error_code ec;
    if (s.what == reservation_step::take) {
        const bool had_one = lane.available() != 0;
        auto port =
            b->core->lanes().size() == 1 && s.with[2] % 2 != 0 ? b->owner.take(ec) : b->owner.take(protocol, ec);
        auto broke = drew(b, lane, had_one, !had_one, std::move(port), ec, errc::block_exhausted);
        if (broke.empty() && ec && struck_ == 0 && lane.available() != 0) return "draw: exhausted, but not empty";
        return broke;
    }
    const auto range = b->core->block();
    const auto number = static_cast<std::uint16_t>(range.first + s.with[2] % (range.count + 1));
    auto port = b->owner.take_port(number, protocol, ec);
    if (!range.contains(number)) return ec == errc::port_outside_block ? "" : "draw: a port outside of the block";
    if (!ec && port.port() != number) return "draw: another port than was asked for";
    return drew(b, lane, false, false, std::move(port), ec, errc::port_taken);
}

std::string reservation_world::take_many(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr && b->is_held();
    if (!did) return {};
    auto& lane = *b->core->lanes()[s.with[1] % b->core->lanes().size()];
    const transport protocol = is_tcp(lane) ? transport::tcp : transport::udp;
    std::vector<bound_port> out(s.what == reservation_step::take_pair ? 2 : 1 + s.with[2] % 4);
    const std::uint32_t alignment = s.what == reservation_step::take_pair ? 2 : 1 + s.with[2] / 7 % 3;
    error_code ec;
    if (s.what == reservation_step::take_pair) {
        auto pair = b->owner.take_pair(protocol, ec);
        out[0] = std::move(pair[0]), out[1] = std::move(pair[1]);
    } else if (b->owner.take_run(out, alignment, protocol, ec) == static_cast<bool>(ec)) {
        return "run: a success and an error, or neither";
    }
    note(static_cast<std::uint64_t>(ec.value()));
    if (ec) {
        for (const auto& port : out) {
            if (port) return "run: an error, and a port";
        }
        const bool several = b->core->request().sessions_per_port != 1;
        return ec == (several ? errc::operation_not_supported : errc::block_exhausted) ? "" : "run: " + ec.message();
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (out[i].port() != out[0].port() + i) return "run: not consecutive";
    }
    if (out[0].port() % alignment != 0) return "run: not aligned";
    marks_(s.what == reservation_step::take_pair ? reached::pair : reached::run);
    for (auto& port : out) {
        if (auto broke = drew(b, lane, true, false, std::move(port), {}, errc{}); !broke.empty()) return broke;
    }
    return {};
}

template <class Socket>
std::string reservation_world::take_as(const std::shared_ptr<block>& b, detail::port_lane& lane) {
    const bool had_one = lane.available() != 0;
    error_code ec;
    auto taken_one = b->owner.take<Socket>(no_executor(), ec);
    return drew(b, lane, had_one, !had_one, std::move(taken_one), ec, errc::block_exhausted);
}

std::string reservation_world::take_socket(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr && b->is_held();
    if (!did) return {};
    auto& lane = *b->core->lanes()[s.with[1] % b->core->lanes().size()];
    switch (lane.kind()) {
        case platform::port_kind::udp:
            return take_as<number_socket<asio::ip::udp>>(b, lane);
        case platform::port_kind::tcp_listen:
            return take_as<number_acceptor<asio::ip::tcp>>(b, lane);
        case platform::port_kind::tcp_connect:
            return take_as<number_socket<asio::ip::tcp>>(b, lane);
    }
    return {};
}

std::string reservation_world::take_toward(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    auto* const lane = b != nullptr && b->is_held() ? b->core->lane(platform::port_kind::tcp_connect) : nullptr;
    did = lane != nullptr;
    if (!did) return {};
    const asio::ip::tcp::endpoint destination(asio::ip::address_v4(0x7f000001u + s.with[1] % 3), 80);
    std::uint32_t toward = 1 + s.with[1] % 3;
    error_code ec;
    auto port = detail::outbound_draws::draw(*b->core, destination, ec);
    if (!ec) {
        marks_(reached::toward);
        if (auto broke = check_tuple(*b, port.port(), toward); !broke.empty()) return broke;
    }
    if (!ec && s.with[2] % 8 == 0) {  // the system says that the tuple is in use
        marks_(reached::refused_tuple);
        const error_code taken_tuple(EADDRNOTAVAIL, asio::error::get_system_category());
        if (!detail::outbound_draws::was_refused(port, destination, taken_tuple)) return "toward: a refusal is none";
        refused_.push_back({b->serial, port.port(), toward, virtual_clock::now() + 60'000'000'000});
        toward = 0;
    }
    auto broke = drew(b, *lane, false, false, std::move(port), ec, errc::block_exhausted);
    if (broke.empty() && !ec) loans_.back().toward = toward;
    return broke;
}

// A tuple has one owner, and one that the system refused rests.
std::string reservation_world::check_tuple(const block& b, std::uint16_t number, std::uint32_t toward) {
    for (const auto& l : loans_) {
        if (l.of.get() == &b && l.number == number && l.toward == toward) return "tuples: one was drawn twice";
    }
    std::erase_if(refused_, [](const auto& r) { return r.until <= virtual_clock::now(); });
    for (const auto& r : refused_) {
        if (r.of == b.serial && r.number == number && r.toward == toward)
            return "tuples: a refused one does not rest";
    }
    return {};
}

}  // namespace berth::simulation
