// What the engine under an event loop must do: the contract of every sibling.
//
// A backend starts operations on attached sockets and ends each exactly once. It belongs to one loop: all verbs but
// wake() are called by one thread at a time, the one that runs the loop or, before it runs, the one that made it.
// None of them calls back: results are fetched one by one with next(), so that a handler may throw, stop the loop or
// close any socket between two of them. The siblings: uring/ (Linux), asio/ (everywhere), refusing_backend.cpp (the
// template for the next). One suite runs over all: tests/conformance/backend_*.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/detail/operation.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace berth::detail {

class backend;
class event_loop;

struct socket_kind {
    bool is_datagram : 1 = false;
    bool is_ipv6 : 1 = false;
    bool is_fresh : 1 = false;  ///< a backend's accept made it: it is a socket, and non-blocking
};

/// A socket as its backend knows it; the backend's own type derives from it. There is one for each connection: each of
/// its bytes counts (tests/unit/backend/uring_sizes_test.cpp).
class attachment {
public:
    attachment(backend& b, platform::native_socket socket, socket_kind k) noexcept
        : home(&b), number(static_cast<std::int32_t>(socket)), kind(k) {}
    attachment(const attachment&) = delete;
    attachment& operator=(const attachment&) = delete;

    /// It goes the way that its backend says, see backend::destroy(); or just its memory, if the backend went first.
    static void operator delete(attachment* socket, std::destroying_delete_t) noexcept;

    [[nodiscard]] platform::native_socket native() const noexcept { return number; }

    backend* home;                   ///< nullptr: it is gone
    operation* first = nullptr;      ///< the operations that have not ended
    attachment* next = nullptr;      ///< the backend's list of all of them
    attachment* previous = nullptr;
    const std::int32_t number;       ///< the system's: on Windows too no more than 32 bits of it count
    std::atomic<int> waiting{0};     ///< the loop's: operations on their way to it from other threads
    std::atomic<std::uint32_t> cancels{0};  ///< the loop's: how often all of its operations were cancelled, and it
                                            ///< only matters whether that was so while one was on its way
    bool is_quiet = false;     ///< the loop's: no operation begins on it any more
    bool is_released = false;  ///< the loop's: nobody will name it again
    const socket_kind kind;
};

/// Differences between siblings, and between kernels.
struct backend_facts {
    std::string_view name;               ///< "io_uring" or "asio"
    bool lends_buffers = false;          ///< receive with many: without a copy
    bool accepts_many = false;           ///< accept with many: one submission
    std::uint32_t submission_queue = 0;  ///< entries; more wait in memory, none is refused
};

class backend {
public:
    using clock = std::chrono::steady_clock;
    virtual ~backend() = default;

    [[nodiscard]] virtual const backend_facts& facts() const noexcept = 0;

    /// Makes a socket known. Post: it is non-blocking; nothing else about it changed. On failure: nullptr, the socket
    /// is still the caller's. Errors: the system's (not a socket, no memory), in std::system_category(). A backend
    /// outlives its attachments.
    virtual std::unique_ptr<attachment> attach(platform::native_socket socket, socket_kind kind,
                                               std::error_code& ec) = 0;

    /// Begins an operation. Pre: all its in-fields are set, it has a message if it needs one, its socket is attached
    /// here, it is not under way.
    /// Never fails and never calls back: what goes wrong is its result. Several operations on one socket are under
    /// way at once; receives among themselves, and sends, take effect in the order of their starts, but a datagram for
    /// which the system has no room may be overtaken.
    virtual void start(operation& op) noexcept = 0;

    /// Asks an operation to end early. Post: it ends with the aborted error, unless its result was there first.
    /// No effect on one that is not under way; that one's socket may be gone.
    virtual void cancel(operation& op) noexcept = 0;

    /// Ends all operations of a socket. Post: the kernel touches none of their memory and the socket is quiet;
    /// their results, all of them the aborted error, come out of next() like any other, one for each. Bytes and
    /// connections that had been taken off the socket for them are dropped, never delivered. It may be closed at
    /// once, or be used again.
    /// Pre of destroying an attachment: this, and then all of them fetched (first == nullptr).
    virtual void quiet(attachment& socket) noexcept = 0;

    /// Hands what was started to the system, and sleeps until a result is there, wake() was called or the time has
    /// come; not at all if one of them is so already. A wake() is never lost: one between two waits ends the next.
    /// It may end with none of these, e.g. when somebody else was faster at a listener that several accept from.
    virtual void wait(clock::time_point until) noexcept = 0;

    /// The owner leaves. Post: the kernel touches no memory of any operation; results that are there stay there, the
    /// other operations begin again with the next wait() or look(), which may come from another thread.
    virtual void rest() noexcept = 0;

    /// As wait() with a time that is past: looks, and does not sleep.
    virtual void look() noexcept = 0;

    /// The next result, if one is there: op's out-fields are set.
    virtual bool next(completion& out) noexcept = 0;

    /// Ends a sleep of wait(). From any thread, at any time, also from a signal handler.
    virtual void wake() noexcept = 0;

    /// For a loop of somebody else's: what the system can wait for (a descriptor for poll(2)), readable from when
    /// look() would bring a result, or wake() was called, until look() was called and next() has nothing more. After
    /// rest() too. The backend's own, the same one for its life; sometimes readable without a cause. May be asked for
    /// by the one who made the backend or runs it. ec: operation_not_supported where results come to nobody who does
    /// not ask.
    virtual platform::native_socket wait_handle(std::error_code& ec) noexcept = 0;

    /// A lent buffer is not read any more.
    virtual void return_buffer(std::uint32_t id) noexcept = 0;

    /// Ends an attachment, and takes its memory back. Called by `delete` alone.
    virtual void destroy(attachment& socket) noexcept = 0;

    /// All that are attached, linked by `next`.
    [[nodiscard]] attachment* attached() const noexcept { return attached_; }

    event_loop* loop = nullptr;  ///< the loop's

protected:
    void list(attachment& socket) noexcept {
        socket.next = std::exchange(attached_, &socket);
        if (socket.next != nullptr) socket.next->previous = &socket;
    }
    void unlist(attachment& socket) noexcept {
        (socket.previous != nullptr ? socket.previous->next : attached_) = socket.next;
        if (socket.next != nullptr) socket.next->previous = socket.previous;
    }

private:
    attachment* attached_ = nullptr;
};

/// Error numbers as results: what cancel and quiet end an operation with.
[[nodiscard]] int aborted_result() noexcept;

struct backend_options {
    std::uint32_t entries = 1024;      ///< of the submission queue
    std::uint32_t buffer_size = 4096;  ///< bytes of a lent buffer; a backend may need 512 at least
    std::uint32_t buffer_count = 256;  ///< a power of two
};

/// nullptr: refused, and `reason` says by what and what would help (in words for backend_reason()).
std::unique_ptr<backend> make_uring_backend(const backend_options& options, std::string& reason);
std::unique_ptr<backend> make_asio_backend(const backend_options& options, std::string& reason);
std::unique_ptr<backend> make_refusing_backend(const backend_options& options, std::string& reason);

}  // namespace berth::detail
