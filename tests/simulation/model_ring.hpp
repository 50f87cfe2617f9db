// An io_uring without a kernel, under the library's own engine: liburing's entries and the engine's system calls.
//
// The engine (framework/src/backend/uring) is as it is; the linker puts this in the place of what it calls. The model
// keeps what io_uring promises and no more: results come in any order, late, short, failing; submissions are taken in
// part or not at all; many results end at any time (no IORING_CQE_F_MORE); buffers and room for results run out; a
// cancel finds what it looks for, or comes too late, or finds it at work. What the engine does wrong is a complaint.
// Sources: model_ring.cpp (queues, time, cancels), model_ring_work.cpp (what an entry does), model_ring_calls.cpp.
#pragma once

#include "simulation/model_backend.hpp"

#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace berth::simulation {

enum class ring_mark : std::uint8_t {
    plain_ring,
    deferred_ring,
    taken_in_part,
    refused_entry,
    refused_enter,
    no_more,
    overflown,
    cancel_by_entry,
    cancel_at_once,
    cancel_was_late,
    cancel_at_work,
    cancel_missed,
    interrupted,
    by_poll,
    marks
};
std::span<const char* const> ring_marks() noexcept;
void count_of_ring(ring_mark which) noexcept;
/// Since the last call.
std::array<std::uint64_t, static_cast<std::size_t>(ring_mark::marks)> take_ring_counts() noexcept;

/// An eventfd.
struct model_event {
    std::uint64_t count = 0;
    std::uint64_t writes = 0;
};
model_event* event_at(int fd) noexcept;
int make_event();
bool end_event(int fd) noexcept;
std::size_t events_left() noexcept;

class model_ring {
public:
    using clock = std::chrono::steady_clock;
    static constexpr int first_descriptor = 700'000;

    model_ring(::io_uring& user, unsigned entries, const ::io_uring_params& asked, int descriptor);
    model_ring(const model_ring&) = delete;
    model_ring& operator=(const model_ring&) = delete;
    /// What went wrong in it is told.
    void exit() noexcept;

    static model_ring* at(int descriptor) noexcept;
    static model_ring* of(const ::io_uring& user) noexcept;
    static std::vector<std::unique_ptr<model_ring>>& all() noexcept;
    /// Of the loop that was made last.
    static detail::backend& engine() noexcept;
    static model_chances& chances() noexcept;

    int enter(unsigned submitted, unsigned least, unsigned flags, const __kernel_timespec* timeout) noexcept;
    int cancel_now(std::uint64_t user_data) noexcept;
    int offer_buffers(const ::io_uring_buf_reg& offer) noexcept;
    void enable() noexcept { is_enabled_ = true; }
    /// From now on an entry of another operation, or with another flag, is a complaint. -EBADFD: it is enabled already.
    int restrict_to(std::span<const io_uring_restriction> allowed);
    void report_to(int event) noexcept { bell_ = event; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    struct request {
        ::io_uring_sqe e{};
        clock::time_point ready_at{};
        std::uint64_t inode = 0;
        std::uint64_t seen = 0;    // writes of an eventfd
        std::uint32_t done = 0;    // bytes, of one that wants all
        std::uint32_t passes = 0;  // turns in which a cancelled one is still at work
        bool is_cancelled = false;
    };
    struct result {
        std::uint64_t user_data;
        int result;
        unsigned flags;
    };
    enum class verdict : std::uint8_t { not_yet, goes_on, ended };

    // model_ring.cpp
    void issue(const ::io_uring_sqe& e) noexcept;
    void cancel(const ::io_uring_sqe& e) noexcept;
    bool work() noexcept;
    bool flush() noexcept;
    void post(std::uint64_t user_data, int outcome, unsigned flags) noexcept;
    [[nodiscard]] unsigned ready() const noexcept { return cq_tail_ - cq_head_; }
    [[nodiscard]] clock::time_point next_event() const noexcept;
    void show_flags() noexcept;
    void complain(const char* what) const noexcept { chances().complain(what); }

    // model_ring_work.cpp
    verdict carry_out(request& r) noexcept;
    verdict end(request& r, int outcome, unsigned flags = 0) noexcept;
    verdict bring(request& r, int outcome, unsigned flags = 0) noexcept;
    verdict poll(request& r) noexcept;
    verdict receive(request& r, model_socket& s) noexcept;
    verdict receive_many(request& r, model_socket& s) noexcept;
    verdict send(request& r, model_socket& s) noexcept;
    verdict accept(request& r, model_socket& s) noexcept;
    verdict connect(request& r, model_socket& s) noexcept;
    bool choose_buffer(std::uint16_t& id, std::byte*& memory, std::uint32_t& size) noexcept;

    ::io_uring& user_;
    const int descriptor_;
    const bool is_deferred_;
    bool is_enabled_, is_interrupted_ = false;
    std::optional<std::set<unsigned>> operations_;  // which it may do; nothing: all
    unsigned flags_ = ~0u;                          // of entries
    std::unique_ptr<std::byte[]> memory_;
    ::io_uring_sqe* entries_ = nullptr;
    ::io_uring_cqe* results_ = nullptr;
    unsigned sq_head_ = 0, sq_tail_ = 0, sq_mask_ = 0, sq_count_ = 0, sq_flags_ = 0, sq_dropped_ = 0;
    unsigned cq_head_ = 0, cq_tail_ = 0, cq_mask_ = 0, cq_count_ = 0, cq_flags_ = 0, cq_overflow_ = 0;
    std::deque<result> overflow_;
    std::list<request> pending_;
    std::map<std::pair<int, unsigned>, clock::time_point> last_delay_;  // by descriptor and what is done with it
    ::io_uring_buf_ring* buffers_ = nullptr;
    std::uint16_t buffer_head_ = 0;
    std::vector<bool> is_lent_;
    int bell_ = -1;
};

/// What the two ways to receive and to send, by entry and by system call, do to the model network. -EAGAIN: not now.
int receive_datagram(model_socket& s, ::msghdr& m) noexcept;
int send_datagram(const ::msghdr& m) noexcept;
std::size_t size_of(const ::msghdr& m) noexcept;

}  // namespace berth::simulation
