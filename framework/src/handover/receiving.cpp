// What the successor does with what came; see receiving.hpp. How it comes: receiving_parts.cpp.
#include "handover/receiving.hpp"

#include "guarded.hpp"
#include "handover/offering.hpp"
#include "log.hpp"

#include <algorithm>
#include <thread>

namespace berth::detail {

std::unique_ptr<receiving> receiving::receive(const std::string& address, std::chrono::milliseconds patience,
                                              failure& f) noexcept {
    return guarded(f, [&]() -> std::unique_ptr<receiving> {
        auto line = platform::handover_line::connect(address, f, std::chrono::steady_clock::now() + patience);
        if (!line) return nullptr;
        auto made = std::make_unique<system_receiving>(address, std::move(line), patience);
        if (made->run(f)) return made;
        return nullptr;
    });
}

bool system_receiving::run(failure& f) {
    const bool is_whole = hear_offer(f) && fetch(f) && build(f);
    if (is_whole && get_word(f)) return settle(), true;
    line_->send(refusal(f).bytes(), {}, {});
    return false;
}

// Their sockets are the block's as soon as it counts the port.
std::unique_ptr<platform::held_block> system_receiving::build_block(const coming& c, coming_lane& lane, failure& f) {
    platform::hold_request request{.kind = lane.kind,
                                   .block = c.request.block,
                                   .family = c.request.family,
                                   .address = c.request.address,
                                   .backlog = c.request.backlog,
                                   .park = c.request.park};
    for (const auto& port : lane.sockets) {
        request.inherited.push_back({port[0].get(), port[1].get(), port[2].get()});
    }
    request.over = platform::coming_over{{lane.parking[0].get(), lane.parking[1].get()}, std::move(lane.cookies)};
    auto block = platform::system_provider().prepare(request, f);
    if (!block) return nullptr;
    for (auto& p : lane.parking) p.release();
    block->hold(~std::uint32_t{0}, f);
    for (std::uint32_t i = 0; i < block->held(); ++i) {
        for (auto& fd : lane.sockets[i]) fd.release();
    }
    if (!f) block->seal(f);
    return f ? nullptr : std::move(block);
}

bool system_receiving::build(failure& f) {
    for (auto& c : coming_) {
        std::vector<std::unique_ptr<platform::held_block>> blocks;
        for (auto& lane : c.lanes) {
            handover_step("building");
            blocks.push_back(build_block(c, lane, f));
            if (f) {
                f.what = "'" + c.name + "' cannot be taken over: " + f.what;
                return false;
            }
        }
        c.core = reservation_core::make_of(platform::system_provider(), c.request, std::move(blocks), c.network);
    }
    handover_step("built");
    return true;
}

// Without the word, and without a predecessor that could have everything still, it is ours.
bool system_receiving::get_word(failure& f) {
    platform::handover_message m;
    if (ask(handover_writer(handover_verb::ready), m, f)) {
        handover_reader in(m);
        is_ours_ = in.verb() == handover_verb::yours;
        if (!is_ours_) f = refusal_of(in, "the predecessor");
    } else if (f.code == errc::operation_aborted) {
        is_ours_ = platform::predecessor_is_dead(process_.get());
        if (is_ours_) f = {};
    }
    return is_ours_;
}

void system_receiving::settle() {
    handover_step("settling");
    for (auto& c : coming_) {
        for (std::size_t l = 0; l < c.lanes.size(); ++l) {
            auto& lane = c.lanes[l];
            port_lane& made = *c.core->lanes()[l];
            lane.priors.insert(lane.priors.begin(), {lane.board, line_});
            made.come_over(std::move(lane.priors), lane.serving);
            made.keep_sessions(true);  // to replace one changes its holder, which may be the predecessor's again
            for (std::size_t i = 0; i < lane.serving.size(); ++i) {
                const std::uint32_t index = lane.serving[i];
                if (!made.is_open(index)) continue;  // given back while it went across
                const auto protocol = lane.kind == platform::port_kind::udp ? transport::udp : transport::tcp;
                ports_.push_back({std::move(lane.names[i]), c.name, protocol, c.request.use, c.core->request().family,
                                  made.port_at(index)});
                served_.push_back(made.serve(index));
            }
        }
        described_.push_back({c.name, c.core->request()});
        held_.push_back(reservation_core::wrap(c.core));
    }
    handover_step("settled");
}

port_reservation system_receiving::take_reservation(std::string_view name, error_code& ec) {
    ec = {};
    for (std::size_t i = 0; i < described_.size(); ++i) {
        if (described_[i].name == name && held_[i]) return std::move(held_[i]);
    }
    ec = errc::no_such_reservation;
    return {};
}

bound_port system_receiving::take_port(std::size_t i, error_code& ec) {
    ec = {};
    if (!served_[i]) ec = errc::not_associated;
    return std::move(served_[i]);
}

// If the word cannot be sent, the predecessor waits on: nothing is in two hands, and it has all again when we end.
void system_receiving::complete() {
    if (is_completed_ || is_forked()) return;
    handover_step("completing");
    const handover_writer have(handover_verb::have);
    const auto until = std::chrono::steady_clock::now() + patience_;
    auto state = line_->send(have.bytes(), {}, until);
    while (state == platform::line_state::failed && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        state = line_->send(have.bytes(), {}, until);
    }
    if (state != platform::line_state::fine &&
        state != platform::line_state::gone) {  // gone: then all is ours anyway
        return log(log_level::error, "the predecessor at " + address_ +
                                         " cannot be told that this process serves, and cannot go: complete() again");
    }
    is_completed_ = true;
    handover_step("completed");
    for (auto& c : coming_) {
        if (const auto core = c.core; core->now() == phase::held) {
            for (auto& lane : core->lanes()) {
                lane->block().come_over();
                lane->keep_sessions(false);
            }
        }
    }
}

bool system_receiving::is_forked() const noexcept { return platform::fork_stamp() != stamp_; }

std::shared_ptr<offering> system_receiving::offer(failure& f) noexcept {
    return guarded(f, [&] { return next_offer(f); });
}

std::shared_ptr<offering> system_receiving::next_offer(failure& f) {
    if (is_forked()) {
        f = {errc::forked, "what came over is the parent's of this process", 0, 0};
        return nullptr;
    }
    if (!is_completed_) {
        f = {errc::invalid_argument, "what may still go back cannot be offered: complete() first", 0, 0};
        return nullptr;
    }
    if (listener_.get() < 0) {
        f = {errc::invalid_argument, "the offer at " + address_ + " was taken already", 0, 0};
        return nullptr;
    }
    auto door = platform::handover_door::take(listener_, address_, f);
    return door ? std::make_shared<system_offering>(std::move(door)) : nullptr;
}

bool system_receiving::is_in_use(std::size_t i) const {
    if (i >= held_.size()) return false;  // it failed before anybody could have had it
    const auto& core = *coming_[i].core;
    if (!held_[i] && core.now() == phase::held) return true;
    std::uint32_t untaken = 0;
    for (std::size_t k = 0; k < ports_.size(); ++k) {
        if (ports_[k].reservation == coming_[i].name && served_[k]) ++untaken;
    }
    return core.ports_out() > untaken;
}

// A predecessor that hears of the connection's end has everything again, so nothing of it may be left here.
system_receiving::~system_receiving() {
    if (!is_ours_ || is_completed_ || is_forked()) return;
    for (std::size_t i = 0; i < coming_.size(); ++i) {
        if (!is_in_use(i)) continue;
        complete();
        return;
    }
    served_.clear();
    held_.clear();
    coming_.clear();
    line_->hang_up();
}

}  // namespace berth::detail
