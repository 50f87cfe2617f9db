// Lookups and the threads that carry them out; see include/berth/detail/name_lookup.hpp.
//
// A lookup is shared by the thread that works on it and the wait for it. Its gate decides between them: whoever comes
// with the answer posts while holding it, whoever leaves takes the wait out while holding it. So after end_lookup() a
// late answer finds nobody, and the loop that it was for may be gone.
#include "platform/name_lookup.hpp"

#include "per_process.hpp"
#include "platform/quiet_thread.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

namespace berth::detail {

class lookup : public std::enable_shared_from_this<lookup> {
public:
    lookup(event_loop& loop, lookup_wait& wait, lookup_question question)
        : question_(std::move(question)), loop_(loop), wait_(&wait) {
        arrival_.run = [](ready_node& node, bool invoke) {
            const auto self = std::move(static_cast<arrival&>(node).of);
            lookup_wait* const waiting = self->wait();
            if (!invoke) return;
            if (waiting != nullptr && self->loop_.remove(*waiting)) return waiting->run(*waiting, true);
            self->loop_.was_no_handler();
        };
    }

    bool answer_at_once() { return platform::look_up_numbers(question_, answer_); }

    /// On a thread of the pool.
    void answer() noexcept {
        if (wait() == nullptr) return;
        lookup_answer found;
        try {
            found = platform::look_up_name(question_);
        } catch (const std::bad_alloc&) {
            found = {lookup_error::system, static_cast<int>(std::errc::not_enough_memory), {}, {}, {}};
        }
        arrive(std::move(found));
    }
    void arrive(lookup_answer found) noexcept {
        const std::lock_guard lock(gate_);
        if (wait_ == nullptr) return;
        answer_ = std::move(found);
        arrival_.of = shared_from_this();
        loop_.post(arrival_);
    }

    lookup_answer forget() noexcept {
        const std::lock_guard lock(gate_);
        wait_ = nullptr;
        return std::move(answer_);
    }

private:
    struct arrival : ready_node {
        std::shared_ptr<lookup> of;
    };
    lookup_wait* wait() noexcept {
        const std::lock_guard lock(gate_);
        return wait_;
    }

    const lookup_question question_;
    event_loop& loop_;
    std::mutex gate_;
    lookup_wait* wait_;
    lookup_answer answer_;
    arrival arrival_;
};

namespace {

constexpr unsigned most_threads = 4;
constexpr std::chrono::seconds idle_for{10};

class lookup_threads {
public:
    void add(const std::shared_ptr<lookup>& asked) {
        std::unique_lock lock(gate_);
        row_.push_back(asked);
        if (row_.size() <= idle_) return has_grown_.notify_one();
        if (threads_ == most_threads) return;
        const int refused = start_one();
        if (refused == 0 || threads_ != 0) return;
        std::erase(row_, asked);
        lock.unlock();
        asked->arrive({lookup_error::system, refused, {}, {}, {}});
    }

private:
    /// 0 or why not. Pre: the gate is held.
    int start_one() noexcept {
        int refused = 0;
        ++threads_;
        try {
            platform::start_quiet_thread([] { per_process<lookup_threads>().object.run(); });
        } catch (const std::system_error& e) {
            refused = e.code().value();
        } catch (const std::bad_alloc&) {
            refused = static_cast<int>(std::errc::not_enough_memory);
        }
        if (refused != 0) --threads_;
        return refused;
    }
    void run() noexcept {
        platform::name_this_thread("berth lookup");
        std::unique_lock lock(gate_);
        for (;;) {
            ++idle_;
            const bool is_asked = has_grown_.wait_for(lock, idle_for, [&] { return !row_.empty(); });
            --idle_;
            if (!is_asked) break;
            const auto asked = std::move(row_.front());
            row_.pop_front();
            lock.unlock();
            asked->answer();
            lock.lock();
        }
        --threads_;
    }

    std::mutex gate_;
    std::condition_variable has_grown_;  // the row
    std::deque<std::shared_ptr<lookup>> row_;
    unsigned threads_ = 0;
    unsigned idle_ = 0;  // of these
};

}  // namespace

lookup_answer look_up(const lookup_question& question) { return platform::look_up_name(question); }

void begin_lookup(event_loop& loop, lookup_wait& wait, lookup_question question) {
    wait.asked = std::make_shared<lookup>(loop, wait, std::move(question));
    if (wait.asked->answer_at_once()) return loop.post(wait);
    wait.due = event_loop::clock::time_point::max();
    auto asked = wait.asked;  // the wait may be over before the lookup is in the row
    loop.add(wait);
    try {
        per_process<lookup_threads>().object.add(asked);
    } catch (const std::bad_alloc&) {
        asked->arrive({lookup_error::system, static_cast<int>(std::errc::not_enough_memory), {}, {}, {}});
    }
}

bool cancel_lookup(event_loop& loop, lookup_wait& wait) noexcept {
    if (!loop.remove(wait)) return false;
    wait.is_cancelled = true;
    wait.asked->forget();
    loop.post(wait);
    return true;
}

lookup_answer end_lookup(lookup_wait& wait) noexcept { return wait.asked ? wait.asked->forget() : lookup_answer(); }

}  // namespace berth::detail
