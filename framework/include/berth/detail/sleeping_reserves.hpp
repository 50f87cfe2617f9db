// An async_reserve that waits for the system sleeps on its context: it is in no queue, takes no turn, and has no
// thread.
//
// Invariant: a sleeping operation belongs to the service of its context, which lets it end with the context. It is
// taken out and posted under the service's mutex, so nobody posts to a context whose services have shut down. What
// destroys operations does so outside of it, since an operation's end waits for those that are about to wake it.
// Where no step of a reserve ever waits (Linux) there is no such service.
#pragma once

#include <berth/detail/waker.hpp>

#include <asio/execution_context.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace berth::detail {

class sleeping_reserves;

/// An operation that can sleep. Its own thread is the one that takes its turn; wake() is for any.
class sleeping_reserve : public waker {
public:
    void wake() noexcept override;

protected:
    ~sleeping_reserve() = default;

    /// Before a turn: whoever wakes from now on means the sleep after it.
    void stay_awake() noexcept { is_woken_.exchange(false); }
    /// True: it is the context's, and may run by now; do not touch it. False: somebody has woken it already, or there
    /// is no memory: take another turn.
    bool fall_asleep(asio::execution_context& context) noexcept;
    /// In the function that post_itself() posted, before anything else.
    void get_up() noexcept;
    /// False: post_itself() threw, so a function that is destroyed owns nothing.
    [[nodiscard]] bool is_posted() const noexcept { return is_posted_; }

private:
    friend class sleeping_reserves;
    /// Posts a function that owns this operation, if is_posted() by the time of its end. What it throws is tried
    /// again.
    virtual void post_itself() = 0;
    virtual void end_itself() noexcept = 0;

    std::atomic<sleeping_reserves*> where_{nullptr};
    std::atomic<bool> is_woken_{false}, is_posted_{false};
    bool is_asleep_ = false;  // with the two below: under the service's mutex
    sleeping_reserve* previous_ = nullptr;
    sleeping_reserve* next_ = nullptr;
};

class sleeping_reserves : public asio::execution_context::service {
public:
    inline static asio::execution_context::id id;
    explicit sleeping_reserves(asio::execution_context& context) : service(context) {}

private:
    friend class sleeping_reserve;

    void shutdown() override {
        for (;;) {
            sleeping_reserve* one = nullptr;
            {
                const std::lock_guard lock(mutex_);
                one = first_;
                if (one == nullptr) return;
                take_out(*one);
            }
            one->end_itself();
        }
    }

    void put_in(sleeping_reserve& one) noexcept {
        one.is_asleep_ = true;
        one.previous_ = nullptr;
        one.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &one;
        first_ = &one;
    }
    void take_out(sleeping_reserve& one) noexcept {
        one.is_asleep_ = false;
        if (one.next_ != nullptr) one.next_->previous_ = one.previous_;
        (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
    }

    std::mutex mutex_;
    sleeping_reserve* first_ = nullptr;
};

inline bool sleeping_reserve::fall_asleep(asio::execution_context& context) noexcept {
    sleeping_reserves* where = nullptr;
    try {
        where = &asio::use_service<sleeping_reserves>(context);
    } catch (...) {
        return false;
    }
    where_ = where;
    const std::lock_guard lock(where->mutex_);
    if (is_woken_) return false;
    is_posted_ = false;
    where->put_in(*this);
    return true;
}

// Without memory for the function it stays asleep, and is posted as soon as there is some.
inline void sleeping_reserve::wake() noexcept {
    is_woken_ = true;
    sleeping_reserves* const where = where_;
    if (where == nullptr) return;
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
        const std::lock_guard lock(where->mutex_);
        if (!is_asleep_) return;
        where->take_out(*this);
        try {
            post_itself();
            is_posted_ = true;  // it may be on its way to run, and waits in get_up() for this
            return;
        } catch (...) {
            where->put_in(*this);
        }
    }
}

inline void sleeping_reserve::get_up() noexcept {
    sleeping_reserves* const where = where_;
    const std::lock_guard lock(where->mutex_);
}

}  // namespace berth::detail
