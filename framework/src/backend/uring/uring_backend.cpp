// The verbs of the backend on io_uring: what begins, what is called off, what is fetched.
#include "backend/uring/uring_backend.hpp"

#include "platform/fork_stamp.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace berth::detail {
namespace {

void link(attachment& socket, operation& op) noexcept {
    op.previous = nullptr;
    op.next = socket.first;
    if (op.next != nullptr) op.next->previous = &op;
    socket.first = &op;
}

void unlink(operation& op) noexcept {
    (op.previous == nullptr ? op.socket->first : op.previous->next) = op.next;
    if (op.next != nullptr) op.next->previous = op.previous;
}

}  // namespace

std::unique_ptr<backend> make_uring_backend(const backend_options& options, std::string& reason) {
    return uring_backend::make(options, ring_limits{}, reason);
}

std::unique_ptr<uring_backend> uring_backend::make(const backend_options& options, const ring_limits& limits,
                                                   std::string& reason) {
    std::unique_ptr<uring_backend> made(new uring_backend(limits, options.entries));
    int error = made->buffers_.open(options.buffer_size, options.buffer_count) ? made->open_ring() : -ENOMEM;
    if (error == 0) {
        made->ear_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (made->ear_ < 0) error = -errno;
    }
    if (error != 0) {
        reason = words_for_refusal(error);
        return nullptr;
    }
    made->entries_ = made->ring_.entries();
    made->stashed_.reserve(made->ring_.most_results());
    made->process_ = platform::fork_stamp();
    made->facts_ = {.name = "io_uring",
                    .lends_buffers = made->buffers_.is_kernels_choice(),
                    .accepts_many = made->buffers_.is_kernels_choice(),
                    .submission_queue = made->entries_};
    return made;
}

int uring_backend::open_ring() noexcept {
    const int error = ring_.open(entries_, limits_);
    if (error != 0) return error;
    const bool is_again = buffers_.is_kernels_choice();
    if (!limits_.buffer_rings || !ring_.is_single() || buffers_.join(ring_) || !is_again) return 0;
    ring_.close();
    return -ENOMEM;
}

std::unique_ptr<attachment> uring_backend::attach(platform::native_socket socket, socket_kind kind,
                                                  std::error_code& ec) {
    ec.clear();
    const int fd = static_cast<int>(socket);
    int type = 0;
    socklen_t size = sizeof type;
    std::unique_ptr<attachment> made;
    try {
        if (kind.is_datagram) {
            made.reset(::new (socket_memory_.take(sizeof(uring_datagram_socket)))
                           uring_datagram_socket(*this, socket, kind));
        } else {
            made.reset(::new (socket_memory_.take(sizeof(uring_socket))) uring_socket(*this, socket, kind));
        }
    } catch (const std::bad_alloc&) {
        ec = std::make_error_code(std::errc::not_enough_memory);
        return nullptr;
    }
    list(*made);
    int flags = kind.is_fresh ? O_NONBLOCK : -1;
    if (!kind.is_fresh && ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0) flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)) {
        ec.assign(errno, std::system_category());
        return nullptr;
    }
    return made;
}

// Nothing in it is to be destroyed.
void uring_backend::destroy(attachment& socket) noexcept {
    unlist(socket);
    const bool is_datagram = socket.kind.is_datagram;
    socket_memory_.put(&socket, is_datagram ? sizeof(uring_datagram_socket) : sizeof(uring_socket));
}

void uring_backend::start(operation& op) noexcept {
    if (op.has_message) ::new (with_message(op).scratch) uring_message;
    op.state = 0;
    link(*op.socket, op);
    if (is_ongoing(op)) begin_going_on(op);
    if ((op.flags & MSG_WAITALL) != 0) ++waiting_for_all_;
    direction* const d = direction_of(op);
    if (d == nullptr) return submit(op);
    if (d->queue.empty() && d->admitted == 0 && done_at_once(op)) return;
    if (d->queue.empty() && (d->admitted == 0 || (!d->is_full && goes_together(op)))) return admit(*d, op);
    put_at(op, place::queued);
    d->queue.push_back(op);
}

// Urgent bytes and the error queue do not lie in the row that other receives wait for.
direction* uring_backend::direction_of(operation& op) noexcept {
    if (op.what == verb::send) return &socket_of(op).sends;
    if (op.what != verb::receive || (op.flags & (MSG_OOB | MSG_ERRQUEUE)) != 0) return nullptr;
    return &socket_of(op).receives;
}

// A datagram socket whose operations come one after the other has no use for a queue: each would be a visit to the
// kernel as well, and a longer one. While it receives, sends come in crowds. Not without end, or others would wait.
bool uring_backend::done_at_once(operation& op) noexcept {
    uring_socket& socket = socket_of(op);
    if (!socket.kind.is_datagram || op.many || at_once_left_ == 0) return false;
    message_operation& whole = with_message(op);
    if (whole.part_count == 0) return false;
    const bool is_receive = op.what == verb::receive;
    if (is_receive ? !socket.receives.may_hold_more : socket.receives.admitted != 0) return false;
    const int result = transfer_now(whole);
    if (is_receive) socket.receives.may_hold_more = result >= 0;
    if (result == -EAGAIN || result == -EINTR) return false;
    --at_once_left_;
    end(op, result);
    return true;
}

bool uring_backend::goes_together(operation& op) noexcept {
    return op.what == verb::send && socket_of(op).kind.is_datagram;
}

void uring_backend::admit(direction& d, operation& op) noexcept {
    ++d.admitted;
    submit(op);
}

// Of its direction's queue.
void uring_backend::take_out(operation& op) noexcept {
    direction& d = *direction_of(op);
    if (goes_together(op) && pushed_back(op) == &op) pushed_back(op) = d.queue.before(op);
    d.queue.remove(op);
}

void uring_backend::admit_next(direction& d) noexcept {
    while (operation* const op = d.queue.first()) {
        if (d.admitted != 0 && (d.is_full || !goes_together(*op))) return;
        take_out(*op);
        admit(d, *op);
    }
}

// It was admitted, and is over.
void uring_backend::leave(operation& op) noexcept {
    direction* const d = direction_of(op);
    if (d == nullptr) return;
    if (--d->admitted == 0) d->is_full = false;
    admit_next(*d);
}

// It was admitted, and there was no room for it: it is first again, behind others of which the same is true.
void uring_backend::push_back(operation& op) noexcept {
    direction& d = *direction_of(op);
    put_at(op, place::queued);
    d.queue.insert_behind(pushed_back(op), op);
    pushed_back(op) = &op;
    d.is_full = true;
    --d.admitted;
    admit_next(d);
}

void uring_backend::submit(operation& op) noexcept {
    if (lacks_buffer(op)) {
        put_at(op, place::starved);
        return starved_.push_back(op);
    }
    if (backlog_.empty()) {
        if (::io_uring_sqe* const entry = ring_.slot()) return prepare(op, *entry);
    }
    put_at(op, place::backlog);
    backlog_.push_back(op);
}

void uring_backend::end(operation& op, int result) noexcept {
    give_back_own(op);
    put_at(op, place::ended);
    op.outcome = result;
    ended_.push_back(op);
}

// False: the kernel has it.
bool uring_backend::end_in_memory(operation& op) noexcept {
    switch (place_of(op)) {
        case place::idle:
        case place::ended:
            return true;
        case place::queued:
            take_out(op);
            end(op, aborted_result());
            return true;
        case place::backlog:
            backlog_.remove(op);
            break;
        case place::starved:
            starved_.remove(op);
            break;
        case place::kernel: {
            if (is_marked(op, mark::last_seen)) return false;  // its ring may be gone
            ::io_uring_sqe* const entry = ring_.unsubmitted(op.number, tag::of(op));
            if (entry == nullptr) return false;
            make_void(*entry);
            --in_kernel_;
            break;
        }
    }
    end(op, aborted_result());
    leave(op);
    return true;
}

void uring_backend::cancel(operation& op) noexcept {
    if (is_marked(op, mark::cancelled | mark::quieted) || end_in_memory(op)) return;
    set_mark(op, mark::cancelled | mark::listed);
    cancels_.push_back(op);
}

bool uring_backend::next(completion& out) noexcept {
    come_apart();
    if (ahead_.op != nullptr) {
        out = ahead_;
        ahead_.op = nullptr;
    } else if (operation* const op = ended_.pop_front()) {
        out = {.op = op, .result = op->outcome};
    } else if (!fetch(out)) {
        return false;
    }
    if (!out.more) {
        if ((out.op->flags & MSG_WAITALL) != 0) --waiting_for_all_;
        unlink(*out.op);
        out.op->state = 0;
    }
    return true;
}

// In a signal handler too: an atomic and a write.
void uring_backend::wake() noexcept {
    ring_bell();
    if (is_wake_pending_.exchange(true)) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    while (::write(ear_, &one, sizeof one) < 0 && errno == EINTR) continue;
    errno = saved;
}

void uring_backend::return_buffer(std::uint32_t id) noexcept {
    buffers_.give_back(id);
    has_buffers_back_ = true;
}

}  // namespace berth::detail
