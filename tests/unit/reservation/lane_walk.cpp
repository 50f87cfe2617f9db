// The walk: the two it sets up side by side, who does each verb, and the comparison of their books after it.
#include "lane_walk.hpp"

#include <stdexcept>

namespace berth::test {
namespace {

constexpr std::uint64_t rest_ns = 50'000'000;
std::atomic<std::uint64_t> fake_now{1};
std::uint64_t fake_clock() noexcept { return fake_now; }

}  // namespace

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

std::string lane_walk::go(move m) {
    auto d = apply(m);
    return d.empty() ? differs() : d;
}

std::string lane_walk::apply(move m) {
    const std::uint32_t i = m.port;
    switch (m.what) {
        case verb::take:
            return take();
        case verb::take_all_fail:
            return take_all_fail();
        case verb::take_port:
            return take_port(i);
        case verb::take_port_fails:
            return take_port_fails(i);
        case verb::take_pair:
            return take_pair();
        case verb::take_pair_odd_fails:
            return take_pair_odd_fails();
        case verb::bind_callers:
        case verb::bind_callers_refused:
            return bind_callers(i, m.what == verb::bind_callers_refused);
        case verb::duplicate:
            return duplicate(i);
        case verb::release_refuse:
            return release(if_taken::refuse);
        case verb::release_detach:
            return release(if_taken::detach);
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
        case verb::close_duplicate:
            close_duplicate(i);
            break;
        case verb::lose:
            lose(i);
            break;
        case verb::caller_closes:
            caller_closes(i);
            break;
        case verb::caller_gives_back:
        case verb::caller_gives_back_dup:
            caller_gives_back(i, m.what == verb::caller_gives_back_dup);
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
    }
    return {};
}

std::string lane_walk::expect(error_code got, errc wanted) const {
    const bool same = wanted == errc{} ? !got : got == wanted;
    if (same) return {};
    return "answered '" + got.message() + "', expected '" +
           (wanted == errc{} ? std::string("success") : error_code(wanted).message()) + "'";
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
