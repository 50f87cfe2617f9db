// The blocks of a pool: the first one, and further ones that are reserved before the present ones run out.
//
// Draws come from any thread and take no lock: a block is published once, by storing how many there are, and stays
// where it is until the pool's last user is gone. Blocks are reserved on one context, the home; one at a time. Shared
// between the pool and its operations, so that none of them outlives it.
#pragma once

#include <berth/async_reserve.hpp>
#include <berth/io_context.hpp>
#include <berth/pool_growth.hpp>
#include <berth/port_reservation.hpp>
#include <berth/steady_timer.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace berth::detail {

class growing_blocks : public std::enable_shared_from_this<growing_blocks> {
public:
    growing_blocks(const reservation_request& request, const pool_growth& growth, io_context& home)
        : request_(request),
          growth_(growth),
          home_(home),
          slots_(slots_for(request, growth)),
          blocks_(std::make_unique<port_reservation[]>(slots_)) {}

    /// draw(reservation, ec) on one block after the other, the one that had something last first. Any thread.
    template <class Draw>
    auto draw(error_code& ec, Draw draw) {
        port_reservation none;
        if (state_.load(std::memory_order_acquire) != state::open) return draw(none, ec);
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        std::uint32_t at = start_at_.load(std::memory_order_relaxed);
        for (std::uint32_t i = 0; i < count; ++i, at = at + 1 == count ? 0 : at + 1) {
            auto drawn = draw(blocks_[at], ec);
            if (ec == errc::block_exhausted) continue;
            if (i != 0) start_at_.store(at, std::memory_order_relaxed);
            if (!ec) grow_if_low();
            return drawn;
        }
        exhausted_.fetch_add(1, std::memory_order_relaxed);
        grow();
        error_code ignored;
        return draw(none, ignored);
    }

    /// Completion signature void(error_code): the first block is held.
    template <class Token>
    auto async_start(Token&& token) {
        return asio::async_compose<Token, void(error_code)>(
            [self = shared_from_this(), why = std::make_shared<failure>(), has_begun = false, is_refused = false](
                auto& op, error_code ec = {}, port_reservation first = {}) mutable {
                if (is_refused) return op.complete(asio::error::already_started);
                if (std::exchange(has_begun, true)) return op.complete(self->started(ec, *why, std::move(first)));
                const auto mine = self;  // the lambda moves on with the operation
                auto& text = *why;
                is_refused = !mine->advance(state::idle, state::starting);
                if (is_refused) return asio::post(mine->home_.get_executor(), std::move(op));
                mine->is_growing_.store(true);
                try {
                    port_reservation::async_reserve(mine->home_, mine->request_, text, std::move(op));
                } catch (...) {
                    mine->advance(state::starting, state::idle);
                    mine->is_growing_.store(false);
                    throw;
                }
            },
            token, home_);
    }

    /// Completion signature void(error_code): no port is out any more, and no block is held.
    template <class Token>
    auto async_stop(Token&& token) {
        close_door();
        return asio::async_compose<Token, void(error_code)>(
            [self = shared_from_this(), timer = std::make_unique<steady_timer>(home_), has_begun = false,
             waits = false, released = 0u](auto& op, error_code ec = {}) mutable {
                if (has_begun && (ec || self->release_further(released, waits))) return op.complete(ec);
                has_begun = true;
                auto& wait = *timer;  // the lambda moves on with the operation
                if (waits) {
                    wait.expires_after(look_every);
                    wait.async_wait(std::move(op));
                } else {
                    self->home_.loop().look_soon();
                    asio::post(wait.get_executor(), std::move(op));
                }
            },
            token, home_);
    }

    /// No draw succeeds any more, nothing grows. Any thread.
    void close_door() noexcept {
        if (state_.exchange(state::closed) == state::closed) return;
        try {
            asio::post(home_,
                       [self = shared_from_this()] { self->cancel_growth_.emit(asio::cancellation_type::terminal); });
        } catch (const std::bad_alloc&) {  // a growth under way runs its course, and keeps nothing
        }
    }
    /// Ports that are out leave their block. Any thread.
    void release_all() noexcept {
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        for (std::uint32_t i = 0; i < count; ++i) {
            failure ignored;  // released meanwhile: just as well
            blocks_[i].release(ignored, if_taken::detach);
        }
    }

    [[nodiscard]] pool_statistics statistics() const noexcept {
        pool_statistics s;
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        for (std::uint32_t i = 0; i < count; ++i) {
            if (!blocks_[i]) continue;
            ++s.blocks;
            const auto books = blocks_[i].statistics();
            s.ports += books.ports;
            s.takes += books.takes;
            s.gives_back += books.gives_back;
            for (std::size_t n = 0; n < s.take_latency.size(); ++n) s.take_latency[n] += books.take_latency[n];
        }
        s.exhausted = exhausted_.load(std::memory_order_relaxed);
        s.growths = growths_.load(std::memory_order_relaxed);
        s.growths_refused = growths_refused_.load(std::memory_order_relaxed);
        return s;
    }
    [[nodiscard]] failure why() const {
        const std::lock_guard lock(why_gate_);
        return why_;
    }

private:
    enum class state : std::uint8_t { idle, starting, open, closed };
    static constexpr std::chrono::milliseconds look_every{5};
    static constexpr std::uint32_t ports_of_a_turn = 16;
    static constexpr std::chrono::seconds after_refusal{1};

    static std::uint32_t most_of(const pool_growth& growth) noexcept { return std::min(growth.most, 65535u); }
    static std::uint32_t slots_for(const reservation_request& request, const pool_growth& growth) noexcept {
        const std::uint32_t most = most_of(growth);
        if (growth.grow_by == 0 || most <= request.block.count) return 1;
        return 2 + (most - request.block.count - 1) / growth.grow_by;
    }
    [[nodiscard]] bool may_grow() const noexcept {
        return published_.load(std::memory_order_relaxed) < slots_ && !is_growing_.load(std::memory_order_relaxed);
    }
    void grow_if_low() {
        if (!may_grow()) return;
        std::uint32_t available = 0;
        const std::uint32_t count = published_.load(std::memory_order_acquire);
        for (std::uint32_t i = 0; i < count && available < growth_.low_water; ++i)
            available += blocks_[i].available();
        if (available < growth_.low_water) grow();
    }
    void grow() {
        if (!may_grow() || std::chrono::steady_clock::now().time_since_epoch().count() < not_before_.load()) return;
        if (is_growing_.exchange(true)) return;
        try {
            asio::post(home_, [self = shared_from_this()] { self->begin_growth(); });
        } catch (const std::bad_alloc&) {
            growth_refused({errc::no_memory, {}, 0, 0});
        }
    }
    void begin_growth() {
        if (state_.load(std::memory_order_acquire) != state::open) return is_growing_.store(false);
        try {
            auto request = request_;
            request.block = {0, std::min(growth_.grow_by, most_of(growth_) - held_)};
            port_reservation::async_reserve(
                home_, request, growth_failure_,
                asio::bind_cancellation_slot(cancel_growth_.slot(),
                                             [self = shared_from_this()](error_code ec, port_reservation block) {
                                                 self->end_growth(ec, std::move(block));
                                             }));
        } catch (const std::bad_alloc&) {
            growth_refused({errc::no_memory, {}, 0, 0});
        }
    }
    void end_growth(error_code ec, port_reservation block) {
        if (!ec && state_.load(std::memory_order_acquire) == state::open) {
            publish(std::move(block));
            growths_.fetch_add(1, std::memory_order_relaxed);
            if (state_.load() != state::open) release_all();  // close() did not see it
        } else if (ec && ec != asio::error::operation_aborted) {
            return growth_refused(std::move(growth_failure_));
        }
        is_growing_.store(false);
    }
    void growth_refused(failure f) {
        growths_refused_.fetch_add(1, std::memory_order_relaxed);
        note(std::move(f));
        not_before_.store((std::chrono::steady_clock::now() + after_refusal).time_since_epoch().count());
        is_growing_.store(false);
    }
    void publish(port_reservation block) {
        const std::uint32_t at = published_.load(std::memory_order_relaxed);
        held_ += block.block().count;
        blocks_[at] = std::move(block);
        published_.store(at + 1, std::memory_order_release);
    }
    // What async_start completes with.
    error_code started(error_code ec, failure& why, port_reservation first) {
        if (ec) {
            note(std::move(why));
            advance(state::starting, state::idle);
        } else {
            publish(std::move(first));
            if (!advance(state::starting, state::open)) {  // closed meanwhile
                release_all();
                ec = asio::error::operation_aborted;
            }
        }
        is_growing_.store(false);
        return ec;
    }
    bool advance(state from, state to) noexcept { return state_.compare_exchange_strong(from, to); }

    // A turn's worth: `released` blocks are gone, the next one goes piece by piece. True once nothing is held;
    // `waits`: for somebody to give back, or to end.
    bool release_further(std::uint32_t& released, bool& waits) noexcept {
        waits = is_growing_.load();  // called off by close_door(), which takes some turns
        if (waits) return false;
        if (released == published_.load(std::memory_order_acquire)) return true;
        failure f;
        const bool more = blocks_[released].release_some(f, ports_of_a_turn);
        waits = f.code == errc::reservation_busy;
        if (!more && !waits) ++released;
        return false;
    }
    void note(failure f) {
        const std::lock_guard lock(why_gate_);
        why_ = std::move(f);
    }

    const reservation_request request_;
    const pool_growth growth_;
    io_context& home_;
    const std::uint32_t slots_;
    const std::unique_ptr<port_reservation[]> blocks_;
    std::atomic<std::uint32_t> published_{0};
    std::atomic<std::uint32_t> start_at_{0};
    std::atomic<state> state_{state::idle};
    std::atomic<bool> is_growing_{false};
    std::atomic<std::chrono::steady_clock::rep> not_before_{0};
    std::atomic<std::uint64_t> exhausted_{0}, growths_{0}, growths_refused_{0};
    std::uint32_t held_ = 0;  // ports, of all blocks
    failure growth_failure_;
    asio::cancellation_signal cancel_growth_;  // for use on the home
    mutable std::mutex why_gate_;
    failure why_;
};

}  // namespace berth::detail
