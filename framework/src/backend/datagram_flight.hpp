// A send of a datagram_queue that is under way, with one datagram or a run of them, and all that it carries.
//
// Hundreds with a single datagram each may be under way at a time, and the kernel's work in between drives them out
// of the cache: so such a flight is small, and what only a run needs is elsewhere. Belongs to the loop's thread.
#pragma once

#include <berth/detail/datagram_control.hpp>
#include <berth/detail/datagram_queue.hpp>

#include "backend/backend.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace berth::detail {

inline constexpr std::uint32_t most_joined = 32;    // datagrams of a call; the system takes 64
inline constexpr std::size_t most_bytes = 65'000;   // of a call, below the largest datagram
inline constexpr std::size_t largest_address = 28;  // bytes: IPv6
inline constexpr std::size_t small_address = 16;    // bytes: IPv4

/// What the flights of a queue share with it; goes when the queue and all that was under way have gone.
struct datagram_flights {
    event_loop& loop;
    ready_node* idle = nullptr;  // flights that were used before
    std::uint32_t under_way = 0;
    std::uint16_t largest_segment;  // bytes; larger datagrams are not joined, the system refuses it
    bool has_queue = true;
    datagram_queue::counts totals{};

    void tell(int result, std::uint32_t datagrams) noexcept {
        ++totals.calls;
        if (result >= 0) {
            totals.sent += datagrams;
        } else {
            totals.failed += datagrams;
            totals.last_error = -result;
        }
    }
    datagram_flight* take_idle() noexcept;
    void free_if_done() noexcept;
};

/// Whom a datagram's bytes belong to until it is sent.
struct held_bytes {
    void* memory;      // of a lent buffer, or of the loop's
    std::size_t room;  // bytes of the loop's; 0: it is lent
    std::uint32_t lent_id;
};

/// What the datagrams of a run need beyond what one does.
struct datagram_run {
    std::uint32_t count = 1;
    std::uint32_t alone = 0;  // the one that is under way by itself
    bool is_alone = false;
    bool is_full = false;
    buffer_part pieces[most_joined];
    held_bytes holds[most_joined];
    alignas(8) unsigned char control_bytes[control_room];
};

/// What a flight of one datagram is beyond the call: it fills one line of the cache in front of the call's own.
struct flight_head {
    explicit flight_head(datagram_flights& s) noexcept : shared(s) {}

    datagram_flights& shared;
    datagram_run* joined = nullptr;  // kept once it was needed; it has a say while its count is above one
    buffer_part first{};
    std::uint32_t lent_id = 0;
    unsigned char to_address[largest_address];
};

/// The datagrams of one call, and the call. Hundreds with a single datagram each are under way at a time.
struct datagram_flight final : flight_head, message_operation {
    static constexpr std::uint32_t is_copied = ~0U;  // as lent_id

    explicit datagram_flight(datagram_flights& s) noexcept : flight_head(s) {
        what = verb::send;
        kind = &sending;
    }

    static void on_result(operation& op, const completion& c) { static_cast<datagram_flight&>(op).ended(c.result); }
    static void on_destroy(operation& op) noexcept {
        auto& self = static_cast<datagram_flight&>(op);
        datagram_flights& shared = self.shared;
        self.release();
        self.free();
        --shared.under_way;
        shared.free_if_done();
    }
    static constexpr operation_kind sending{on_result, on_destroy};

    void begin(attachment& s, const void* to, std::size_t to_size) noexcept {
        socket = &s;
        address_size = static_cast<std::uint32_t>(std::min(to_size, largest_address));
        if (address_size == small_address)
            std::memcpy(to_address, to, small_address);  // no call
        else
            std::memcpy(to_address, to, address_size);
        if (joined != nullptr) joined->count = 1;
    }

    [[nodiscard]] bool is_run() const noexcept { return joined != nullptr && joined->count > 1; }
    [[nodiscard]] bool is_full() const noexcept { return is_run() ? joined->is_full : first.size == 0; }
    [[nodiscard]] bool can_be_joined() const noexcept { return first.size <= shared.largest_segment; }
    [[nodiscard]] bool goes_to(const attachment& s, const void* to, std::size_t to_size) const noexcept {
        return socket == &s && to_size == address_size && std::memcmp(to, to_address, to_size) == 0;
    }
    [[nodiscard]] bool has_room_for(std::size_t length) const noexcept {
        const std::size_t count = is_run() ? joined->count : 1;
        return !is_full() && length != 0 && length <= first.size && can_be_joined() &&
               first.size * count + length <= most_bytes;
    }

    void put_first(void* data, std::size_t length, const held_bytes& h) noexcept {
        first = {data, length};
        lent_id = h.room == 0 ? h.lent_id : is_copied;
    }
    /// Before the second is added. Throws std::bad_alloc.
    void make_room() {
        if (joined == nullptr) joined = new (shared.loop.allocate(sizeof(datagram_run))) datagram_run;
    }
    void add(void* data, std::size_t length, const held_bytes& h) noexcept {
        if (joined->count == 1) {
            joined->pieces[0] = first;
            joined->holds[0] = hold_of_first();
            joined->is_alone = false;
        }
        joined->pieces[joined->count] = {data, length};
        joined->holds[joined->count] = h;
        ++joined->count;
        joined->is_full = joined->count == most_joined || length < first.size;
    }

    void start_all() noexcept {
        if (!is_run()) return start({&first, 1}, 0);
        const auto each = static_cast<std::uint16_t>(first.size);
        start({joined->pieces, joined->count}, write_segment_size(joined->control_bytes, each));
    }

    // The system does not cut: one after the other.
    void start_one() noexcept { start({&joined->pieces[joined->alone], 1}, 0); }

    void start(std::span<const buffer_part> what_parts, std::uint32_t size_of_control) noexcept {
        parts = what_parts.data();
        part_count = static_cast<std::uint32_t>(what_parts.size());
        flags = 0;
        address = to_address;
        control = size_of_control == 0 ? nullptr : joined->control_bytes;
        control_size = size_of_control;
        shared.loop.start(*this);
    }

    void ended(int result) noexcept {
        if (is_run() && goes_on(result)) return;
        if (!is_run()) shared.tell(result, 1);
        release();
        --shared.under_way;
        next_ready = std::exchange(shared.idle, this);
        if (!shared.has_queue) shared.free_if_done();
    }

    // Of a run: true if more of it is under way.
    bool goes_on(int result) noexcept {
        const bool were_together = control_size != 0;
        if (were_together && result < 0 && refuses_segments(-result)) {
            shared.largest_segment = std::min(shared.largest_segment, static_cast<std::uint16_t>(first.size - 1));
            joined->alone = 0;
            joined->is_alone = true;
            start_one();
            return true;
        }
        shared.tell(result, joined->is_alone ? 1 : joined->count);
        if (!joined->is_alone || ++joined->alone == joined->count || result == aborted_result()) return false;
        start_one();
        return true;
    }

    [[nodiscard]] held_bytes hold_of_first() const noexcept {
        return {first.data, lent_id == is_copied ? std::max<std::size_t>(first.size, 1) : 0, lent_id};
    }
    void release() noexcept {
        if (!is_run()) return release(hold_of_first());
        for (std::uint32_t i = 0; i < joined->count; ++i) release(joined->holds[i]);
    }
    void release(const held_bytes& h) noexcept {
        h.room == 0 ? shared.loop.return_buffer(h.lent_id, h.memory) : shared.loop.deallocate(h.memory, h.room);
    }
    void free() noexcept {
        event_loop& home = shared.loop;
        if (joined != nullptr) home.deallocate(joined, sizeof(datagram_run));
        this->~datagram_flight();
        home.deallocate(this, room);
    }

    static constexpr std::size_t room = 256;  // bytes; a power of two, so that lines of the cache are not shared
};
static_assert(sizeof(datagram_flight) <= datagram_flight::room);

inline datagram_flight* datagram_flights::take_idle() noexcept {
    auto* const taken = static_cast<datagram_flight*>(std::exchange(idle, idle->next_ready));
    if (idle != nullptr) __builtin_prefetch(idle, 1);
    return taken;
}

inline void datagram_flights::free_if_done() noexcept {
    if (has_queue || under_way != 0) return;
    while (idle != nullptr) take_idle()->free();
    loop.deallocate(this, sizeof *this);
}

}  // namespace berth::detail
