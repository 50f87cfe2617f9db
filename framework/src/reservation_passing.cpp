// A whole reservation on its way to another process, and one that came; see reservation_core.hpp.
#include "reservation_core.hpp"

#include "token_table.hpp"

namespace berth::detail {

std::shared_ptr<reservation_core> reservation_core::make_of(
    platform::port_provider& provider, const reservation_request& request,
    std::vector<std::unique_ptr<platform::held_block>> blocks, std::uint64_t network) {
    auto core = std::make_shared<reservation_core>(provider, request, steady_nanoseconds);
    std::size_t i = 0;
    for (const auto kind : kinds_of(core->request_)) {
        core->lanes_.push_back(
            std::make_unique<port_lane>(*core, core->request_, kind, std::move(blocks[i++]), core->clock_));
    }
    core->network_ = network;
    core->token_ = token_table::instance().add(core);
    return core;
}

bool reservation_core::freeze(std::vector<std::shared_ptr<platform::handover_board>> boards) noexcept {
    const std::lock_guard lock(releasing_);
    if (now() != phase::held) return false;
    is_to_end_ = false;
    phase_.store(phase::closing, std::memory_order_seq_cst);
    for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i]->freeze(std::move(boards[i]));
    phase_.store(phase::passing, std::memory_order_seq_cst);
    return true;
}

std::uint32_t reservation_core::ports_out() const noexcept {
    std::uint32_t n = sockets_live_on_.load() ? 1 : 0;
    if (now() == phase::released) return n + detached_.load();
    for (const auto& lane : lanes_) n += lane->out() + (lane->is_any_exposed() ? 1 : 0);
    return n;
}

void reservation_core::thaw() noexcept {
    {
        const std::lock_guard lock(releasing_);
        for (auto& lane : lanes_) lane->thaw();  // a reclaim that comes between would settle what thaw looks at
        phase_.store(phase::held, std::memory_order_seq_cst);
        if (!is_to_end_) return;
    }
    failure ignored;
    release(ignored, if_taken::detach);
}

void reservation_core::pass_on() noexcept {
    const std::lock_guard lock(releasing_);
    token_table::instance().remove(*this);
    for (auto& lane : lanes_) lane->pass_on();
    phase_.store(phase::released, std::memory_order_seq_cst);
    self_ = shared_from_this();
    const auto last = detached_port_back();  // the owner's own share
}

}  // namespace berth::detail
