// See include/berth/detail/session.hpp.
#include <berth/detail/session.hpp>

#include "backend/backend.hpp"
#include "platform/server_calls.hpp"
#include "say.hpp"
#include "server/callback_reader.hpp"
#include "server/server_parts.hpp"
#include "server/session_queue.hpp"

#include <bit>
#include <string>
#include <utility>

namespace berth::detail {
namespace {

bool is_deadline(connection_end why) noexcept {
    return why >= connection_end::first_byte && why <= connection_end::write;
}

}  // namespace

session::session(server_shard& shard, native_value socket, attachment* attached) noexcept
    : shard_(shard),
      attached_(attached),
      native_(socket),
      opened_(shard.wheel.now()),
      heard_of_(shard.wheel.now()) {}

event_loop& session::loop() const noexcept { return shard_.loop; }
io_context& session::context() const noexcept { return shard_.context; }
std::size_t session::shard_index() const noexcept { return shard_.index; }
bool session::is_stopping() const noexcept { return shard_.is_stopping; }

void session::begin_reading() noexcept {
    static_assert(alignof(callback_reader) <= alignof(session));
    reader_ = new (this + 1) callback_reader(*this);
    is_open() ? reader_->go_on() : reader_->session_closed();  // closed when it was opened
}

// --- operations

void session::start(operation& op, bool has_nothing_to_do) noexcept {
    if (op.what == verb::send) begin_writing();
    op.socket = attached_;
    if (!is_open()) return loop().end_later(op, -error_code(asio::error::bad_descriptor).value());
    if (has_nothing_to_do) return loop().end_later(op, 0);
    loop().start(op);
}

void session::start_unless_stopping(message_operation& op) noexcept {
    if (!is_open() || op.part_count == 0) return start(op, true);
    if (!is_stopping()) {
        until_stop_ = &op;
        return start(op, false);
    }
    error_code ec;
    const auto size = receive_native(native_, op.parts, op.part_count, op.flags, nullptr, nullptr, true, said(ec));
    if (ec == asio::error::would_block) ec = asio::error::operation_aborted;
    loop().end_later(op, ec ? -ec.value() : static_cast<int>(size));
}

error_code session::receive_ended(const message_operation& op, int result) noexcept {
    if (until_stop_ == &op) until_stop_ = nullptr;
    if (result > 0) {
        note_received(static_cast<std::size_t>(result));
    } else if (result == 0 && op.part_count != 0) {
        has_reported_error_ = true;
        return asio::error::eof;
    }
    return error_of_result(result);
}

error_code session::send_ended(int result) noexcept {
    end_writing();
    if (result > 0) note_sent(static_cast<std::size_t>(result));
    return error_of_result(result);
}

error_code session::error_of_result(int result) noexcept {
    if (result >= 0) return {};
    if (!is_open() && is_deadline(end_)) return end_error();
    const error_code ec(-result, asio::error::get_system_category());
    if (!is_open()) return ec;
    if (ec != asio::error::operation_aborted) {
        has_reported_error_ = is_broken_ = true;
    } else if (is_stopping()) {
        has_reported_error_ = true;
    }
    return ec;
}

error_code session::end_error() const noexcept {
    return is_deadline(end_) ? asio::error::timed_out : asio::error::operation_aborted;
}

void session::note_received(std::size_t size) noexcept {
    has_received_ = true;
    heard_of_ = shard_.wheel.now();
    shard_books::add(shard_.books.bytes_in, size);
}

void session::note_sent(std::size_t size) noexcept {
    heard_of_ = progress_ = shard_.wheel.now();
    shard_books::add(shard_.books.bytes_out, size);
}

void session::begin_writing() noexcept {
    if (writes_++ != 0) return;
    progress_ = shard_.wheel.now();
    if (is_open() && shard_.wheel.has_deadlines()) shard_.wheel.hasten(*this);
}

void session::end_writing() noexcept { --writes_; }

// --- the write queue

bool session::queue(const buffer_part* parts, std::size_t count, std::size_t size) {
    if (!is_open() || closes_when_drained_) return false;
    if (size == 0) return !is_above_high();
    const session_reference kept(*this);
    const bool is_new = queue_ == nullptr;
    if (is_new) queue_ = session_queue::make(*this);
    try {
        queue_->append(parts, count, size);
    } catch (...) {
        if (is_new) queue_->abandon();
        throw;
    }
    return !is_above_high();
}

std::size_t session::queued() const noexcept { return queue_ != nullptr ? queue_->queued() : 0; }
bool session::is_above_high() const noexcept { return queue_ != nullptr && queue_->is_above_high(); }

void session::wait_drained(timer_node& wait, bool until_empty) {
    wait.is_cancelled = !is_open();
    const bool is_there = queue_ == nullptr || !is_open() || (!until_empty && !queue_->is_above_high());
    if (is_there) return loop().post(wait);
    wait.due = std::chrono::steady_clock::time_point::max();
    loop().add(wait, until_empty ? queue_->empty_waits : queue_->low_waits);
}

void session::wait_stopping(timer_node& wait) {
    wait.is_cancelled = false;
    if (is_stopping()) return loop().post(wait);
    wait.due = std::chrono::steady_clock::time_point::max();
    loop().add(wait, shard_.stop_waits);
}

void session::stop_begins() noexcept {
    if (!is_open()) return;
    if (until_stop_ != nullptr) loop().cancel(*until_stop_);
    const auto& hooks = shard_.core.hooks;
    if (hooks.stopping != nullptr) hooks.stopping(shard_.core.handler.get(), *this);
}

// --- the end

void session::count_end(connection_end why) noexcept {
    shard_books& books = shard_.books;
    if (why == connection_end::aborted) shard_books::add(books.aborted);
    if (why == connection_end::cut) shard_books::add(books.cut);
    if (is_deadline(why)) {
        shard_books::add(books.timeouts[static_cast<std::size_t>(why) - static_cast<std::size_t>(connection_end::first_byte)]);
    }
}

// What a client was promised and does not get is a reset for it, never a proper end.
void session::close(connection_end why, bool with_reset) noexcept {
    if (!is_open()) return;
    const session_reference kept(*this);
    if (why == connection_end::finished && is_broken_) why = connection_end::aborted;
    end_ = why;
    count_end(why);
    loop().detach(std::exchange(attached_, nullptr));
    const native_value socket = std::exchange(native_, -1);
    if (with_reset || writes_ != 0 || queue_ != nullptr) {
        platform::close_with_reset(socket);
    } else {
        error_code ignored;
        close_native(socket, said(ignored));
    }
    until_stop_ = nullptr;
    if (queue_ != nullptr) std::exchange(queue_, nullptr)->abandon();
    if (reader_ != nullptr) reader_->session_closed();
    shard_.core.wake_those_that_wait();
    check_ended();
}

void session::finish() noexcept {
    if (!is_open()) return;
    if (queue_ == nullptr) return close(connection_end::finished);
    closes_when_drained_ = true;
}

void session::failed(const char* what) noexcept {
    auto& failures = shard_.books.handler_failures;
    shard_books::add(failures);
    const std::uint64_t count = failures.load(std::memory_order_relaxed);
    if (std::has_single_bit(count)) {  // not every one: a client might provoke as many as it likes
        log_words(log_level::warning, [&] {
            return "a connection's handler failed (no. " + std::to_string(count) + " of shard " +
                   std::to_string(shard_.index) + "): " + what;
        });
    }
    close(connection_end::failure);
}

void session::handler_done() noexcept {
    if (handler_is_done_) return;
    handler_is_done_ = true;
    finish();
    check_ended();
}

void session::check_ended() noexcept {
    if (is_open() || !handler_is_done_ || has_ended_) return;
    has_ended_ = true;
    shard_.session_ended(*this);
}

void session::destroy() noexcept {
    references_ = 1;  // what follows may take and drop some
    close(connection_end::cut);
    handler_is_done_ = true;
    check_ended();
    shard_.session_destroyed(*this);
}

}  // namespace berth::detail
