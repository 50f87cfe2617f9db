// See include/berth/detail/write_queue.hpp.
//
// One send is under way at a time; what is written meanwhile goes together into the next one. A chunk is bytes in one
// piece, in a lent buffer or in memory of the loop's; it goes when the system has taken all of it. One that is alone,
// as most are, is sent from its own description; more need a row of parts.
#include <berth/detail/write_queue.hpp>

#include "backend/backend.hpp"
#include "platform/message_flags.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace berth::detail {

struct write_flight final : message_operation {
    static constexpr std::uint32_t most_parts = 16;

    struct chunk {
        chunk* next;
        buffer_part bytes;  // those that are not sent
        void* memory;      // of a lent buffer, its beginning; nullptr: the bytes are behind this chunk
        std::size_t room;  // bytes allocated, with the chunk itself
        std::uint32_t lent_id;
    };

    write_flight(event_loop& l, write_queue* o, attachment& s) noexcept : loop(l), queue(o) {
        what = verb::send;
        socket = &s;
        kind = &sending;
    }

    static void on_result(operation& op, const completion& c) { static_cast<write_flight&>(op).sent(c.result); }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<write_flight&>(op);
        while (operation* const waiter = self.pop_waiter()) waiter->kind->destroy(*waiter);
        self.finish(0);
    }
    static constexpr operation_kind sending{on_result, on_destroy};

    void append(chunk& c) noexcept {
        c.next = nullptr;
        (last == nullptr ? first : last->next) = &c;
        last = &c;
        pending += c.bytes.size;
        if (!is_under_way) begin();
    }

    void begin() noexcept {
        parts = &first->bytes;
        part_count = 1;
        if (first->next != nullptr && (row != nullptr || make_row())) {
            part_count = 0;
            for (chunk* c = first; c != nullptr && part_count < most_parts; c = c->next) row[part_count++] = c->bytes;
            parts = row;
        }
        flags = send_all_of_it;
        is_under_way = true;
        loop.start(*this);
    }

    // Without the memory for it they go one by one.
    bool make_row() noexcept {
        try {
            row = static_cast<buffer_part*>(loop.allocate(most_parts * sizeof(buffer_part)));
        } catch (const std::bad_alloc&) {
        }
        return row != nullptr;
    }

    void sent(int result) noexcept {
        is_under_way = false;
        if (result < 0) return fail(-result);
        auto left = static_cast<std::size_t>(result);
        pending -= left;
        while (first != nullptr && left >= first->bytes.size) {
            left -= first->bytes.size;
            drop_first();
        }
        if (first != nullptr) {
            first->bytes.data = static_cast<char*>(first->bytes.data) + left;
            first->bytes.size -= left;
            begin();
        }
        tell_waiters();
        if (first == nullptr) finish(0);
    }

    void fail(int error) noexcept {
        while (operation* const waiter = pop_waiter()) end_later(*waiter, -error);
        finish(error);
    }

    void tell_waiters() noexcept {
        for (ready_node** link = &waiters; *link != nullptr;) {
            auto& waiter = static_cast<flush_waiter&>(**link);
            if (pending > waiter.below) {
                link = &waiter.next_ready;
                continue;
            }
            *link = waiter.next_ready;
            end_later(waiter, 0);
        }
    }

    operation* pop_waiter() noexcept {
        auto* const waiter = static_cast<operation*>(waiters);
        if (waiter != nullptr) waiters = waiter->next_ready;
        return waiter;
    }

    // A waiter counts as work as long as it waits, and while it is on its way.
    void end_later(operation& waiter, int result) noexcept {
        loop.end_later(waiter, result);
        loop.work_finished();
    }

    void drop_first() noexcept {
        chunk* const c = std::exchange(first, first->next);
        if (first == nullptr) last = nullptr;
        if (c->memory != nullptr) loop.return_buffer(c->lent_id, c->memory);
        loop.deallocate(c, c->room);
    }

    void finish(int error) noexcept {
        while (first != nullptr) drop_first();
        if (row != nullptr) loop.deallocate(row, most_parts * sizeof(buffer_part));
        if (queue != nullptr) {
            queue->flight_ = nullptr;
            if (error != 0) queue->error_ = error;
        }
        event_loop& home = loop;
        this->~write_flight();
        home.deallocate(this, sizeof(write_flight));
    }

    event_loop& loop;
    write_queue* queue;  // nullptr: it is gone
    chunk* first = nullptr;
    chunk* last = nullptr;
    std::size_t pending = 0;
    ready_node* waiters = nullptr;
    bool is_under_way = false;
    buffer_part* row = nullptr;  // room for several parts, once there were several
};

write_queue::~write_queue() {
    if (flight_ == nullptr) return;
    flight_->queue = nullptr;
    if (!flight_->is_under_way) flight_->finish(0);  // memory ran out before there was anything to send
}

write_flight& write_queue::flight_on(attachment& socket) {
    event_loop& loop = *socket.home->loop;
    if (flight_ == nullptr) flight_ = new (loop.allocate(sizeof(write_flight))) write_flight(loop, this, socket);
    return *flight_;
}

void write_queue::write(attachment& socket, lent_buffer bytes) {
    if (error_ != 0 || bytes.empty()) return;
    write_flight& flight = flight_on(socket);
    auto* const c = static_cast<write_flight::chunk*>(flight.loop.allocate(sizeof(write_flight::chunk)));
    const auto lent = bytes.pass_on();
    *c = {nullptr, {lent.data, lent.size}, lent.data, sizeof(write_flight::chunk), lent.id};
    flight.append(*c);
}

void write_queue::copy(attachment& socket, const void* data, std::size_t size) {
    if (error_ != 0 || size == 0) return;
    write_flight& flight = flight_on(socket);
    const std::size_t room = sizeof(write_flight::chunk) + size;
    auto* const c = static_cast<write_flight::chunk*>(flight.loop.allocate(room));
    char* const bytes = reinterpret_cast<char*>(c + 1);
    std::memcpy(bytes, data, size);
    *c = {nullptr, {bytes, size}, nullptr, room, 0};
    flight.append(*c);
}

std::size_t write_queue::pending() const noexcept { return flight_ == nullptr ? 0 : flight_->pending; }

void write_queue::wait_until_below(event_loop& loop, flush_waiter& waiter) noexcept {
    if (flight_ == nullptr || flight_->pending <= waiter.below) return loop.end_later(waiter, -error_);
    loop.work_started();
    ready_node** link = &flight_->waiters;
    while (*link != nullptr) link = &(*link)->next_ready;
    waiter.next_ready = nullptr;
    *link = &waiter;
}

bool write_queue::leave(operation& waiter) noexcept {
    if (flight_ == nullptr) return false;
    for (ready_node** link = &flight_->waiters; *link != nullptr; link = &(*link)->next_ready) {
        if (*link != &waiter) continue;
        *link = waiter.next_ready;
        flight_->end_later(waiter, aborted_result());
        return true;
    }
    return false;
}

}  // namespace berth::detail
