// What a receiver shares with the receive that feeds it: pieces that wait, or an operation that waits for one.
//
// Never both. The operation is not started on any backend: it ends when a piece, an error or its cancellation comes,
// and is destroyed with the receive if the loop goes. Belongs to the loop's thread.
#pragma once

#include <berth/detail/basic_io_socket.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace berth::detail {

template <class Socket>
class receiver_state : public std::enable_shared_from_this<receiver_state<Socket>> {
public:
    using value_type = typename Socket::lent_type;

    receiver_state(Socket& socket, std::size_t most_waiting)
        : socket_(socket), loop_(io_access::loop_of(socket)), most_(most_waiting == 0 ? 1 : most_waiting) {}

    [[nodiscard]] Socket& socket() const noexcept { return socket_; }
    [[nodiscard]] event_loop& loop() const noexcept { return loop_; }

    void wait(operation& op) {
        if (waiting_ != nullptr) return loop_.end_later(op, -error_code(asio::error::already_started).value());
        if (first_ != pieces_.size() || end_) return loop_.end_later(op, 0);
        waiting_ = &op;
        if (!is_under_way_) begin();
    }

    /// Pre: something is there.
    std::tuple<error_code, value_type> pop() {
        if (first_ == pieces_.size()) return {std::exchange(end_, {}), value_type()};
        value_type piece = std::move(pieces_[first_++]);
        if (first_ == pieces_.size()) pieces_.clear(), first_ = 0;
        return {error_code(), std::move(piece)};
    }

    void stop_waiting(operation& op) noexcept {
        if (waiting_ == &op) loop_.end_later(*std::exchange(waiting_, nullptr), -aborted());
    }

    /// The receiver goes.
    void leave() noexcept {
        pieces_.clear();
        first_ = 0;
        if (waiting_ != nullptr) stop_waiting(*waiting_);
        pause();
    }

private:
    /// The handler of the receive; the one copy that was not moved from is the receive's own.
    class feed {
    public:
        explicit feed(std::shared_ptr<receiver_state> state) noexcept : state_(std::move(state)) {}
        feed(feed&&) noexcept = default;
        feed& operator=(feed&&) noexcept = default;
        ~feed() {
            if (state_) state_->abandon();
        }
        void operator()(const error_code& ec, value_type piece) {
            if (!ec) return state_->take(std::move(piece));
            std::exchange(state_, nullptr)->ended(ec);
        }

    private:
        std::shared_ptr<receiver_state> state_;
    };

    void begin() {
        is_under_way_ = true;
        is_pausing_ = false;
        socket_.async_receive_each(asio::bind_cancellation_slot(stop_.slot(), feed(this->shared_from_this())));
    }
    void pause() noexcept {
        if (!is_under_way_ || std::exchange(is_pausing_, true)) return;
        stop_.emit(asio::cancellation_type::total);
    }

    void take(value_type piece) {
        pieces_.push_back(std::move(piece));
        if (waiting_ != nullptr) return loop_.end_later(*std::exchange(waiting_, nullptr), 0);
        if (pieces_.size() - first_ >= most_) pause();
    }
    void ended(const error_code& ec) {
        is_under_way_ = false;
        const bool was_ours = is_pausing_ && ec == asio::error::operation_aborted;
        if (!was_ours) end_ = ec;
        if (waiting_ == nullptr) return;
        if (was_ours && socket_.is_open()) return begin();
        end_ = ec;
        loop_.end_later(*std::exchange(waiting_, nullptr), 0);
    }
    void abandon() noexcept {
        is_under_way_ = false;
        if (operation* const op = std::exchange(waiting_, nullptr)) op->kind->destroy(*op);
    }
    static int aborted() noexcept { return error_code(asio::error::operation_aborted).value(); }

    Socket& socket_;
    event_loop& loop_;
    std::size_t most_;
    std::vector<value_type> pieces_;  // from first_ on
    std::size_t first_ = 0;
    operation* waiting_ = nullptr;
    error_code end_;
    asio::cancellation_signal stop_;
    bool is_under_way_ = false;
    bool is_pausing_ = false;
};

}  // namespace berth::detail
