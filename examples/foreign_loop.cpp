// A program with an event loop of its own runs a berth::io_context inside it: poll(2) waits for the context's handle,
// for a timer of the loop's and for the first of the context's timers. It serves TCP echo until SIGINT or SIGTERM.
//   foreign_loop [port]      without a port, one that the kernel picks; it is printed
#include <berth/signal_set.hpp>
#include <berth/steady_timer.hpp>
#include <berth/tcp_acceptor.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

using asio::awaitable, asio::use_awaitable, asio::ip::tcp;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

/// The loop of somebody else: descriptors with what to do when they can be read, and one thing to do again and again.
/// ::poll comes with Asio's own headers; a real one would have its own vocabulary.
class foreign_loop {
public:
    void watch(int descriptor, void (*ready)(berth::io_context&), berth::io_context& context) {
        watched_.push_back({descriptor, POLLIN, 0});
        on_ready_ = ready;
        context_ = &context;
    }
    void every(clock_type::duration time, void (*tick)()) {
        period_ = time;
        next_tick_ = clock_type::now() + time;
        tick_ = tick;
    }
    void run() {
        while (!context_->stopped()) {
            const auto due = std::min(next_tick_, context_->next_due());
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - clock_type::now()).count();
            const int count = ::poll(watched_.data(), watched_.size(),
                                     static_cast<int>(std::max(left, std::chrono::milliseconds::rep{0})));
            if (count > 0 || clock_type::now() >= context_->next_due()) on_ready_(*context_);
            if (clock_type::now() >= next_tick_) {
                next_tick_ += period_;
                tick_();
            }
        }
    }

private:
    std::vector<pollfd> watched_;
    void (*on_ready_)(berth::io_context&) = nullptr;
    berth::io_context* context_ = nullptr;
    clock_type::duration period_{};
    clock_type::time_point next_tick_{};
    void (*tick_)() = nullptr;
};

/// Ends when nothing comes for a minute: the context's own timers work as ever.
awaitable<void> echo(berth::tcp_socket socket) {
    using namespace asio::experimental::awaitable_operators;
    try {
        berth::steady_timer patience(socket.get_executor());
        for (char data[4096];;) {
            patience.expires_after(1min);
            const auto first = co_await (socket.async_read_some(asio::buffer(data), use_awaitable) ||
                                         patience.async_wait(use_awaitable));
            if (first.index() == 1) co_return;
            co_await asio::async_write(socket, asio::buffer(data, std::get<0>(first)), use_awaitable);
        }
    } catch (const std::system_error& end) {
        if (end.code() != asio::error::eof) std::cerr << "a connection ended: " << end.what() << '\n';
    }
}

awaitable<void> listen(berth::tcp_acceptor acceptor) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), echo(std::move(socket)), asio::detached);
    }
}

int main(int argc, char** argv) {
    try {
        const std::string_view wanted = argc > 1 ? argv[1] : "0";
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), port);
        if (error != std::errc() || end != wanted.data() + wanted.size()) {
            std::cerr << "not a port: " << wanted << "; a number from 0 to 65535 is\n";
            return 2;
        }
        berth::io_context context;
        berth::tcp_acceptor acceptor(context, tcp::endpoint(tcp::v4(), port));
        std::cout << "listening on port " << acceptor.local_endpoint().port() << ", backend " << context.backend()
                  << " (" << context.backend_reason() << ")" << std::endl;
        berth::signal_set signals(context, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { context.stop(); });
        asio::co_spawn(context, listen(std::move(acceptor)), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);  // the program ends by it, and does not go deaf in silence
        });

        foreign_loop loop;
        loop.watch(
            context.native_wait_handle(), [](berth::io_context& c) { c.poll(); }, context);
        loop.every(100ms, [] { std::cout << '.' << std::flush; });
        loop.run();
        std::cout << std::endl;
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
