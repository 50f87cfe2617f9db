// Steps that return a port, or have a caller's socket bound to one; see reservation_draws.cpp for what a draw answers.
#include "simulation/reservation_world.hpp"

#include "simulation/virtual_clock.hpp"

#include <algorithm>

namespace berth::simulation {

std::string reservation_world::give_back(const step& s, bool& did) {
    did = !loans_.empty();
    if (!did) return {};
    const std::size_t i = s.with[0] % loans_.size();
    auto& l = loans_[i];
    error_code ec;
    if (s.what == reservation_step::lend) {
        if (auto* const port = std::get_if<bound_port>(&l.port)) did = port->native_handle() >= 0;
        return {};
    }
    if (s.what == reservation_step::duplicate) {
        auto* const port = std::get_if<bound_port>(&l.port);
        did = port != nullptr;
        if (!did) return {};
        const auto number = port->duplicate(ec);
        l.is_exposed = true;
        if (ec) return struck_ != 0 && number == -1 ? "" : "duplicate: " + ec.message();
        if (kernel_.inode_of(number) != l.inode) return "duplicate: of another socket";
        copies_.push_back({number, nullptr, l.is_tcp});
        return {};
    }
    const bool is_held = l.of->is_held();
    if (!is_held) marks_(reached::detached_back);
    if (l.is_exposed) marks_(reached::exposed_back);
    if (l.is_lost) marks_(reached::lost_back);
    const bool is_plain = is_held && !l.is_exposed && !l.is_lost;
    const auto session = l.of->core->request().sessions_per_port;
    if (l.of->rest != 0 && session == 1 && is_held)
        returns_.push_back({l.of->serial, l.is_tcp, l.number, virtual_clock::now()});
    reservation_statistics before;
    auto* const lane = l.of->core->lane(l.is_tcp ? transport::tcp : transport::udp);
    if (is_plain) lane->add_to(before);
    std::visit([&](auto& port) { port.give_back(ec); }, l.port);
    if (ec || number_of(l.port) != 0) return "give back: " + ec.message();
    reservation_statistics after;
    if (is_plain) {
        lane->add_to(after);
        const auto& p = after.ports;
        const bool is_settled = p.open + 1 == before.ports.open && p.draining == before.ports.draining;
        if (!is_settled) return "give back: the port is not settled";
        if (after.condemned != before.condemned) marks_(reached::condemned);
        const bool rests = l.of->rest != 0 && after.condemned == before.condemned;
        if (rests != (p.cooling != before.ports.cooling)) return "give back: a port that is to rest does not";
    }
    loans_.erase(loans_.begin() + static_cast<std::ptrdiff_t>(i));
    return {};
}

void reservation_world::close_behind(const step& s) {
    if (loans_.empty()) return;
    auto& l = loans_[s.with[0] % loans_.size()];
    std::visit(
        [&](auto& port) {
            if constexpr (requires { port->is_open(); }) {
                if (!port->is_open()) return;
                l.is_lost = acted_ = true;
                if (s.with[1] % 3 == 0) {  // moved out: it lives on with the program
                    copies_.push_back({port->number(), nullptr, l.is_tcp});
                    error_code ignored;
                    port->release(ignored);
                } else {
                    error_code ignored;
                    port->close(ignored);
                }
            }
        },
        l.port);
}

void reservation_world::close_copy(const step& s) {
    std::vector<std::size_t> plain;
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        if (!copies_[i].bound_to) plain.push_back(i);
    }
    if (plain.empty()) return;
    const std::size_t i = plain[s.with[0] % plain.size()];
    acted_ = true;
    kernel_.close(copies_[i].number);
    copies_.erase(copies_.begin() + static_cast<std::ptrdiff_t>(i));
}

std::string reservation_world::associate_bind(const step& s, bool& did) {
    const auto b = pick(s.with[0]);
    did = b != nullptr && b->is_held() && b->core->request().family == address_family::dual;
    if (!did) return {};
    auto& lane = *b->core->lanes()[s.with[1] % b->core->lanes().size()];
    const bool tcp = is_tcp(lane);
    const auto socket = static_cast<native_handle_type>(kernel_.make_socket(tcp));
    error_code ec;
    associate(socket, b->owner.token(), ec);
    if (ec) return kernel_.close(socket), "associate: " + ec.message();
    const auto range = b->core->block();
    const std::uint16_t asked =
        s.with[2] % 2 == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(range.first + s.with[2] % range.count);
    const bool had_one = asked == 0 && lane.available() != 0;
    failure f;
    bind(socket, bind_endpoint({}, asked), f);
    note(static_cast<std::uint64_t>(f.code.value()));
    if (f) {
        kernel_.close(socket);
        if (f.what.empty()) return "bind: a failure without a word";
        if (f.code == errc::option_refused && struck_ != 0) return marks_(reached::hand_over_refused), std::string();
        if (had_one && struck_ == 0) return "bind: refused although a port was available: " + f.what;
        return f.code == (asked == 0 ? errc::block_exhausted : errc::port_taken) ? "" : "bind: " + f.what;
    }
    marks_(reached::hand_over);
    const std::uint16_t number = kernel_.bound_port_of(socket);
    if (!range.contains(number) || (asked != 0 && number != asked)) return "bind: to another port";
    const auto inode = kernel_.inode_of(socket);
    for (const auto& l : loans_) {
        if (l.inode == inode) return "owner: a caller's socket and a handle have one socket";
    }
    copies_.push_back({socket, b, tcp});
    return {};
}

std::string reservation_world::caller_ends(const step& s, bool& did) {
    did = false;
    std::vector<std::size_t> bound_ones;
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        if (copies_[i].bound_to && copies_[i].number >= 0) bound_ones.push_back(i);
    }
    if (bound_ones.empty()) return {};
    auto& c = copies_[bound_ones[s.with[0] % bound_ones.size()]];
    if (s.what == reservation_step::caller_closes) {
        kernel_.close(c.number);
        c.number = -1;
        acted_ = true;
        return {};
    }
    did = true;
    error_code ec;
    berth::give_back(c.number, ec);
    const bool is_held = c.bound_to->is_held();
    c.number = -1;
    return ec && is_held ? "give back: of a caller's socket: " + ec.message() : "";
}

}  // namespace berth::simulation
