// What a connection has still to send. It exists while there is something, so an idle connection has none.
//
// What is written meanwhile gathers behind the send that is under way, and goes out with the next one as a whole; the
// first waits until the handlers that are ready now have had their turns. It holds a reference to its session.
#pragma once

#include <berth/detail/session.hpp>

#include <cstddef>

namespace berth::detail {

struct session_queue : message_operation {
    explicit session_queue(session& s) noexcept;

    static session_queue* make(session& s);
    void append(const buffer_part* parts, std::size_t count, std::size_t size);
    [[nodiscard]] std::size_t queued() const noexcept { return filling_.size + sending_.size - sent_; }
    [[nodiscard]] bool is_above_high() const noexcept { return is_above_high_; }
    void flush(bool invoke) noexcept;
    /// Its session is closed: nobody waits for it any more, and it is gone as soon as nothing is under way.
    void abandon() noexcept;

    static void complete_all(event_loop& loop, timer_list& waits, bool are_cancelled) noexcept;

    timer_list low_waits;
    timer_list empty_waits;
    session_queue* next_to_flush = nullptr;

private:
    struct bytes {
        char* data = nullptr;
        std::size_t size = 0, capacity = 0;
    };
    static void on_sent(operation& op, const completion& c);
    static void on_destroy(operation& op) noexcept;
    void send() noexcept;
    void go_on() noexcept;
    void free(bytes& b) noexcept;
    void free() noexcept;

    session& session_;
    bytes filling_, sending_;
    std::size_t sent_ = 0;  // of sending_
    buffer_part part_;
    bool is_busy_ = false;  // in the list of those to flush, or under way
    bool is_above_high_ = false;
};

}  // namespace berth::detail
