// A handler that brings an allocator has its operation made in that memory, and freed before it is called.
#include <berth/resolver.hpp>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;

class handler_allocator : public tcp_by_backend {};
BERTH_BY_BACKEND(handler_allocator);

/// Memory that counts itself.
struct books {
    int taken = 0, given_back = 0;
};
template <class T>
struct counting_allocator {
    using value_type = T;
    books* kept;
    explicit counting_allocator(books* b) noexcept : kept(b) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& other) noexcept : kept(other.kept) {}
    T* allocate(std::size_t n) {
        ++kept->taken;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* memory, std::size_t n) noexcept {
        ++kept->given_back;
        std::allocator<T>().deallocate(memory, n);
    }
    template <class U>
    bool operator==(const counting_allocator<U>& other) const noexcept {
        return kept == other.kept;
    }
};
/// A handler for anything: by the time it is called, its operation's memory is free again.
struct counted_handler {
    books* kept;
    int* called;
    using allocator_type = counting_allocator<void>;
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(kept); }
    template <class... Args>
    void operator()(Args&&...) const {
        EXPECT_EQ(kept->taken, kept->given_back);
        ++*called;
    }
};

TEST_P(handler_allocator, it_is_asked_once_for_each_operation) {
    tcp_acceptor acceptor(context(), anywhere);
    tcp_socket local_end(context()), remote_end(context());
    berth::steady_timer timer(context(), 1ms);
    berth::tcp_resolver names(context());
    char data[4];
    int called = 0;
    const auto with = [&](auto start) {
        books kept;
        const int before = called;
        start(counted_handler{&kept, &called});
        EXPECT_EQ(kept.taken, 1);
        if (called == before) run();
        EXPECT_EQ(called, before + 1);
        EXPECT_EQ(kept.given_back, kept.taken);
    };
    with([&](auto h) {
        acceptor.async_accept(remote_end, h);
        local_end.connect(acceptor.local_endpoint());
    });
    with([&](auto h) { local_end.async_write_some(asio::buffer("1234", 4), h); });
    with([&](auto h) { remote_end.async_read_some(asio::buffer(data), h); });
    with([&](auto h) { local_end.async_wait(tcp_socket::wait_write, h); });
    with([&](auto h) { timer.async_wait(h); });
    with([&](auto h) { names.async_resolve("127.0.0.1", "1", h); });
    tcp_socket other(context());
    with([&](auto h) { other.async_connect(acceptor.local_endpoint(), h); });
    books kept;
    {
        berth::io_context short_lived({.backend = GetParam()});
        berth::steady_timer never(short_lived, 1h);
        never.async_wait(counted_handler{&kept, &called});
        tcp_acceptor unheard(short_lived, anywhere);
        unheard.async_accept(counted_handler{&kept, &called});
        EXPECT_EQ(short_lived.poll(), 0u);
        EXPECT_EQ(kept.taken, 2);
        short_lived.loop().abandon();
    }
    EXPECT_EQ(kept.given_back, 2) << "also when they never end";
}

}  // namespace
