// See deadline_wheel.hpp.
#include "server/deadline_wheel.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

// A stamp may be as old as one tick: one more, so that no deadline comes early.
std::uint32_t ticks_of(server_options::duration time, server_options::duration tick) noexcept {
    if (time <= server_options::duration::zero()) return 0;
    const auto ticks = (time - server_options::duration(1)) / tick + 2;
    return static_cast<std::uint32_t>(std::min<std::int64_t>(ticks, 1 << 30));
}

}  // namespace

deadline_wheel::deadline_wheel(const server_options& o) noexcept
    : first_byte_(ticks_of(o.first_byte, o.tick)),
      idle_(ticks_of(o.idle, o.tick)),
      total_(ticks_of(o.total, o.tick)),
      write_(ticks_of(o.write, o.tick)) {}

void deadline_wheel::enter(session& s, session*& list) noexcept {
    s.next_ = list;
    s.link_ = &list;
    if (s.next_ != nullptr) s.next_->link_ = &s.next_;
    list = &s;
}

void deadline_wheel::remove(session& s) noexcept {
    if (s.link_ == nullptr) return;
    *s.link_ = s.next_;
    if (s.next_ != nullptr) s.next_->link_ = s.link_;
    s.link_ = nullptr;
}

void deadline_wheel::take(session*& from, session*& to) noexcept {
    to = std::exchange(from, nullptr);
    if (to != nullptr) to->link_ = &to;
}

std::int32_t deadline_wheel::left(const session& s, connection_end& why) const noexcept {
    std::int32_t least = never;
    const auto look = [&](std::uint32_t limit, std::uint32_t since, connection_end kind) {
        if (limit == 0) return;
        const auto ticks = static_cast<std::int32_t>(since + limit - now_);
        if (ticks >= least) return;
        least = ticks;
        why = kind;
    };
    if (!s.is_open()) return never;
    if (s.writes_ != 0) look(write_, s.progress_, connection_end::write);
    if (!s.has_received_) look(first_byte_, s.opened_, connection_end::first_byte);
    look(idle_, s.heard_of_, connection_end::idle);
    look(total_, s.opened_, connection_end::total);
    return least;
}

bool deadline_wheel::is_due(const session& s, connection_end& why) const noexcept { return left(s, why) <= 0; }

void deadline_wheel::insert(session& s) noexcept {
    connection_end why{};
    const std::int32_t ticks = left(s, why);
    if (ticks == never) return enter(s, resting_);
    const auto farthest = static_cast<std::int32_t>(slots_.size()) - 1;
    const std::uint32_t looked_at = now_ + static_cast<std::uint32_t>(std::clamp(ticks, 1, farthest));
    enter(s, slots_[looked_at % slots_.size()]);
}

void deadline_wheel::gather() noexcept {
    const auto all_of = [&](session*& list) {
        while (list != nullptr) {
            session& s = *list;
            remove(s);
            s.awaits_visit_ = true;
            enter(s, visiting_);
        }
    };
    all_of(resting_);
    for (auto& slot : slots_) all_of(slot);
}

void deadline_wheel::hasten(session& s) noexcept {
    if (s.awaits_visit_) return;  // put where its time is when it is visited
    remove(s);
    insert(s);
}

}  // namespace berth::detail
