// Each verb, done to the library over the simulated kernel and to the model.
#include "lane_walk.hpp"

#include <array>
#include <deque>
#include <utility>

namespace berth::test {
namespace {

constexpr std::uint64_t rest_ns = 50'000'000;
std::atomic<std::uint64_t> fake_now{1};
std::uint64_t fake_clock() noexcept { return fake_now; }

}  // namespace

const char* name_of(verb v) {
    static constexpr std::array<const char*, verbs> names = {"take",
                                                             "take_all_fail",
                                                             "take_port",
                                                             "take_port_fails",
                                                             "take_pair",
                                                             "take_pair_odd_fails",
                                                             "give_back",
                                                             "give_back_lent",
                                                             "give_back_condemned",
                                                             "duplicate",
                                                             "close_duplicate",
                                                             "lose",
                                                             "bind_callers",
                                                             "bind_callers_refused",
                                                             "caller_closes",
                                                             "caller_gives_back",
                                                             "caller_gives_back_dup",
                                                             "event_queue",
                                                             "time_passes",
                                                             "packet",
                                                             "reclaim",
                                                             "reclaim_renew_fails",
                                                             "reclaim_condemns",
                                                             "release_refuse",
                                                             "release_detach"};
    return names[static_cast<std::size_t>(v)];
}

bool lane_walk::is_per_port(verb v) {
    switch (v) {
        case verb::take:
        case verb::take_all_fail:
        case verb::take_pair:
        case verb::take_pair_odd_fails:
        case verb::time_passes:
        case verb::reclaim:
        case verb::reclaim_renew_fails:
        case verb::reclaim_condemns:
        case verb::release_refuse:
        case verb::release_detach:
            return false;
        default:
            return true;
    }
}

bool lane_walk::is_last(verb v) {
    return v == verb::take || v == verb::take_all_fail || v == verb::take_pair || v == verb::take_pair_odd_fails;
}

lane_walk::lane_walk(const walked_block& block)
    : block_(block), model_(block.count, block.first, block.rests), out_(block.count) {
    reservation_request request;
    request.block = {block.first, block.count};
    request.order = draw_order::first_in_first_out;
    if (block.rests) request.silence = std::chrono::milliseconds(rest_ns / 1'000'000);
    failure f;
    core_ = detail::reservation_core::make(kernel_, request, f, fake_clock);
    if (!core_) throw std::runtime_error(f.what);
    watched_ = core_;
    lane_ = core_->only_lane();
}

lane_walk::~lane_walk() {
    failure ignored;
    core_->release(ignored, if_taken::detach);
}

bool lane_walk::allowed(move m) const {
    const auto& p = model_.ports[m.port];
    const bool with_worker = (p.at == place::open && !p.with_caller) || p.at == place::detached;
    switch (m.what) {
        case verb::give_back:
        case verb::give_back_lent:
            return with_worker;
        case verb::give_back_condemned:
            return with_worker && !p.exposed;
        case verb::lose:
            return with_worker && !p.named;
        case verb::duplicate:
            return with_worker && !p.named;
        case verb::close_duplicate:
            return out_[m.port].duplicate != -1;
        case verb::bind_callers:
        case verb::bind_callers_refused:
            return out_[m.port].callers == -1 && out_[m.port].duplicate == -1;
        case verb::caller_closes:
            return out_[m.port].callers != -1 && p.named;
        case verb::caller_gives_back:
            return p.at == place::open && p.with_caller && out_[m.port].duplicate == -1;
        case verb::caller_gives_back_dup:
            return p.at == place::open && p.with_caller && p.named;
        case verb::event_queue:
            return !model_.released && !p.queue && (p.exposed || p.with_caller);
        case verb::packet:
            return block_.rests && p.at == place::cooling && !p.noisy;
        case verb::time_passes:
            return block_.rests;
        default:
            return true;
    }
}

template <class Body>
void lane_walk::with_switch(std::atomic<bool> simulated_port::*which, Body body, std::uint32_t only) {
    for (std::uint32_t i = 0; i < block_.count; ++i) (sim(i).*which) = only == ~0u || only == i;
    body();
    for (std::uint32_t i = 0; i < block_.count; ++i) (sim(i).*which) = false;
}

std::string lane_walk::expect(error_code got, errc wanted) const {
    const bool same = wanted == errc{} ? !got : got == wanted;
    if (same) return {};
    return "answered '" + got.message() + "', expected '" +
           (wanted == errc{} ? std::string("success") : error_code(wanted).message()) + "'";
}

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

void lane_walk::close(native_socket& socket) {
    if (socket != -1) kernel_.close(socket);
    socket = -1;
}

void lane_walk::give_back(std::uint32_t i, bool condemns) {
    error_code ec;
    with_switch(
        &simulated_port::park_condemns,
        [&] {
            if (!condemns) sim(i).park_condemns = false;
            out_[i].handle->give_back(ec);
        },
        i);
    out_[i].handle.reset();
    model_.give_back(i, condemns);
}

// Only bound<> can lose a socket; a handle is told so by its lane, so it is left behind here without a give back.
void lane_walk::lose(std::uint32_t i) {
    static std::deque<bound_port*> left_behind;
    left_behind.push_back(new bound_port(std::move(*out_[i].handle)));
    out_[i].handle.reset();
    lane_->give_back(i, true, model_.ports[i].exposed, true);
    model_.lose(i);
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

std::string lane_walk::release(if_taken policy) {
    failure f;
    core_->release(f, policy);
    if (model_.released) return expect(f.code, errc::reservation_released);
    if (policy == if_taken::refuse && model_.out() != 0) model_.reclaim(true);  // it looks before it refuses
    const std::uint32_t out = model_.out();
    if (policy == if_taken::refuse && out != 0) {
        if (f.count != out) return "counted " + std::to_string(f.count) + " ports out";
        return expect(f.code, errc::reservation_busy);
    }
    model_.release();
    return expect(f.code, errc{});
}

std::string lane_walk::go(move m) {
    const std::uint32_t i = m.port;
    error_code ec;
    std::string d;
    switch (m.what) {
        case verb::take: {
            auto port = lane_->take(ec);
            d = draw(model_.draw(), std::move(port), ec);
            break;
        }
        case verb::take_all_fail: {
            with_switch(&simulated_port::open_fails, [&] { lane_->take(ec); });
            for (bool may_look = true; !model_.released;) {
                auto expected = model_.draw(false);
                if (expected.choices.empty() && std::exchange(may_look, false)) expected = model_.draw(true);
                if (expected.choices.empty()) break;
                model_.fails_open(expected.choices.front());
            }
            d = expect(ec, model_.released ? errc::reservation_released : errc::block_exhausted);
            break;
        }
        case verb::take_port: {
            auto port = lane_->take_port(number(i), ec);
            d = draw(model_.draw_given(i), std::move(port), ec);
            break;
        }
        case verb::take_port_fails: {
            with_switch(
                &simulated_port::open_fails, [&] { lane_->take_port(number(i), ec); }, i);
            auto expected = model_.draw_given(i);
            if (expected.code == errc{}) model_.fails_open(i), expected.code = errc::port_taken;
            d = expect(ec, expected.code);
            break;
        }
        case verb::take_pair: {
            auto pair = lane_->take_pair(ec);
            d = draw_pair(model_.draw_pair(), std::move(pair), ec);
            break;
        }
        case verb::take_pair_odd_fails: {
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
            d = expect(ec, expected.code);
            break;
        }
        case verb::give_back:
            give_back(i, false);
            break;
        case verb::give_back_lent:
            static_cast<void>(out_[i].handle->native_handle());
            give_back(i, false);
            break;
        case verb::give_back_condemned:
            give_back(i, true);
            break;
        case verb::duplicate:
            out_[i].duplicate = out_[i].handle->duplicate(ec);
            model_.ports[i].exposed = model_.ports[i].named = true;
            d = expect(ec, errc{});
            break;
        case verb::close_duplicate:
            close(out_[i].duplicate);
            model_.ports[i].named = out_[i].callers != -1;
            break;
        case verb::lose:
            lose(i);
            break;
        case verb::bind_callers:
        case verb::bind_callers_refused:
            d = bind_callers(i, m.what == verb::bind_callers_refused);
            break;
        case verb::caller_closes:
            close(out_[i].callers);
            model_.ports[i].named = false;
            break;
        case verb::caller_gives_back:
            close(out_[i].callers);
            model_.ports[i].named = false;
            lane_->callers_socket_closed(i);
            model_.caller_closed(i);
            break;
        case verb::caller_gives_back_dup:
            out_[i].duplicate = std::exchange(out_[i].callers, -1);  // closed, but a copy is about
            lane_->callers_socket_closed(i);
            model_.caller_closed(i);
            break;
        case verb::event_queue:
            sim(i).event_queue_names = model_.ports[i].queue = true;
            break;
        case verb::time_passes:
            fake_now += rest_ns;
            model_.time_passes();
            break;
        case verb::packet:
            kernel_.deliver(false, number(i));
            model_.ports[i].noisy = true;
            break;
        case verb::reclaim:
            core_->reclaim();
            model_.reclaim(true);
            break;
        case verb::reclaim_renew_fails:
            with_switch(&simulated_port::renew_fails, [&] { core_->reclaim(); });
            model_.reclaim(false);
            break;
        case verb::reclaim_condemns:
            with_switch(&simulated_port::park_condemns, [&] { core_->reclaim(); });
            model_.reclaim(true, true);
            break;
        case verb::release_refuse:
            d = release(if_taken::refuse);
            break;
        case verb::release_detach:
            d = release(if_taken::detach);
            break;
    }
    return d.empty() ? differs() : d;
}

std::string lane_walk::differs() const {
    if (const auto c = kernel_.complaints(); !c.empty()) return "the kernel complains: " + c.front();
    const auto s = core_->statistics();
    const auto want = model_.counts();
    const auto text = [](const port_counts& c) {
        return std::to_string(c.available) + " available, " + std::to_string(c.taken) + " taken, " +
               std::to_string(c.open) + " open, " + std::to_string(c.draining) + " draining, " +
               std::to_string(c.cooling) + " cooling, " + std::to_string(c.condemned) + " condemned";
    };
    if (text(s.ports) != text(want)) return "books: " + text(s.ports) + "; the drawing: " + text(want);
    if (s.ports.total() != (model_.released ? 0 : block_.count)) return "a port is lost";
    if (s.takes != model_.takes) return "takes: " + std::to_string(s.takes);
    if (s.gives_back != model_.gives_back()) return "gives_back: " + std::to_string(s.gives_back);
    if (s.condemned != model_.condemned) return "condemned: " + std::to_string(s.condemned);
    std::uint32_t held = 0;
    for (std::uint32_t i = 0; i < block_.count; ++i) {
        const auto& p = kernel_.port(false, number(i));
        const auto& m = model_.ports[i];
        const bool here = m.at != place::unreserved;
        held += here;
        if (p.held != here) return "port " + std::to_string(number(i)) + (here ? " is not held" : " is still held");
        if (here && p.audible != model_.audible(i)) {
            return "port " + std::to_string(number(i)) + (p.audible ? " is audible" : " is silent");
        }
        if (!here && kernel_.is_free(false, number(i)) == m.named) return "a name and a free port, or neither";
    }
    return kernel_.holders() == held ? "" : "holders are left";
}

}  // namespace berth::test
