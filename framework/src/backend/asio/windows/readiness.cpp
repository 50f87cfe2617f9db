// See readiness.hpp.
#include "backend/asio/windows/readiness.hpp"

#include "backend/asio/windows/engine_socket.hpp"

#include <asio/error.hpp>
#include <asio/windows/overlapped_ptr.hpp>

#include <utility>

namespace berth::detail {
namespace {

std::error_code aborted() noexcept { return asio::error::operation_aborted; }

/// What a record's cancellation signal does while it waits.
struct stop_waiting {
    readiness* row;
    running* record;
    void operator()(asio::cancellation_type) const noexcept { row->stop(*record); }
};

void land(running& record, const std::error_code& ec, std::size_t bytes) noexcept { landing{&record}(ec, bytes); }

}  // namespace

struct readiness::answered {
    std::shared_ptr<readiness> self;  // also the owner of the memory that Asio's record of the question is in

    using allocator_type = handler_memory::allocator<void>;
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(&self->memory_); }
    void operator()(const std::error_code& ec, std::size_t) const noexcept { self->answer(ec); }
};

void readiness::wait(running& record) {
    record.stop.slot().emplace<stop_waiting>(stop_waiting{this, &record});
    record.behind = nullptr;
    if (first_ == nullptr && under_way_ == nullptr) {
        try {
            ask();
        } catch (const std::system_error& refused) {
            return land(record, refused.code(), 0);
        }
    }
    (first_ == nullptr ? first_ : last_->behind) = &record;
    last_ = &record;
}

/// Pre: none is under way. Throws: the system's error, std::bad_alloc.
void readiness::ask() {
    asio::windows::overlapped_ptr asked(context_.get_executor(), answered{shared_from_this()});
    is_withdrawn_ = false;
    const int error = device_.ask(question_, socket_->socket_, events_, asked.get());
    if (error != 0) throw std::system_error(error, std::system_category());
    under_way_ = asked.get();
    asked.release();
}

// In a turn. Whoever lands may start further operations on the socket: they find the row as it is.
void readiness::answer(const std::error_code& ec) noexcept {
    under_way_ = nullptr;
    const bool is_ready = !ec && !is_withdrawn_;
    const auto alive = shared_from_this();
    if (is_ready && socket_ != nullptr && (question_.events & afd::reset) != 0) socket_->was_reset_ = true;
    int failed = ec && !is_withdrawn_ ? ec.value() : 0;
    while (first_ != nullptr) {
        int result = 0;
        if (failed != 0) {
            result = -failed;
        } else if (!is_ready || !socket_->perform(*first_, result)) {
            if (under_way_ != nullptr) return;
            try {
                return ask();
            } catch (const std::system_error& refused) {
                failed = refused.code().value();
            } catch (const std::bad_alloc&) {
                failed = static_cast<int>(asio::error::no_memory);
            }
            continue;
        }
        running& record = *pop();
        if (result < 0) {
            land(record, {-result, asio::error::get_system_category()}, 0);
        } else {
            land(record, {}, static_cast<std::size_t>(result));
        }
    }
}

running* readiness::pop() noexcept {
    running* const record = first_;
    first_ = record->behind;
    return record;
}

void readiness::stop(running& record) noexcept {
    running* before = nullptr;
    for (running* r = first_; r != &record; r = r->behind) before = r;
    (before == nullptr ? first_ : before->behind) = record.behind;
    if (last_ == &record) last_ = before;
    if (first_ == nullptr) withdraw();
    land(record, aborted(), 0);
}

void readiness::stop_all() noexcept {
    withdraw();
    while (first_ != nullptr) land(*pop(), aborted(), 0);
}

void readiness::withdraw() noexcept {
    if (under_way_ == nullptr) return;
    is_withdrawn_ = true;
    device_.withdraw(under_way_);
}

void readiness::orphan() noexcept {
    withdraw();
    socket_ = nullptr;
}

}  // namespace berth::detail
