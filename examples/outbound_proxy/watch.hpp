// What one shard looks at twice a second: tunnels and associations that are idle, or whose client is gone.
//
// One timer for all of them instead of one each, and none while there is nothing to look at. For the thread of its
// shard alone. What is watched may outlive the watch, as the frames of coroutines do when a program ends.
#pragma once

#include <berth/steady_timer.hpp>

#include <chrono>

namespace outbound_proxy {

class watch;

class watched {
public:
    using clock = std::chrono::steady_clock;

    watched() noexcept = default;
    watched(const watched&) = delete;
    watched& operator=(const watched&) = delete;

    /// Something went through it.
    void touch() noexcept { touched_ = clock::now(); }

protected:
    virtual ~watched() { leave(); }
    /// Post: it is watched no more.
    void leave() noexcept;

private:
    friend class watch;
    /// May leave(); touches no other that is watched.
    virtual void looked_at(clock::duration idle) noexcept = 0;
    /// The proxy ends. May leave(); touches no other that is watched.
    virtual void cut() noexcept = 0;

    clock::time_point touched_{};
    watched* next_ = nullptr;
    watched** link_ = nullptr;  ///< what points to it
};

class watch {
public:
    explicit watch(berth::io_context& shard) : timer_(shard) {}
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;
    ~watch();

    void add(watched& one);
    /// When the shard does not run any more: what is still watched is cut off.
    void cut_all() noexcept;

private:
    void look();
    void sleep();

    berth::steady_timer timer_;
    watched* first_ = nullptr;
    bool is_asleep_ = false;  ///< until the timer expires
};

}  // namespace outbound_proxy
