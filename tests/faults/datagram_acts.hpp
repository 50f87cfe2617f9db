// What is done with UDP sockets while something fails: each function is one operation, and says what came of it.
#pragma once

#include "faults/far_end.hpp"

#include <array>
#include <string>

namespace berth::test {

/// A UDP socket of the context's, connected to a plain one.
struct two_udp {
    explicit two_udp(world& w) : near(w.context) {
        const stands_apart apart;
        far = bound_plain(SOCK_DGRAM);
        near.open(udp::v4());
        near.bind({asio::ip::address_v4::loopback(), 0});
        const auto a = here(near.local_endpoint().port());
        ::connect(far, reinterpret_cast<const sockaddr*>(&a), sizeof a);
        to = {asio::ip::address_v4::loopback(), port_of(far)};
    }
    udp_socket near;
    plain far;
    udp::endpoint to;
};
inline outcome sends_to(world& w) {
    two_udp both(w);
    error_code ec;
    both.near.send_to(asio::buffer(text), both.to, 0, ec);
    return of(ec);
}
inline outcome sends_to_later(world& w) {
    two_udp both(w);
    auto& result = w.begin();
    both.near.async_send_to(asio::buffer(text), both.to, [&](error_code ec, std::size_t) { result = ec; });
    auto o = w.run();
    return o.code ? o : heard_all(both.far, text.size());
}
inline outcome receives_from(world& w) {
    two_udp both(w);
    say(both.far);
    error_code ec;
    char into[64];
    udp::endpoint from;
    both.near.receive_from(asio::buffer(into), from, 0, ec);
    return of(ec);
}
inline outcome receives_from_later(world& w) {
    two_udp both(w);
    say(both.far);
    auto& result = w.begin();
    char into[64];
    udp::endpoint from;
    both.near.async_receive_from(asio::buffer(into), from, [&](error_code ec, std::size_t) { result = ec; });
    return w.run();
}
/// Nothing is there yet, so that the system is left to wait.
inline outcome waits_for_a_datagram(world& w) {
    two_udp both(w);
    auto& result = w.begin();
    char into[64];
    udp::endpoint from;
    both.near.async_receive_from(asio::buffer(into), from, [&](error_code ec, std::size_t) { result = ec; });
    w.context.restart();
    w.context.poll();
    say(both.far);
    return w.run();
}
inline outcome receives_datagrams(world& w) {
    two_udp both(w);
    say(both.far);
    say(both.far);
    auto& result = w.begin();
    both.near.async_receive_each([&](error_code ec, const datagram&) {
        if (!result && (ec || ++w.count == 2)) result = ec;
    });
    return w.run();
}
inline outcome asks_for_details(world& w) {
    two_udp both(w);
    error_code ec;
    both.near.receive_details(datagram_details::destination, ec);
    return of(ec);
}
inline outcome writes_datagrams(world& w) {
    two_udp both(w);
    {
        udp_writer writer(both.near);
        writer.send(asio::buffer(text), both.to);
        writer.send(asio::buffer(text), both.to);
        writer.flush();
        for (int i = 0; i < 40 && writer.counts().sent + writer.counts().failed < 2; ++i) {
            w.context.restart();
            w.context.run_for(5ms);
        }
        EXPECT_EQ(writer.counts().sent + writer.counts().failed, 2U);
        if (writer.counts().failed != 0) return of(writer.counts().last_error);
    }
    return heard_all(both.far, 2 * text.size());
}

}  // namespace berth::test
