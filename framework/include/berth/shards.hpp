// A program's cores: one io_context each, run by one thread, with nothing shared between them.
//
// A shard runs until stop(), whether it has work or not. What a handler throws ends all of them, and the first such
// exception comes out of join() or run(). start, run and join are for one thread, the rest for any.
#pragma once

#include <berth/detail/current_shard.hpp>
#include <berth/detail/processors.hpp>
#include <berth/io_context.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace berth::inline v0_1 {

struct shards_options {
    std::size_t count = 0;  ///< 0: as many as there are processors that this process may use
    io_context_options context{};
    bool pin = false;   ///< shard i runs on the i-th of those processors alone; pin_failure(i) says if it could not
    bool heaps = true;  ///< each shard's memory from a heap of its own, if io_context::memory_reason() has heaps
};

class shards {
public:
    static constexpr std::size_t npos = ~std::size_t{0};

    /// Throws as io_context does.
    explicit shards(const shards_options& options = {})
        : options_(options), processors_(detail::usable_processors()) {
        std::size_t count = options.count != 0 ? options.count : processors_.size();
        if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
        pin_failures_.resize(count);
        while (contexts_.size() < count) contexts_.push_back(std::make_unique<io_context>(options.context));
    }
    shards(const shards&) = delete;
    shards& operator=(const shards&) = delete;
    /// Stops and joins; an exception that nobody joined for is lost.
    ~shards() {
        stop();
        wait_for_threads();
    }

    [[nodiscard]] std::size_t size() const noexcept { return contexts_.size(); }
    [[nodiscard]] io_context& operator[](std::size_t i) noexcept { return *contexts_[i]; }

    /// The shard of these that the calling thread runs; npos: none.
    [[nodiscard]] std::size_t current() const noexcept {
        const auto& here = detail::this_threads_shard();
        return here.of == this ? here.index : npos;
    }

    /// Why shard i does not run on a processor of its own; empty: it does, or was not asked to, or has not begun.
    [[nodiscard]] std::string pin_failure(std::size_t i) const {
        const std::lock_guard lock(gate_);
        return pin_failures_[i];
    }

    /// One thread for each. Throws std::logic_error if they run already; again after join() is fine.
    void start() { start_from(0); }

    /// As start() and join(), but the calling thread is shard 0.
    void run() {
        start_from(1);
        run_shard(0);
        join();
    }

    /// Any thread, also a shard's own.
    void stop() noexcept {
        for (auto& context : contexts_) context->stop();
    }

    /// Waits until all threads ended. Throws what the first handler threw.
    void join() {
        wait_for_threads();
        if (auto first = std::exchange(thrown_, nullptr)) std::rethrow_exception(first);
    }

private:
    void start_from(std::size_t first) {
        if (is_running_) throw std::logic_error("berth::shards run already; join() them first");
        is_running_ = true;
        for (auto& context : contexts_) {
            context->restart();
            context->loop().work_started();
        }
        try {
            for (std::size_t i = first; i < size(); ++i) threads_.emplace_back([this, i] { run_shard(i); });
        } catch (...) {  // too many threads
            stop();
            wait_for_threads();
            throw;
        }
    }

    void run_shard(std::size_t i) noexcept {
        io_context& context = *contexts_[i];
        const auto before = std::exchange(detail::this_threads_shard(), {this, i, &context.loop()});
        const bool is_pinned = options_.pin && pin(i);
        if (options_.heaps) context.loop().enter_heap();
        try {
            context.run();
        } catch (...) {
            const std::lock_guard lock(gate_);
            if (!thrown_) thrown_ = std::current_exception();
            stop();
        }
        if (options_.heaps) context.loop().leave_heap();
        if (is_pinned) unpin();
        detail::this_threads_shard() = before;
    }

    bool pin(std::size_t i) noexcept {
        bool done = false;
        std::string why_not;
        try {
            why_not = "the system does not say which processors there are";
            done = !processors_.empty() && detail::use_processors({processors_[i % processors_.size()]}, why_not);
        } catch (const std::bad_alloc&) {
            why_not = "no memory";  // short enough to need none
        }
        const std::lock_guard lock(gate_);
        pin_failures_[i] = done ? std::string() : std::move(why_not);
        return done;
    }

    void unpin() const noexcept {
        try {
            std::string ignored;
            detail::use_processors(processors_, ignored);
        } catch (const std::bad_alloc&) {  // a thread of ours ends; run()'s caller stays where it is
        }
    }

    void wait_for_threads() noexcept {
        for (auto& thread : threads_) thread.join();
        threads_.clear();
        if (!std::exchange(is_running_, false)) return;
        for (auto& context : contexts_) context->loop().work_finished();
    }

    shards_options options_;
    std::vector<std::uint32_t> processors_;
    std::vector<std::unique_ptr<io_context>> contexts_;
    std::vector<std::thread> threads_;
    bool is_running_ = false;
    mutable std::mutex gate_;  // of what the threads leave here
    std::vector<std::string> pin_failures_;
    std::exception_ptr thrown_;
};

}  // namespace berth::v0_1
