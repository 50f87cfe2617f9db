// The queues of the model ring: submission, results, time, cancels.
#include "simulation/model_ring.hpp"

#include "simulation/virtual_clock.hpp"

#include "backend/loop_parts.hpp"
#include "backend/uring/uring_backend.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace berth::simulation {

model_ring::model_ring(::io_uring& user, unsigned entries, const ::io_uring_params& asked, int descriptor)
    : user_(user),
      descriptor_(descriptor),
      is_deferred_((asked.flags & IORING_SETUP_DEFER_TASKRUN) != 0),
      is_enabled_((asked.flags & IORING_SETUP_R_DISABLED) == 0) {
    sq_count_ = std::bit_ceil(entries);
    cq_count_ = std::bit_ceil(std::max(asked.cq_entries, sq_count_));
    sq_mask_ = sq_count_ - 1, cq_mask_ = cq_count_ - 1;
    memory_ = std::make_unique<std::byte[]>(sq_count_ * sizeof(::io_uring_sqe) + cq_count_ * sizeof(::io_uring_cqe));
    entries_ = reinterpret_cast<::io_uring_sqe*>(memory_.get());
    results_ = reinterpret_cast<::io_uring_cqe*>(memory_.get() + sq_count_ * sizeof(::io_uring_sqe));
    user = {};
    user.ring_fd = user.enter_ring_fd = descriptor;
    user.flags = asked.flags;
    user.features = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG |
                    IORING_FEAT_CQE_SKIP;
    user.sq.khead = &sq_head_, user.sq.ktail = &sq_tail_, user.sq.kflags = &sq_flags_,
    user.sq.kdropped = &sq_dropped_;
    user.sq.kring_mask = &sq_mask_, user.sq.kring_entries = &sq_count_, user.sq.sqes = entries_;
    user.sq.ring_mask = sq_mask_, user.sq.ring_entries = sq_count_;
    user.cq.khead = &cq_head_, user.cq.ktail = &cq_tail_, user.cq.kflags = &cq_flags_;
    user.cq.koverflow = &cq_overflow_, user.cq.cqes = results_;
    user.cq.kring_mask = &cq_mask_, user.cq.kring_entries = &cq_count_;
    user.cq.ring_mask = cq_mask_, user.cq.ring_entries = cq_count_;
    count_of_ring(is_deferred_ ? ring_mark::deferred_ring : ring_mark::plain_ring);
}

void model_ring::exit() noexcept {
    for (const auto& r : pending_) {
        if (detail::tag::is_operation(r.e.user_data)) complain("ring: it goes, and the kernel is at work on an operation");
    }
    auto lent = std::count(is_lent_.begin(), is_lent_.end(), true);
    if (buffers_ != nullptr) {  // what was given back and not chosen since
        for (std::uint16_t i = buffer_head_; i != buffers_->tail; ++i) {
            lent -= is_lent_[reinterpret_cast<::io_uring_buf*>(buffers_)[i & (is_lent_.size() - 1)].bid] ? 1 : 0;
        }
    }
    for (const auto& r : overflow_) lent -= (r.flags & IORING_CQE_F_BUFFER) != 0;
    if (lent != 0) complain("backend: a lent buffer never came back");
    std::erase_if(all(), [&](const auto& r) { return r.get() == this; });
}

int model_ring::offer_buffers(const ::io_uring_buf_reg& offer) noexcept {
    buffers_ = reinterpret_cast<::io_uring_buf_ring*>(static_cast<std::uintptr_t>(offer.ring_addr));
    is_lent_.assign(offer.ring_entries, false);
    buffer_head_ = 0;
    return 0;
}

// A result that does not fit waits in the kernel, and whatever comes later behind it.
void model_ring::post(std::uint64_t user_data, int outcome, unsigned flags) noexcept {
    if (auto* const bell = event_at(bell_)) ++bell->count, ++bell->writes;
    if (ready() == cq_count_ || !overflow_.empty()) {
        count_of_ring(ring_mark::overflown);
        overflow_.push_back({user_data, outcome, flags});
        return;
    }
    ::io_uring_cqe& c = results_[cq_tail_ & cq_mask_];
    c.user_data = user_data, c.res = outcome, c.flags = flags;
    ++cq_tail_;
}

bool model_ring::flush() noexcept {
    bool any = false;
    while (!overflow_.empty() && ready() != cq_count_) {
        const result r = overflow_.front();
        overflow_.pop_front();
        std::deque<result> later;
        later.swap(overflow_);
        post(r.user_data, r.result, r.flags);
        overflow_.swap(later);
        any = true;
    }
    return any;
}

void model_ring::show_flags() noexcept {
    const bool has_work = std::any_of(pending_.begin(), pending_.end(), [](const auto& r) {
        return detail::tag::is_operation(r.e.user_data) || event_at(r.e.fd) == nullptr || event_at(r.e.fd)->writes != r.seen;
    });
    sq_flags_ = (overflow_.empty() ? 0U : IORING_SQ_CQ_OVERFLOW) | (has_work ? IORING_SQ_TASKRUN : 0U);
}

void model_ring::issue(const ::io_uring_sqe& e) noexcept {
    if (operations_ && (!operations_->contains(e.opcode) || (e.flags & ~flags_) != 0)) {
        return complain("ring: an entry that its restrictions forbid");
    }
    if (e.opcode == IORING_OP_NOP) {
        if ((e.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) post(e.user_data, 0, 0);
        return;
    }
    if (e.opcode == IORING_OP_ASYNC_CANCEL) return cancel(e);
    for (const auto& other : pending_) {
        if (other.e.user_data == e.user_data) complain("ring: an operation is submitted twice");
    }
    if (chances().random.chance(chances().fault_rate / 8)) {
        count_of_ring(ring_mark::refused_entry);
        return post(e.user_data, -ENOMEM, 0);
    }
    request r;
    r.e = e;
    r.ready_at = clock::now();
    r.inode = model_network::installed().kernel().inode_of(e.fd);
    // Once in a while of each kind: what is submitted again and again does come to an end.
    auto& last = last_delay_[{e.fd, e.opcode}];
    if (r.ready_at >= last + std::chrono::milliseconds(20) &&
        chances().strikes(chances().delay_rate, model_chances::delayed)) {
        last = r.ready_at;
        r.ready_at += std::chrono::microseconds(1 + chances().random.below(3000));
    }
    pending_.push_back(r);
}

void model_ring::cancel(const ::io_uring_sqe& e) noexcept {
    count_of_ring(ring_mark::cancel_by_entry);
    auto& chance = chances();
    const auto at = std::find_if(pending_.begin(), pending_.end(),
                                 [&](const auto& r) { return r.e.user_data == e.addr && !r.is_cancelled; });
    if (at == pending_.end()) return post(e.user_data, -ENOENT, 0);
    if (chance.random.chance(200)) {  // it is done at this very moment
        const verdict v = carry_out(*at);
        if (v == verdict::ended) {
            pending_.erase(at);
            ++chance.counts[model_chances::raced_cancel];
            count_of_ring(ring_mark::cancel_was_late);
            return post(e.user_data, -ENOENT, 0);
        }
    }
    if (chance.random.chance(100)) {  // on its way from one of the kernel's lists to another: it goes on
        count_of_ring(ring_mark::cancel_missed);
        return post(e.user_data, -ENOENT, 0);
    }
    if (chance.random.chance(100)) {
        count_of_ring(ring_mark::cancel_at_work);
        at->is_cancelled = true, at->passes = 1 + chance.random.below(3);
        return post(e.user_data, -EALREADY, 0);
    }
    post(at->e.user_data, -ECANCELED, 0);
    pending_.erase(at);
    if ((e.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) post(e.user_data, 0, 0);
}

int model_ring::cancel_now(std::uint64_t user_data) noexcept {
    count_of_ring(ring_mark::cancel_at_once);
    ++chances().counts[model_chances::dropped_by_quiet];
    const auto at = std::find_if(pending_.begin(), pending_.end(),
                                 [&](const auto& r) { return r.e.user_data == user_data && !r.is_cancelled; });
    if (at == pending_.end()) return -ENOENT;
    at->is_cancelled = true;
    if (!chances().random.chance(150)) return 0;
    count_of_ring(ring_mark::cancel_at_work);
    at->passes = 1 + chances().random.below(3);
    return -ETIME;
}

// In any order. True: something came of it.
bool model_ring::work() noexcept {
    bool any = flush();
    std::vector<std::list<request>::iterator> turn;
    for (auto at = pending_.begin(); at != pending_.end(); ++at) turn.push_back(at);
    for (std::size_t i = turn.size(); i > 1; --i) {
        std::swap(turn[i - 1], turn[chances().random.below(static_cast<std::uint32_t>(i))]);
    }
    for (const auto at : turn) {
        if (at->is_cancelled) {
            any = true;
            if (at->passes != 0) {
                --at->passes;
                continue;
            }
            post(at->e.user_data, -ECANCELED, 0);
            pending_.erase(at);
            continue;
        }
        if (at->ready_at > clock::now()) continue;
        const verdict v = carry_out(*at);
        any = any || v != verdict::not_yet;
        if (v == verdict::ended) pending_.erase(at);
    }
    return any;
}

model_ring::clock::time_point model_ring::next_event() const noexcept {
    auto next = clock::time_point::max();
    for (const auto& r : pending_) {
        if (r.ready_at > clock::now()) next = std::min(next, r.ready_at);
    }
    return next;
}

int model_ring::enter(unsigned submitted, unsigned least, unsigned flags, const __kernel_timespec* timeout) noexcept {
    if (!is_enabled_) return -EBADFD;
    auto& chance = chances();
    if (sq_tail_ - sq_head_ < submitted) complain("ring: more is handed over than there is");
    if (submitted != 0 && chance.random.chance(chance.fault_rate / 8)) {
        count_of_ring(ring_mark::refused_enter);
        is_interrupted_ = true;
        return -EAGAIN;
    }
    unsigned taken = submitted;
    if (submitted > 1 && chance.random.chance(30)) {
        taken = 1 + chance.random.below(submitted - 1);
        count_of_ring(ring_mark::taken_in_part);
    }
    for (unsigned i = 0; i < taken; ++i) {
        const ::io_uring_sqe e = entries_[sq_head_ & sq_mask_];
        ++sq_head_;
        issue(e);
    }
    const auto done = [&](int error) {
        show_flags();
        return taken != 0 ? static_cast<int>(taken) : error;
    };
    if (taken != submitted || (flags & IORING_ENTER_GETEVENTS) == 0) return done(0);
    least = std::min(least, cq_count_);
    const auto until = timeout == nullptr ? clock::time_point::max()
                                          : clock::now() + std::chrono::seconds(timeout->tv_sec) +
                                                std::chrono::nanoseconds(timeout->tv_nsec);
    for (int rounds = 0; work() && rounds < 64; ++rounds) {
    }
    while (ready() < least) {
        if (std::exchange(is_interrupted_, false) || chance.strikes(20, model_chances::idle_wake)) {
            count_of_ring(ring_mark::interrupted);
            return done(-EINTR);
        }
        if (work()) continue;
        const auto next = std::min(next_event(), until);
        if (next == clock::time_point::max()) {
            chance.complain("hang: the loop sleeps, and nothing will ever wake it");
            engine().loop->stop();
            post(detail::tag::ignored, 0, 0);
            return done(-EINTR);
        }
        virtual_clock::set(std::max(next, clock::now()).time_since_epoch().count());
        if (!work() && clock::now() >= until) return done(-ETIME);
    }
    return done(0);
}

}  // namespace berth::simulation
