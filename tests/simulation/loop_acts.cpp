// The steps of a program over the loop that begin something: blocks, sockets, operations.
#include "simulation/loop_world.hpp"

#include "reservation_core.hpp"

#include <algorithm>

namespace berth::simulation {

using namespace std::chrono_literals;

reservation_request loop_world::draw_request(const step& s) {
    reservation_request r;
    r.block.first = static_cast<std::uint16_t>(first_port + s.with[0] % port_count);
    r.block.count = 1 + random_.below(3);
    switch (s.with[1] % 3) {
        case 0:
            r.protocol = transport::udp;
            break;
        case 1:
            r.protocol = transport::tcp, r.use = tcp_use::listen;
            break;
        default:
            r.protocol = transport::tcp, r.use = tcp_use::connect;
            r.sessions_per_port = static_cast<std::uint16_t>(1 + random_.below(2));
    }
    if (random_.chance(200)) r.cool_down = 3ms;
    return r;
}

void loop_world::add_block(port_reservation r) {
    auto b = std::make_unique<block>();
    const auto core = detail::reservation_core::of(r);
    b->serial = ++serials_;
    b->size = core->indices();
    b->r = std::move(r);
    blocks_.push_back(std::move(b));
    reached_(loop_mark::reserved);
}

void loop_world::reserve(const step& s) {
    failure f;
    auto r = port_reservation::reserve(draw_request(s), f);
    note(static_cast<std::uint64_t>(f.code.value()));
    f ? reached_(loop_mark::refused) : add_block(std::move(r));
}

void loop_world::begin_reserve(const step& s) {
    const auto request = draw_request(s);
    ledger_entry& e = ledger_.begin(s.what);
    port_reservation::async_reserve(*context_, request, handler_of(e));
}

loop_world::player& loop_world::add_player() {
    players_.push_back(std::make_unique<player>());
    players_.back()->serial = ++serials_;
    return *players_.back();
}

std::string loop_world::take(const step& s, bool& did) {
    did = !blocks_.empty() && players_.size() < most_players;
    if (!did) return {};
    block& b = *blocks_[s.with[0] % blocks_.size()];
    const auto core = detail::reservation_core::of(b.r);
    const auto kind = core->lanes().front()->kind();
    error_code ec;
    std::uint16_t port = 0;
    decltype(player::socket) taken;
    const auto take_as = [&]<class Socket>(std::type_identity<Socket>) {
        auto one = b.r.take<Socket>(context_->get_executor(), ec);
        port = one.port();
        if (!ec) taken = std::move(one);
    };
    if (kind == platform::port_kind::udp) {
        take_as(std::type_identity<udp_socket>());
    } else if (kind == platform::port_kind::tcp_listen) {
        take_as(std::type_identity<tcp_acceptor>());
    } else {
        take_as(std::type_identity<tcp_socket>());
    }
    note(static_cast<std::uint64_t>(ec.value()) + port);
    if (ec) {
        reached_(loop_mark::exhausted);
        return port != 0 ? "draw: a port and an error" : "";
    }
    player& p = add_player();
    p.of = b.serial, p.port = port, p.mark = ++marks_, p.socket = std::move(taken);
    session_at_[{kind != platform::port_kind::udp, port}] = p.mark;
    reached_(loop_mark::taken);
    return {};
}

void loop_world::connect(const step& s, bool& did) {
    if (blocks_.empty() || players_.size() >= most_players || ledger_.pending() >= 60) return;
    std::size_t at_block = s.with[0] % blocks_.size();
    if (s.with[2] % 8 != 7) {  // mostly one whose ports connect
        const auto connects = [&](std::size_t i) {
            return detail::reservation_core::of(blocks_[i]->r)->lane(platform::port_kind::tcp_connect) != nullptr;
        };
        for (std::size_t i = 0; i < blocks_.size() && !connects(at_block); ++i)
            at_block = (at_block + 1) % blocks_.size();
    }
    block& b = *blocks_[at_block];
    did = true;
    ledger_entry& e = ledger_.begin(s.what);
    e.subject = b.serial;
    const asio::ip::tcp::endpoint to(asio::ip::address_v6::loopback(), static_cast<std::uint16_t>(1 + s.with[1] % 4));
    if (s.with[2] % 4 == 0) {
        e.due = std::chrono::steady_clock::now() + 5ms;
        b.r.async_connect<tcp_socket>(context_->get_executor(), to, cancel_after(5ms, handler_of(e)));
    } else {
        b.r.async_connect<tcp_socket>(context_->get_executor(), to, handler_of(e));
    }
}

loop_world::player* loop_world::find(std::uint64_t serial) {
    const auto found =
        std::find_if(players_.begin(), players_.end(), [&](const auto& p) { return p->serial == serial; });
    return found == players_.end() ? nullptr : found->get();
}

// The n-th of those whose socket can do it.
loop_world::player* loop_world::pick(std::uint32_t n, std::uint8_t what) {
    std::vector<player*> fit;
    for (const auto& p : players_) {
        const auto kind = p->socket.index();
        bool fits = true;
        switch (what) {
            case loop_step::receive:
            case loop_step::receive_each:
            case loop_step::send:
                fits = kind == 1;
                break;
            case loop_step::accept:
            case loop_step::accept_each:
                fits = kind == 2;
                break;
            case loop_step::read:
            case loop_step::read_each:
            case loop_step::write:
                fits = kind >= 3;
                break;
            case loop_step::close:
                fits = !p->is_lost;
                break;
            default:
                break;
        }
        if (fits) fit.push_back(p.get());
    }
    return fit.empty() ? nullptr : fit[n % fit.size()];
}

void loop_world::begin(std::uint8_t what, const step& s, player& p, bool& did) {
    did = true;
    ledger_entry& e = ledger_.begin(what);
    e.player = p.is_lost ? 0 : p.serial;  // a closed one's end with an error, in their turn
    e.mark = p.mark;
    e.is_many = what == loop_step::receive_each || what == loop_step::accept_each || what == loop_step::read_each;
    e.is_reading = !e.is_many && (what == loop_step::receive || what == loop_step::read);
    e.then = static_cast<std::uint8_t>(s.with[2] % 16);
    e.buffer.assign(1 + s.with[1] % 700, ledger_entry::blank);
    if (e.is_many) {
        if (auto* const udp = std::get_if<1>(&p.socket)) return (*udp)->async_receive_each(many_of(e));
        if (auto* const door = std::get_if<2>(&p.socket)) return (*door)->async_accept_each(many_of(e));
        if (auto* const out = std::get_if<3>(&p.socket)) return (*out)->async_receive_each(many_of(e));
        return std::get<4>(p.socket).async_receive_each(many_of(e));
    }
    begin_once(e, s, p);
}

void loop_world::begin_once(ledger_entry& e, const step& s, player& p) {
    const auto bytes = asio::buffer(e.buffer);
    const auto on_stream = [&](auto& stream) {
        if (e.what == loop_step::read) {
            if (s.with[0] % 3 != 0) return stream.async_read_some(bytes, handler_of(e));
            e.due = std::chrono::steady_clock::now() + 2ms;
            return stream.async_read_some(bytes, cancel_after(2ms, handler_of(e)));
        }
        stream.async_write_some(bytes, handler_of(e));
    };
    if (e.what == loop_step::wait) {
        const auto how = s.with[1] % 2 != 0 ? asio::socket_base::wait_read : asio::socket_base::wait_write;
        if (auto* const udp = std::get_if<1>(&p.socket)) return (*udp)->async_wait(how, handler_of(e));
        if (auto* const door = std::get_if<2>(&p.socket)) return (*door)->async_wait(how, handler_of(e));
        if (auto* const out = std::get_if<3>(&p.socket)) return (*out)->async_wait(how, handler_of(e));
        return std::get<4>(p.socket).async_wait(how, handler_of(e));
    }
    if (auto* const udp = std::get_if<1>(&p.socket)) {
        const asio::ip::udp::endpoint to(asio::ip::address_v6::loopback(), 9);
        if (e.what == loop_step::send) return (*udp)->async_send_to(bytes, to, handler_of(e));
        if (s.with[0] % 3 != 0) return (*udp)->async_receive_from(bytes, e.source, handler_of(e));
        e.due = std::chrono::steady_clock::now() + 2ms;
        return (*udp)->async_receive_from(bytes, e.source, cancel_after(2ms, handler_of(e)));
    }
    if (auto* const door = std::get_if<2>(&p.socket)) return (*door)->async_accept(handler_of(e));
    if (auto* const out = std::get_if<3>(&p.socket)) return on_stream(**out);
    on_stream(std::get<4>(p.socket));
}

}  // namespace berth::simulation
