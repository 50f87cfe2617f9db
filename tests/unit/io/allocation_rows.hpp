// Rows of operations whose memory is counted: each is run until everything that is kept has been made, and then counted.
//
// Counted is every call for memory of the program itself: operator new, and the C functions that Asio takes coroutines'
// memory from.
#pragma once

#include <berth/cancel_after.hpp>
#include <berth/udp_socket.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "support/counted_memory.hpp"
#include "unit/io/tcp_ground.hpp"

namespace io_test {

using berth::test::memory_taken_by_this_thread;

inline constexpr int rounds_before = 40, rounds = 100;

/// Starts the next round from the handler of the one before, as a server does.
class driver {
public:
    virtual ~driver() = default;
    void ended() {
        if (++count_ == rounds_before) taken_ = -memory_taken_by_this_thread();
        if (count_ == rounds_before + rounds) {
            taken_ += memory_taken_by_this_thread();
        } else {
            begin();
        }
    }
    virtual void begin() = 0;
    [[nodiscard]] bool is_complete() const { return count_ == rounds_before + rounds; }
    [[nodiscard]] long taken() const { return taken_; }

private:
    int count_ = 0;
    long taken_ = 0;
};

struct done {
    driver* all;
    template <class... Args>
    void operator()(const Args&...) const {
        all->ended();
    }
};

template <class Begin>
class driver_of final : public driver {
public:
    explicit driver_of(Begin b) : begin_(b) {}
    void begin() override { begin_(done{this}); }

private:
    Begin begin_;
};

/// A handler's own allocator: a few blocks, used again and again.
struct few_blocks {
    alignas(std::max_align_t) static inline std::byte blocks[64][2048];
    static inline bool is_taken[64];
};
template <class T>
struct block_allocator : few_blocks {
    using value_type = T;
    block_allocator() = default;
    template <class U>
    block_allocator(const block_allocator<U>&) noexcept {}
    template <class U>
    bool operator==(const block_allocator<U>&) const noexcept {
        return true;
    }
    T* allocate(std::size_t n) {
        const auto i = static_cast<std::size_t>(std::find(is_taken, is_taken + 64, false) - is_taken);
        EXPECT_TRUE(i < 64 && n * sizeof(T) <= sizeof blocks[0]);
        is_taken[i] = true;
        return reinterpret_cast<T*>(blocks[i]);
    }
    void deallocate(T* memory, std::size_t) noexcept {
        is_taken[(reinterpret_cast<std::byte*>(memory) - blocks[0]) / sizeof blocks[0]] = false;
    }
};

class allocation_rows : public tcp_by_backend {
protected:
    using any_tcp = berth::basic_tcp_socket<asio::any_io_executor>;
    using any_udp = berth::basic_udp_socket<asio::any_io_executor>;
    using any_timer = berth::basic_steady_timer<asio::any_io_executor>;

    /// `begin(done)` starts something whose handler calls done.
    template <class Begin>
    void row(const char* what, const char* how, Begin begin, long most = 0) {
        ++rows_;
        driver_of<Begin> all(begin);
        asio::post(context(), [&] { all.begin(); });
        run();
        EXPECT_TRUE(all.is_complete()) << what << ", " << how << ": not all ended";
        EXPECT_LE(all.taken(), most * rounds) << what << ", " << how << ": calls for memory in " << rounds << " rounds";
    }

    /// `operation(token)` starts it, after whatever makes it end.
    template <class Operation>
    void with_each_handler(const char* what, Operation operation, bool adapts_the_token = false) {
        const auto strand = asio::make_strand(context());
        const asio::any_io_executor any = context().get_executor();
        asio::cancellation_signal signal;
        row(what, "callback", [&](done d) { operation(d); });
        row(what, "bind_executor", [&](done d) { operation(asio::bind_executor(context(), d)); });
        row(what, "strand", [&](done d) { operation(asio::bind_executor(strand, d)); });
        row(what, "any_io_executor", [&](done d) { operation(asio::bind_executor(any, d)); });
        row(what, "bind_allocator", [&](done d) { operation(asio::bind_allocator(block_allocator<void>(), d)); });
        row(what, "slot", [&](done d) { operation(asio::bind_cancellation_slot(signal.slot(), d)); });
        if (!adapts_the_token) row(what, "cancel_after", [&](done d) { operation(berth::cancel_after(1h, d)); });
        row(what, "defer, then it", [&](done d) { asio::defer(context(), [=] { operation(d); }); });
        in_a_coroutine(what, operation);
        in_a_coroutine(what, [&](auto token) { return operation(berth::cancel_after(1h, token)); });
    }

    template <class Operation>
    void in_a_coroutine(const char* what, Operation operation) {
        ++rows_;
        long taken = -1;
        run_coroutine([&]() -> asio::awaitable<void> {
            for (int i = 0; i < rounds_before; ++i) co_await operation(use_awaitable);
            taken = -memory_taken_by_this_thread();
            for (int i = 0; i < rounds; ++i) co_await operation(use_awaitable);
            taken += memory_taken_by_this_thread();
        });
        EXPECT_EQ(taken, 0) << what << ", co_await: calls for memory in " << rounds << " rounds";
    }

    template <class Socket>
    static void drain(Socket& s) {
        char data[64];
        while (s.available() != 0) s.receive(asio::buffer(data));
    }

    int rows_ = 0;
    char data_[64] = {};
};

}  // namespace io_test
