// The course of the walk: which operation comes next and on what, what was noted of it, and the end at a difference.
//
// The operations are in oracle_walk_blocks.cpp, oracle_walk_ports.cpp and oracle_walk_use.cpp, the comparisons in
// oracle_walk_checks.cpp.
#include "scenario/oracle_walk.hpp"

#include "scenario/loopback.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace berth::test {

oracle_walk::oracle_walk(const walk_kind& kind, std::uint64_t seed)
    : kind_(kind), seed_(seed), random_(seed), alone_(std::getenv("BERTH_OWN_NAMESPACE") != nullptr) {
    sink_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto any = loopback_address(0);
    if (::bind(sink_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 || ::listen(sink_, 64) != 0)
        throw std::runtime_error("no listener for the walk");
}

oracle_walk::~oracle_walk() {
    for (auto& b : live_)
        for (auto& slot : b.slots) {
            if (slot.callers >= 0) close_hard(slot.callers);
            for (const int fd : slot.duplicates) close_hard(fd);
        }
    for (const auto& o : others_) close_hard(o.fd);
    ::close(sink_);
}

void oracle_walk::run(std::uint32_t steps) {
    for (step_ = 1; step_ <= steps; ++step_) step();
}

void oracle_walk::step() {
    operate();
    check_books();
    if (std::exchange(look_now_, false) || step_ % 10 == 0) check_sockets();
}

void oracle_walk::operate() {
    if (live_.empty() || (live_.size() < 3 && below(12) == 0)) return do_reserve();
    if (others_.size() > 24 || (!others_.empty() && below(12) == 0)) return close_one_other();
    if (!detached_.empty() && below(12) == 0) {
        note("give_back detached");
        std::swap(detached_[below(static_cast<std::uint32_t>(detached_.size()))], detached_.back());
        detached_.pop_back();
        return;
    }
    const std::size_t which = below(static_cast<std::uint32_t>(live_.size()));
    auto& b = live_[which];
    const std::uint32_t dice = below(100);
    if (dice < 18) return do_take(b);
    if (dice < 28) return do_take_port(b);
    if (dice < 35) return do_take_pair(b);
    if (dice < 45) return do_bind(b);
    if (dice < 64) return do_give_back(b);
    if (dice < 68) return do_lend(b);
    if (dice < 73) return do_duplicate(b);
    if (dice < 80) return do_close_duplicate(b);
    if (dice < 87) return do_close_callers(b, below(2) == 0);
    if (dice < 93) return do_traffic(b);
    if (dice < 96) return do_reclaim(b);
    do_release(which);
}

oracle_walk::port_slot* oracle_walk::pick(live_block& b, place where) {
    const std::uint32_t n = count(b, {where});
    if (n == 0) return nullptr;
    std::uint32_t skip = below(n);
    for (auto& slot : b.slots)
        if (slot.where == where && skip-- == 0) return &slot;
    return nullptr;
}

void oracle_walk::note(const std::string& operation, const std::string& detail) {
    ++done_[operation];
    history_.push_back(std::to_string(step_) + ' ' + operation + detail);
    if (history_.size() > 20) history_.pop_front();
}

void oracle_walk::require(bool holds, const std::string& what) const {
    if (holds) return;
    std::string text = what + "\nBERTH_WALK_SEED=" + std::to_string(seed_) + ", step " + std::to_string(step_) +
                       ", " + kind_.name + "; the last operations:";
    for (const auto& line : history_) text += "\n  " + line;
    throw std::runtime_error(text);
}

}  // namespace berth::test
