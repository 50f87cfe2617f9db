// What has to be looked at once its time has come, on a wheel of coarse ticks: no timer each.
//
// An entry is in one slot until the wheel gets there; whoever lives longer by then is put in again, so that to
// prolong a life costs nothing. Entries leave by themselves when they are destroyed. Belongs to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace relay {

class wheel_entry {
public:
    wheel_entry() noexcept = default;
    wheel_entry(const wheel_entry&) = delete;
    wheel_entry& operator=(const wheel_entry&) = delete;
    ~wheel_entry() { leave(); }

    void leave() noexcept {
        next_->before_ = before_;
        before_->next_ = next_;
        next_ = before_ = this;
    }
    [[nodiscard]] bool is_waiting() const noexcept { return next_ != this; }

private:
    friend class expiry_wheel;
    void enter(wheel_entry& list) noexcept {
        leave();
        next_ = &list;
        before_ = list.before_;
        before_->next_ = this;
        list.before_ = this;
    }
    wheel_entry* next_ = this;
    wheel_entry* before_ = this;
};

class expiry_wheel {
public:
    static constexpr std::size_t slots =
        128;  ///< ticks that it reaches ahead; what is later is looked at once a round

    /// Puts it where it is looked at no earlier than after `ticks` (at least one), or after a round of the wheel.
    void add(wheel_entry& entry, std::size_t ticks) noexcept {
        entry.enter(slots_[(now_ + std::clamp<std::size_t>(ticks, 1, slots - 1)) % slots]);
    }

    /// One tick: due(entry) for each; it is in no list then, and may be added again, or destroyed.
    template <class Due>
    void tick(Due due) {
        now_ = (now_ + 1) % slots;
        wheel_entry& slot = slots_[now_];
        while (slot.is_waiting()) {
            wheel_entry& entry = *slot.next_;
            entry.leave();
            due(entry);
        }
    }

private:
    std::array<wheel_entry, slots> slots_;
    std::size_t now_ = 0;
};

}  // namespace relay
