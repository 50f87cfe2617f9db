// What is said from outside of the handlers, and what the far ends do: clients, their bytes and ends, datagrams.
#include "simulation/serving_world.hpp"

#include <algorithm>

namespace berth::simulation {

serving_world::talk* serving_world::pick_talk(std::uint32_t n, bool is_open) {
    std::vector<talk*> fit;
    for (auto& t : talks_) {
        const bool is_served = t.was_opened && !t.is_counted && t.handle;
        if (is_open ? is_served : !t.stream->was_reset) fit.push_back(&t);
    }
    return fit.empty() ? nullptr : fit[n % fit.size()];
}

void serving_world::speak(const step& s, bool& did) {
    talk* const t = pick_talk(s.with[0], true);
    did = t != nullptr;
    if (!did) return;
    connection c = *t->handle;
    switch (s.what) {
        case serving_step::write:
            return write(*t, c, s.with[1] % 1200u);
        case serving_step::finish:
            t->is_finished = true;
            return c.finish();
        case serving_step::close:
            return c.close();
        default:
            return c.reset();
    }
}

void serving_world::arrive(const step& s) {
    if (s.what == serving_step::bytes || s.what == serving_step::end_stream) {
        talk* const t = pick_talk(s.with[0], false);
        if (t == nullptr || t->stream->was_reset) return;
        acted_ = true;
        auto& stream = *t->stream;
        if (s.what == serving_step::end_stream) {
            (s.with[1] % 4 == 0 ? stream.was_reset : stream.has_ended) = true;
            return;
        }
        stream.room = std::max(stream.room, s.with[2] % 2000u);
        if (stream.has_ended) return;
        stream.waiting += s.with[1] % 900u;
        t->said += s.with[1] % 900u;
        return;
    }
    const bool is_tcp = s.what == serving_step::client;
    std::vector<std::uint16_t> ports;
    for (const auto& [where, mark] : session_at_) {
        if (where.first == is_tcp) ports.push_back(where.second);
    }
    if (ports.empty()) return;
    const std::uint16_t port = ports[s.with[0] % ports.size()];
    const session_mark session = session_at_.at({is_tcp, port});
    if (!is_tcp) {
        acted_ = network_.datagram(port, {session, s.with[1] % 8 == 0 ? 0u : s.with[1] % 700u, 40000});
        return;
    }
    auto stream = std::make_shared<model_stream>();
    stream->local = port, stream->remote = next_remote_, stream->is_up = true;
    next_remote_ = next_remote_ == 65535 ? 40000 : static_cast<std::uint16_t>(next_remote_ + 1);
    stream->waiting = s.with[1] % 2 == 0 ? s.with[1] % 900u : 0u;
    stream->room = s.with[2] % 1500u;
    const bool is_servers = port >= server_port && port < server_port + 4;
    stream->mark = is_servers ? ++marks_ : session;
    acted_ = network_.client(port, stream);
    if (!acted_ || !is_servers) return;
    stream->expected = wrote;
    talk& t = talks_.emplace_back();
    t.mark = stream->mark, t.session = session, t.said = stream->waiting;
    t.stream = std::move(stream);
    by_remote_[t.stream->remote] = &t;
}

}  // namespace berth::simulation
