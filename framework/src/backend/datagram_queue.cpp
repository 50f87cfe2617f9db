// See include/berth/detail/datagram_queue.hpp.
#include <berth/detail/datagram_queue.hpp>

#include <berth/detail/datagram_control.hpp>

#include "backend/backend.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace berth::detail {
namespace {

constexpr std::uint32_t most_datagrams = 32;   // of a call; the system takes 64
constexpr std::size_t most_bytes = 65'000;     // of a call, below the largest datagram
constexpr std::size_t largest_address = 28;    // bytes: IPv6

}  // namespace

/// The datagrams of one call, and the call.
struct datagram_flight final : message_operation {
    struct held {
        void* memory;       // of a lent buffer, or of the loop's
        std::size_t room;   // bytes of the loop's; 0: it is lent
        std::uint32_t lent_id;
    };

    explicit datagram_flight(event_loop& l) noexcept : loop(l) {
        what = verb::send;
        kind = &sending;
    }

    static void on_result(operation& op, const completion& c) { static_cast<datagram_flight&>(op).ended(c.result); }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<datagram_flight&>(op);
        self.leave_queue();
        self.release();
        self.free();
    }
    static constexpr operation_kind sending{on_result, on_destroy};

    void begin(attachment& s, const void* to, std::size_t to_size) noexcept {
        socket = &s;
        size_of_address = static_cast<std::uint32_t>(std::min(to_size, largest_address));
        std::memcpy(to_address, to, size_of_address);
        count = 0;
        total = 0;
        is_full = false;
    }

    [[nodiscard]] bool has_room_for(const attachment& s, const void* to, std::size_t to_size, std::size_t length,
                                    std::size_t largest) const noexcept {
        return !is_full && socket == &s && length != 0 && length <= pieces[0].size && pieces[0].size <= largest &&
               total + length <= most_bytes && to_size == size_of_address &&
               std::memcmp(to, to_address, to_size) == 0;
    }

    void add(void* data, std::size_t length, const held& h) noexcept {
        is_full = count + 1 == most_datagrams || length == 0 || (count != 0 && length < pieces[0].size);
        pieces[count] = {data, length};
        hold_of(count) = h;
        ++count;
        total += length;
    }

    void start_all() noexcept {
        parts = pieces;
        part_count = count;
        start(count > 1 ? write_segment_size(control_bytes, static_cast<std::uint16_t>(pieces[0].size)) : 0);
    }

    // The system does not cut: one after the other.
    void start_one() noexcept {
        parts = &pieces[alone];
        part_count = 1;
        start(0);
    }

    void start(std::uint32_t size_of_control) noexcept {
        flags = 0;
        address = to_address;
        address_size = size_of_address;
        control = size_of_control == 0 ? nullptr : control_bytes;
        control_size = size_of_control;
        loop.start(*this);
    }

    void ended(int result) noexcept {
        const bool were_together = control_size != 0;
        if (were_together && result < 0 && refuses_segments(-result)) {
            if (queue != nullptr)
                queue->largest_segment_ =
                    std::min(queue->largest_segment_, static_cast<std::uint16_t>(pieces[0].size - 1));
            alone = 0;
            is_alone = true;
            return start_one();
        }
        if (queue != nullptr) tell(result, is_alone ? 1 : count);
        if (is_alone && ++alone < count && result != aborted_result()) return start_one();
        is_alone = false;
        release();
        leave_queue();
        if (queue == nullptr) return free();
        next_idle = std::exchange(queue->idle_, this);
        queue = nullptr;
    }

    void tell(int result, std::uint32_t datagrams) const noexcept {
        auto& totals = queue->totals_;
        ++totals.calls;
        if (result >= 0) {
            totals.sent += datagrams;
        } else {
            totals.failed += datagrams;
            totals.last_error = -result;
        }
    }

    void enter_queue(datagram_queue& q) noexcept {
        queue = &q;
        before = nullptr;
        behind = q.under_way_;
        if (behind != nullptr) behind->before = this;
        q.under_way_ = this;
    }
    void leave_queue() noexcept {
        if (queue == nullptr) return;
        (before == nullptr ? queue->under_way_ : before->behind) = behind;
        if (behind != nullptr) behind->before = before;
    }

    void release() noexcept {
        for (std::uint32_t i = 0; i < count; ++i) {
            const held& h = hold_of(i);
            h.room == 0 ? loop.return_buffer(h.lent_id, h.memory) : loop.deallocate(h.memory, h.room);
        }
        count = 0;
    }
    void free() noexcept {
        event_loop& home = loop;
        this->~datagram_flight();
        home.deallocate(this, sizeof(datagram_flight));
    }

    held& hold_of(std::uint32_t i) noexcept { return i == 0 ? first_hold : other_holds[i - 1]; }

    // What a single datagram needs is together: with hundreds under way each line of the cache counts.
    event_loop& loop;
    datagram_queue* queue = nullptr;  // nullptr: it is gone, or this one is not under way
    datagram_flight* next_idle = nullptr;
    datagram_flight* before = nullptr;
    datagram_flight* behind = nullptr;
    std::size_t total = 0;  // bytes
    std::uint32_t count = 0;
    std::uint32_t alone = 0;
    bool is_alone = false;
    bool is_full = false;
    std::uint32_t size_of_address = 0;
    held first_hold{};
    alignas(8) unsigned char to_address[largest_address];
    buffer_part pieces[most_datagrams];
    held other_holds[most_datagrams - 1];
    alignas(8) unsigned char control_bytes[control_room];
};

datagram_queue::~datagram_queue() {
    flush();
    if (gathering_ != nullptr) loop_->let_go(*gathering_->socket), gathering_->free();  // memory ran out
    if (end_of_turn_ != nullptr) end_of_turn_->queue = nullptr;
    for (auto* f = under_way_; f != nullptr; f = f->behind) f->queue = nullptr;
    while (idle_ != nullptr) std::exchange(idle_, idle_->next_idle)->free();
}

void datagram_queue::send(attachment& socket, lent_buffer payload, const void* address, std::size_t size) {
    auto& flight = flight_for(socket, address, size, payload.size());
    const auto lent = payload.pass_on();
    flight.add(lent.data, lent.size, {lent.data, 0, lent.id});
    gather(flight);
}

void datagram_queue::copy(attachment& socket, const void* data, std::size_t length, const void* address,
                          std::size_t size) {
    auto& flight = flight_for(socket, address, size, length);
    const std::size_t room = std::max<std::size_t>(length, 1);
    void* const memory = loop_->allocate(room);
    if (length != 0) std::memcpy(memory, data, length);
    flight.add(memory, length, {memory, room, 0});
    gather(flight);
}

datagram_flight& datagram_queue::flight_for(attachment& socket, const void* address, std::size_t size,
                                            std::size_t length) {
    if (gathering_ != nullptr && gathering_->count != 0) {
        if (gathering_->has_room_for(socket, address, size, length, largest_segment_)) return *gathering_;
        flush();
    }
    if (gathering_ != nullptr) {
        loop_->let_go(*gathering_->socket);
    } else {
        gathering_ = idle_ != nullptr ? std::exchange(idle_, idle_->next_idle)
                                      : new (loop_->allocate(sizeof(datagram_flight))) datagram_flight(*loop_);
    }
    loop_->hold(socket);
    gathering_->begin(socket, address, size);
    return *gathering_;
}

// It is sent at once when nothing can join it, else at the end of the turn.
void datagram_queue::gather(datagram_flight& flight) {
    if (flight.is_full || flight.pieces[0].size > largest_segment_) return flush();
    if (end_of_turn_ != nullptr) return;
    end_of_turn_ = new (loop_->allocate(sizeof(turn_end))) turn_end;
    end_of_turn_->queue = this;
    end_of_turn_->loop = loop_;
    end_of_turn_->run = [](ready_node& node, bool invoke) {
        auto& end = static_cast<turn_end&>(node);
        datagram_queue* const queue = end.queue;
        end.loop->was_no_handler();
        if (queue != nullptr) queue->end_of_turn_ = nullptr;
        end.loop->deallocate(&end, sizeof(turn_end));
        if (invoke && queue != nullptr) queue->flush();
    };
    loop_->post_last(*end_of_turn_);
}

void datagram_queue::flush() noexcept {
    if (gathering_ == nullptr || gathering_->count == 0) return;
    auto& flight = *std::exchange(gathering_, nullptr);
    flight.enter_queue(*this);
    flight.start_all();
    loop_->let_go(*flight.socket);
}

}  // namespace berth::detail
