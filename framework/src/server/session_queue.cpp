// See session_queue.hpp.
#include "server/session_queue.hpp"

#include "server/callback_reader.hpp"
#include "server/server_parts.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace berth::detail {

session_queue::session_queue(session& s) noexcept : session_(s) {
    s.add_reference();
    static constexpr operation_kind sending{on_sent, on_destroy};
    kind = &sending;
    what = verb::send;
    parts = &part_;
    part_count = 1;
}

session_queue* session_queue::make(session& s) { return new (s.loop().allocate(sizeof(session_queue))) session_queue(s); }

void session_queue::free(bytes& b) noexcept {
    if (b.data != nullptr) session_.loop().deallocate(b.data, b.capacity);
    b = {};
}

void session_queue::free() noexcept {
    session& s = session_;
    free(filling_);
    free(sending_);
    if (s.queue_ == this) s.queue_ = nullptr;
    this->~session_queue();
    s.loop().deallocate(this, sizeof(session_queue));
    s.drop_reference();
}

void session_queue::append(const buffer_part* from, std::size_t count, std::size_t size) {
    if (filling_.capacity - filling_.size < size) {
        constexpr std::size_t least = 512;
        const std::size_t capacity = std::max({least, filling_.capacity * 2, filling_.size + size});
        auto* const data = static_cast<char*>(session_.loop().allocate(capacity));
        if (filling_.size != 0) std::memcpy(data, filling_.data, filling_.size);
        const bytes grown{data, filling_.size, capacity};
        free(filling_);
        filling_ = grown;
    }
    for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(filling_.data + filling_.size, from[i].data, from[i].size);
        filling_.size += from[i].size;
    }
    if (queued() > session_.shard_.core.options.high_watermark) is_above_high_ = true;
    if (std::exchange(is_busy_, true)) return;
    session_.shard_.flush_later(*this);
}

void session_queue::flush(bool invoke) noexcept {
    if (!session_.is_open()) return free();
    if (invoke) return go_on();
    is_busy_ = false;  // the loop ends, and nothing is sent any more
    session_.close(connection_end::cut);
}

// Pre: nothing is under way.
void session_queue::go_on() noexcept {
    if (sent_ == sending_.size) {
        sent_ = 0;
        sending_.size = 0;
        std::swap(filling_, sending_);
    }
    send();
}

void session_queue::send() noexcept {
    part_ = {sending_.data + sent_, sending_.size - sent_};
    flags = 0;
    address = nullptr;
    many = false;
    session_.begin_writing();
    socket = session_.attached_;
    session_.loop().start(*this);
}

void session_queue::on_sent(operation& op, const completion& c) {
    const int result = c.result;
    auto& self = static_cast<session_queue&>(op);
    session& s = self.session_;
    s.end_writing();
    if (!s.is_open()) return self.free();
    if (result < 0) {
        s.close(connection_end::aborted);
        return self.free();
    }
    self.sent_ += static_cast<std::size_t>(result);
    s.note_sent(static_cast<std::size_t>(result));
    const server_shard& shard = s.shard_;
    const std::size_t left = self.queued();
    if (left <= shard.core.options.low_watermark) {
        const bool was_above = std::exchange(self.is_above_high_, false);
        complete_all(s.loop(), self.low_waits, false);
        if (was_above && shard.core.hooks.drained != nullptr) shard.core.hooks.drained(shard.core.handler.get(), s);
        if (was_above && s.reader_ != nullptr) s.reader_->go_on();
        if (!s.is_open()) return self.free();
    }
    if (self.queued() != 0) return self.go_on();
    complete_all(s.loop(), self.empty_waits, false);
    s.queue_ = nullptr;
    const session_reference kept(s);
    const bool closes = s.closes_when_drained_;
    self.free();
    if (closes) s.close(connection_end::finished);
}

void session_queue::on_destroy(operation& op) noexcept {
    auto& self = static_cast<session_queue&>(op);
    self.is_busy_ = false;
    session& s = self.session_;
    if (s.is_open()) return s.close(connection_end::cut);
    self.free();
}

void session_queue::abandon() noexcept {
    complete_all(session_.loop(), low_waits, true);
    complete_all(session_.loop(), empty_waits, true);
    if (!is_busy_) free();
}

void session_queue::complete_all(event_loop& loop, timer_list& waits, bool are_cancelled) noexcept {
    while (timer_node* const wait = waits.first.load(std::memory_order_relaxed)) {
        wait->leave();
        if (!loop.remove(*wait)) continue;
        wait->is_cancelled = are_cancelled;
        loop.post(*wait);
    }
}

}  // namespace berth::detail
