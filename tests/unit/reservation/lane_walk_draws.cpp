// The verbs by which a port leaves the block: take, take_port, take_pair and a caller's bind, each also as it fails.
//
// Which port a draw gives is the library's choice; the model says which it may be, and then follows.
#include "lane_walk.hpp"

#include <array>
#include <utility>

namespace berth::test {

std::string lane_walk::draw(const model_draw& expected, bound_port port, error_code ec) {
    if (auto d = expect(ec, expected.code); !d.empty()) return d;
    if (ec) return port ? "a failed draw gave a port" : "";
    const std::uint32_t i = std::uint32_t{port.port()} - block_.first;
    for (const auto choice : expected.choices) {
        if (choice != i) continue;
        if (out_[i].handle) return "a port got a second owner";
        model_.drawn(i);
        out_[i].handle = std::move(port);
        return {};
    }
    return "drew port " + std::to_string(port.port()) + ", which was not available";
}

std::string lane_walk::draw_pair(const model_draw& expected, std::array<bound_port, 2> pair, error_code ec) {
    if (auto d = expect(ec, expected.code); !d.empty()) return d;
    if (ec) return pair[0] || pair[1] ? "a failed draw gave a port" : "";
    if (pair[0].port() % 2 != 0 || pair[1].port() != pair[0].port() + 1) return "not a pair";
    auto d = draw(expected, std::move(pair[0]), {});
    const std::uint32_t odd = std::uint32_t{pair[1].port()} - block_.first;
    return d.empty() ? draw({errc{}, {odd}}, std::move(pair[1]), {}) : d;
}

std::string lane_walk::take() {
    error_code ec;
    auto port = lane_->take(ec);
    return draw(model_.draw(), std::move(port), ec);
}

std::string lane_walk::take_all_fail() {
    error_code ec;
    with_switch(&simulated_port::open_fails, [&] { lane_->take(ec); });
    for (bool may_look = true; !model_.released;) {
        auto expected = model_.draw(false);
        if (expected.choices.empty() && std::exchange(may_look, false)) expected = model_.draw(true);
        if (expected.choices.empty()) break;
        model_.fails_open(expected.choices.front());
    }
    return expect(ec, model_.released ? errc::reservation_released : errc::block_exhausted);
}

std::string lane_walk::take_port(std::uint32_t i) {
    error_code ec;
    auto port = lane_->take_port(number(i), ec);
    return draw(model_.draw_given(i), std::move(port), ec);
}

std::string lane_walk::take_port_fails(std::uint32_t i) {
    error_code ec;
    with_switch(
        &simulated_port::open_fails, [&] { lane_->take_port(number(i), ec); }, i);
    auto expected = model_.draw_given(i);
    if (expected.code == errc{}) model_.fails_open(i), expected.code = errc::port_taken;
    return expect(ec, expected.code);
}

std::string lane_walk::take_pair() {
    error_code ec;
    auto pair = lane_->take_pair(ec);
    return draw_pair(model_.draw_pair(), std::move(pair), ec);
}

std::string lane_walk::take_pair_odd_fails() {
    error_code ec;
    for (std::uint32_t p = 0; p < block_.count; ++p) sim(p).open_fails = number(p) % 2 != 0;
    lane_->take_pair(ec);
    for (std::uint32_t p = 0; p < block_.count; ++p) sim(p).open_fails = false;
    model_draw expected;
    for (bool may_look = true;;) {
        expected = model_.draw_pair(false);
        if (expected.choices.empty() && std::exchange(may_look, false)) expected = model_.draw_pair(true);
        if (expected.choices.empty()) break;
        const auto even = expected.choices.front();
        model_.drawn(even), model_.fails_open(even + 1), model_.give_back(even, false);
    }
    return expect(ec, expected.code);
}

std::string lane_walk::bind_callers(std::uint32_t i, bool refused) {
    native_socket socket = kernel_.make_socket(false);
    std::uint32_t index = ~0u;
    std::uint64_t cookie = 0;
    failure f;
    const auto expected = model_.draw_given(i);
    with_switch(
        &simulated_port::hand_over_fails,
        [&] {
            sim(i).hand_over_fails = refused;
            lane_->bind_callers(socket, number(i), index, cookie, f);
        },
        i);
    const bool drawn = expected.code == errc{};
    auto d = expect(f.code, drawn && refused ? errc::option_refused : expected.code);
    if (d.empty() && f && f.what.empty()) d = "a failure without a word";
    if (!drawn || refused) close(socket);
    if (!drawn || !d.empty()) return d;
    model_.drawn(i);
    if (refused) {
        model_.give_back(i, false);
        return {};
    }
    if (index != i || cookie == 0) return "bound to another port";
    model_.ports[i].with_caller = model_.ports[i].named = true;
    out_[i].callers = socket;
    return {};
}

}  // namespace berth::test
