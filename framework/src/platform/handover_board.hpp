// What becomes of each port of a lane that changes hands, in memory that both processes see.
//
// The predecessor writes what a port is when it lets go of the reservation, and `returned` whenever a worker of its
// own gives one back later; the successor reads. Nothing is sent for it, so nothing can pile up unread. Neither side
// can make the memory smaller. Values that are none count as `unknown`.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace berth::platform {

enum class port_fate : std::uint8_t {
    unknown,    // nothing was said: the predecessor did not come so far
    available,  // parked
    cooling,    // parked, and rests for nanoseconds more
    condemned,  // its session socket must be replaced
    out,        // open with a worker of the predecessor's
    away,       // what an earlier owner still has, and the predecessor had not
    returned,   // was out; the predecessor has no descriptor of it any more
};

class handover_board {
public:
    static std::shared_ptr<handover_board> make(std::uint32_t count, failure& f);
    /// One that came from another process; the descriptor is the board's if it succeeds. nullptr: it is none.
    static std::shared_ptr<handover_board> open(native_socket memory, std::uint32_t count);
    ~handover_board();
    handover_board(const handover_board&) = delete;
    handover_board& operator=(const handover_board&) = delete;

    void say(std::uint32_t index, port_fate fate, std::uint64_t nanoseconds = 0) noexcept {
        std::atomic_ref(rests()[index]).store(nanoseconds, std::memory_order_relaxed);
        std::atomic_ref(fates()[index]).store(static_cast<std::uint8_t>(fate), std::memory_order_release);
    }
    [[nodiscard]] port_fate fate(std::uint32_t index) const noexcept {
        const auto value = std::atomic_ref(fates()[index]).load(std::memory_order_acquire);
        return value <= static_cast<std::uint8_t>(port_fate::returned) ? static_cast<port_fate>(value)
                                                                       : port_fate::unknown;
    }
    /// Of a port that cools.
    [[nodiscard]] std::uint64_t rest(std::uint32_t index) const noexcept {
        return std::atomic_ref(rests()[index]).load(std::memory_order_relaxed);
    }
    /// Of a port that is out: not with the worker that was served by name.
    void say_another(std::uint32_t index) noexcept {
        std::atomic_ref(rests()[index]).store(1, std::memory_order_release);
    }
    [[nodiscard]] bool is_another(std::uint32_t index) const noexcept {
        return fate(index) == port_fate::out && rest(index) != 0;
    }
    [[nodiscard]] native_socket memory() const noexcept { return memory_; }

private:
    handover_board(void* cells, std::uint32_t count) noexcept : cells_(cells), count_(count) {}
    static std::shared_ptr<handover_board> map(native_socket memory, std::uint32_t count);
    static std::size_t size_of(std::uint32_t count) noexcept { return std::size_t{count} * 9; }
    [[nodiscard]] std::uint64_t* rests() const noexcept { return static_cast<std::uint64_t*>(cells_); }
    [[nodiscard]] std::uint8_t* fates() const noexcept { return reinterpret_cast<std::uint8_t*>(rests() + count_); }

    native_socket memory_ = -1;
    void* cells_;
    std::uint32_t count_;
};

}  // namespace berth::platform
