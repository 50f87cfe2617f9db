// The objects of a walk, and what can be done to them; each operation is in the walk's ledger.
//
// The objects belong to whoever has the lock; handlers only try it, because a thread that closes a socket waits for the
// running one.
#pragma once

#include <berth/signal_set.hpp>
#include <berth/udp_socket.hpp>

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "support/sockets.hpp"
#include "unit/io/tcp_ground.hpp"
#include "unit/io/walk_ledger.hpp"

namespace io_test {

using asio::ip::udp;

struct thrown_by_a_handler {};

template <class Socket>
struct numbered {
    Socket socket;
    std::uint64_t number = 0;  // of this opening
};

struct objects {
    explicit objects(berth::io_context& c) {
        for (int i = 0; i < 6; ++i) streams.push_back({tcp_socket(c)});
        for (int i = 0; i < 2; ++i) doors.push_back({tcp_acceptor(c)});
        for (int i = 0; i < 3; ++i) datagrams.push_back({berth::udp_socket(c)});
        for (int i = 0; i < 3; ++i) timers.emplace_back(c);
        signals = std::make_unique<berth::signal_set>(c, SIGTERM);
    }
    std::vector<numbered<tcp_socket>> streams;
    std::vector<numbered<tcp_acceptor>> doors;
    std::vector<numbered<berth::udp_socket>> datagrams;
    std::vector<berth::steady_timer> timers;
    std::unique_ptr<berth::signal_set> signals;
};

class walk_world : public testing::TestWithParam<backend_choice> {
protected:
    struct handler {
        using cancellation_slot_type = asio::cancellation_slot;
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
        void operator()() { walk->ended(mine.called(), {}); }
        void operator()(error_code ec) { walk->ended(mine.called(), ec); }
        void operator()(error_code ec, std::size_t) { walk->ended(mine.called(), ec); }
        void operator()(error_code ec, int) { walk->ended(mine.called(), ec); }
        void operator()(error_code ec, tcp_socket accepted) {
            entry& e = mine.called();
            e.incoming = std::make_unique<tcp_socket>(std::move(accepted));
            walk->ended(e, ec);
        }
        walk_world* walk;
        receipt mine;
        std::shared_ptr<objects> keep;  // as sessions are kept by their handlers
        asio::cancellation_slot slot;
    };

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }
    template <class T>
    T& any_of(std::vector<T>& all) {
        return all[below(all.size())];
    }

    handler for_entry(entry& e) {
        return {this, receipt(e), below(2) == 0 ? all_ : nullptr,
                below(2) == 0 ? e.signal.slot() : asio::cancellation_slot()};
    }

    void ended(entry& e, error_code ec) {
        EXPECT_EQ(++inside_, 1) << "two handlers at once";
        EXPECT_FALSE(is_gone_) << e.what << " after its context was destroyed";
        if (e.is_closed) {
            EXPECT_EQ(ec, asio::error::operation_aborted) << e.what << " after close: " << ec.message();
            EXPECT_TRUE(!e.is_reading || e.is_untouched()) << e.what << " wrote after close";
        }
        bool is_thrown = false;
        if (std::unique_lock lock(world_, std::try_to_lock); lock) {
            if (e.incoming && e.incoming->is_open()) take_in(std::move(*e.incoming));
            while (!is_ending_ && below(3) != 0) act(true);
            is_thrown = !is_ending_ && below(60) == 0;
        }
        if (e.incoming) e.incoming.reset();
        --inside_;
        if (is_thrown) throw thrown_by_a_handler();
    }

    // --- what can be done to the objects; all under the lock ---

    template <class Socket>
    void narrow(Socket& s) {
        error_code ignored;
        s.set_option(asio::socket_base::send_buffer_size(2048), ignored);
        s.set_option(asio::socket_base::receive_buffer_size(2048), ignored);
    }
    void take_in(tcp_socket accepted) {
        auto& s = any_of(all_->streams);
        const auto before = std::exchange(s.number, ++openings_);
        s.socket = std::move(accepted);
        ledger_.closed(before);
        narrow(s.socket);
    }
    template <class Object, class Protocol>
    void open(Object& o, const Protocol& protocol) {
        error_code ec;
        o.socket.open(protocol, ec);
        ASSERT_FALSE(ec) << ec.message();
        o.number = ++openings_;
        narrow(o.socket);
    }
    template <class Object>
    void close(Object& o) {
        error_code ignored;
        if (below(4) != 0) {
            o.socket.close(ignored);
        } else if (const auto fd = o.socket.release(ignored); fd != berth::test::no_socket) {
            berth::test::close_socket(fd);
        }
        ledger_.closed(std::exchange(o.number, 0));
    }
    template <class Object>
    void move_over(std::vector<Object>& all) {
        auto &from = any_of(all), &to = any_of(all);
        if (&from == &to) return;
        to.socket = std::move(from.socket);
        ledger_.closed(std::exchange(to.number, std::exchange(from.number, 0)));
    }
    template <class Object>
    void end_some(std::vector<Object>& all) {
        const auto dice = below(10);
        error_code ignored;
        if (dice < 5) return any_of(all).socket.cancel(ignored);
        dice < 8 ? close(any_of(all)) : move_over(all);
    }

    void act_on_stream() {
        auto& s = any_of(all_->streams);
        if (!s.socket.is_open() && below(10) != 0) {
            error_code ec;
            const auto to = any_of(all_->doors).socket.local_endpoint(ec);
            if (ec) return;
            open(s, tcp::v4());
            return s.socket.async_connect(to, for_entry(ledger_.begin("connect", s.number)));
        }
        const std::size_t size = below(20) == 0 ? 0 : std::size_t(1) << below(17);
        const auto number = size == 0 ? 0 : s.number;  // nothing to do is done at once
        switch (below(6)) {
            case 0:
            case 1: {
                entry& e = ledger_.begin("read", number, size, true);
                return s.socket.async_read_some(asio::buffer(e.buffer), for_entry(e));
            }
            case 2:
            case 3: {
                entry& e = ledger_.begin("write", number, size);
                return s.socket.async_write_some(asio::buffer(e.buffer), for_entry(e));
            }
            case 4: {
                constexpr tcp_socket::wait_type kinds[] = {tcp_socket::wait_read, tcp_socket::wait_write,
                                                           tcp_socket::wait_error};
                return s.socket.async_wait(kinds[below(3)], for_entry(ledger_.begin("wait", s.number)));
            }
            default: {
                error_code ignored;
                if (below(4) == 0) s.socket.shutdown(tcp_socket::shutdown_both, ignored);
            }
        }
    }
    void act_on_door() {
        auto& d = any_of(all_->doors);
        error_code ec;
        if (!d.socket.is_open() && below(10) != 0) {
            open(d, tcp::v4());
            d.socket.bind(anywhere, ec);
            return d.socket.listen(4, ec);
        }
        entry& e = ledger_.begin("accept", d.number);
        if (below(2) == 0) return d.socket.async_accept(for_entry(e));
        e.incoming = std::make_unique<tcp_socket>(*context_);
        d.socket.async_accept(*e.incoming, for_entry(e));
    }
    void act_on_datagrams() {
        auto &mine = any_of(all_->datagrams), &other = any_of(all_->datagrams);
        error_code ec;
        if (!mine.socket.is_open() && below(10) != 0) {
            open(mine, udp::v4());
            return mine.socket.bind({asio::ip::address_v4::loopback(), 0}, ec);
        }
        entry& e = ledger_.begin("datagram", mine.number, below(1500), below(2) == 0);
        if (e.is_reading) return mine.socket.async_receive_from(asio::buffer(e.buffer), e.source, for_entry(e));
        const auto to = other.socket.local_endpoint(ec);
        mine.socket.async_send_to(asio::buffer(e.buffer), ec ? udp::endpoint(udp::v4(), 9) : to, for_entry(e));
    }
    void act_on_timer() {
        auto& t = any_of(all_->timers);
        const auto dice = below(10);
        if (dice < 6) return t.async_wait(for_entry(ledger_.begin("timer", 0)));
        if (dice == 6) return static_cast<void>(t.cancel_one());
        if (dice == 7) return static_cast<void>(t.cancel());
        if (dice == 8) return static_cast<void>(t.expires_after(std::chrono::microseconds(below(2000))));
        t = berth::steady_timer(*context_, std::chrono::microseconds(below(2000)));
    }
    void act_on_signals() {
        const auto dice = below(10);
        if (dice < 4) return all_->signals->async_wait(for_entry(ledger_.begin("signal", 0)));
        if (dice < 6) return static_cast<void>(::raise(SIGTERM));
        if (dice < 8) return all_->signals->cancel();
        all_->signals = std::make_unique<berth::signal_set>(*context_, SIGTERM);
    }
    void act(bool on_the_loop) {
        const auto dice = below(100);
        if (dice < 40) return act_on_stream();
        if (dice < 50) return act_on_door();
        if (dice < 62) return act_on_datagrams();
        if (dice < 70) return act_on_timer();
        if (dice < 75) return act_on_signals();
        if (dice < 78) return asio::post(*context_, for_entry(ledger_.begin("post", 0)));
        if (dice < 80) return asio::defer(*context_, for_entry(ledger_.begin("defer", 0)));
        if (dice < 90) {
            const auto which = below(12);
            return which < 7 ? end_some(all_->streams) : which < 9 ? end_some(all_->doors) : end_some(all_->datagrams);
        }
        if (dice < 99 && on_the_loop && ledger_.size() != 0) {
            const std::size_t back = std::min<std::size_t>(ledger_.size(), 40);
            return ledger_.at(ledger_.size() - 1 - below(back)).signal.emit(asio::cancellation_type::all);
        }
        if (dice == 99) context_->stop();
    }

    std::mt19937_64 random_;
    std::mutex world_;
    walk_ledger ledger_;
    std::uint64_t openings_ = 0, steps_ = 0;
    std::atomic<int> inside_{0};
    std::atomic<bool> is_gone_{false}, is_ending_{false};
    std::shared_ptr<objects> all_;
    std::unique_ptr<berth::io_context> context_;
};

}  // namespace io_test
