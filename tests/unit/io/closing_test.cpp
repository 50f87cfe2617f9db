// close() has the last word: with a peer that never rests, whoever closes, at volume.
//
// The buffers are poisoned as soon as close has returned, and looked at when all has ended.
#include "support/sockets.hpp"
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using berth::test::no_socket;
using berth::test::socket_handle;

class closing : public tcp_by_backend {
protected:
    static constexpr int reads = 8;
    static constexpr std::size_t size = 3000;

    /// Writes to whatever descriptor it is given, until it is told to let go of it.
    class busy_peer {
    public:
        busy_peer() : thread_([this] { write(); }) {}
        ~busy_peer() {
            is_over_ = true;
            thread_.join();
        }
        busy_peer(const busy_peer&) = delete;
        busy_peer& operator=(const busy_peer&) = delete;
        void take(socket_handle fd) {
            berth::test::set_nonblocking(fd, true);
            fd_ = fd;
        }
        void let_go() {
            const auto fd = fd_.exchange(no_socket);
            while (is_writing_) std::this_thread::yield();
            berth::test::close_socket(fd);
        }

    private:
        void write() {
            const std::vector<char> data(5000, 'w');
            while (!is_over_) {
                is_writing_ = true;
                const socket_handle fd = fd_;
                const bool is_sent = fd != no_socket && berth::test::send_some(fd, data.data(), data.size()) > 0;
                is_writing_ = false;
                if (!is_sent) std::this_thread::yield();
            }
        }
        std::atomic<socket_handle> fd_{no_socket};
        std::atomic<bool> is_over_{false}, is_writing_{false};
        std::thread thread_;
    };

    struct victim {
        explicit victim(tcp_socket s) : socket(std::move(s)) {}
        tcp_socket socket;
        std::atomic<bool> is_closed{false};
        std::atomic<int> under_way{0}, ends_after{0}, wrong{0};
        std::vector<std::vector<char>> buffers{reads, std::vector<char>(size)};

        void read(std::size_t i) {
            ++under_way;
            socket.async_read_some(asio::buffer(buffers[i]), [this, i](error_code ec, std::size_t) {
                if (is_closed) {
                    ++ends_after;
                    if (ec != asio::error::operation_aborted) ++wrong;
                } else if (!ec) {
                    again(i);
                }
                --under_way;
            });
        }
        void again(std::size_t i) {
            if (std::unique_lock lock(mine, std::try_to_lock); lock && !is_closed) read(i);
        }
        void close() {
            const std::lock_guard lock(mine);
            socket.close();
            for (auto& b : buffers) std::fill(b.begin(), b.end(), 'P');
            is_closed = true;
        }
        [[nodiscard]] bool is_untouched() const {
            return std::all_of(buffers.begin(), buffers.end(), [](const auto& b) {
                return std::all_of(b.begin(), b.end(), [](char c) { return c == 'P'; });
            });
        }
        std::mutex mine;  // of the socket; handlers only try it
    };

    void check(const victim& v) {
        EXPECT_EQ(v.wrong, 0) << "ended after close, and not as aborted";
        EXPECT_EQ(v.under_way, 0);
        EXPECT_TRUE(v.is_untouched()) << "written to after close";
    }
};
BERTH_BY_BACKEND(closing);

TEST_P(closing, another_thread_closes_while_bytes_come_and_nothing_comes_after) {
    busy_peer peer;
    const auto guard = asio::make_work_guard(context());
    int after = 0;
    for (int round = 0; round < 300; ++round) {
        auto [local_end, remote_end] = connected();
        victim v(std::move(local_end));
        peer.take(remote_end.release());
        context().restart();
        std::thread runner([&] { context().run(); });
        {
            const std::lock_guard lock(v.mine);
            for (std::size_t i = 0; i < reads; ++i) v.read(i);
        }
        for (int spin = 0; spin < round * 10; ++spin) std::atomic_thread_fence(std::memory_order_seq_cst);
        v.close();
        while (v.under_way != 0) std::this_thread::yield();
        context().stop();
        runner.join();
        peer.let_go();
        check(v);
        after += v.ends_after;
    }
    EXPECT_GT(after, 100) << "close never met anything";
}

TEST_P(closing, a_handler_closes_while_bytes_come_and_nothing_comes_after) {
    busy_peer peer;
    int after = 0;
    for (int round = 0; round < 300; ++round) {
        auto [local_end, remote_end] = connected();
        victim v(std::move(local_end));
        peer.take(remote_end.release());
        for (std::size_t i = 0; i < reads; ++i) v.read(i);
        berth::steady_timer later(context(), std::chrono::microseconds(round % 50));
        later.async_wait([&](error_code) { v.close(); });
        run();
        peer.let_go();
        check(v);
        after += v.ends_after;
    }
    EXPECT_GT(after, 100) << "close never met anything";
}

}  // namespace
