// An atomic whose n-th step on any object has something happen before it: what another thread might do just there.
//
// For the claim's templates, on one thread: each interleaving of a call with one whole call of another, step by step.
// tests/model has those of several threads in each other's midst; here the library's own branches are counted.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace berth::claim::test {

struct interruption {
    std::uint32_t steps_left = 0;  // 0: none comes
    std::function<void()> by;
    bool came = false;

    void before_a_step() {
        if (steps_left == 0 || --steps_left != 0) return;
        came = true;
        by();
    }
};
inline interruption next_interruption;

/// Runs `call`, and `other` before its step `at` (1: the first). False: it has fewer steps.
template <class Call>
bool interrupted(std::uint32_t at, std::function<void()> other, Call call) {
    next_interruption = {at, std::move(other), false};
    call();
    next_interruption.steps_left = 0;
    return next_interruption.came;
}

template <class T>
class interrupted_atomic {
public:
    interrupted_atomic() noexcept = default;
    T load() const {
        next_interruption.before_a_step();
        return value_;
    }
    void store(T value) {
        next_interruption.before_a_step();
        value_ = value;
    }
    bool compare_exchange_strong(T& expected, T wanted) {
        next_interruption.before_a_step();
        if (value_ == expected) return value_ = wanted, true;
        return expected = value_, false;
    }
    T fetch_add(T by) {
        return changed([by](T value) { return static_cast<T>(value + by); });
    }
    T fetch_or(T by) {
        return changed([by](T value) { return static_cast<T>(value | by); });
    }
    T fetch_and(T by) {
        return changed([by](T value) { return static_cast<T>(value & by); });
    }

private:
    template <class Change>
    T changed(Change change) {
        next_interruption.before_a_step();
        return std::exchange(value_, change(value_));
    }
    T value_{};
};

}  // namespace berth::claim::test
