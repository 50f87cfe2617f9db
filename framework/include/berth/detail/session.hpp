// One connection of a server: its socket, its deadlines, its write queue. What berth::connection refers to.
//
// It belongs to the thread of its shard, like all that is reached through it. It is counted: by handles, by operations
// under way and by its handler, which holds it open. It has *ended* when its socket is closed and its handler is done;
// its memory goes with the last reference. Idle, it is this object and what its backend knows of the socket.
#pragma once

#include <berth/detail/event_loop.hpp>
#include <berth/detail/native_calls.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace berth::inline v0_1 {

class io_context;

/// Why a connection is closed.
enum class connection_end : std::uint8_t {
    open,        ///< it is not
    finished,    ///< by its handler
    aborted,     ///< an error of the connection's
    first_byte,  ///< by one of the deadlines
    idle,
    total,
    write,
    cut,      ///< by stop(), or by the deadline of async_stop()
    failure,  ///< by an exception of its handler
};

}  // namespace berth::v0_1

namespace berth::detail {

class server_shard;

struct session_queue;

class session {
public:
    session(server_shard& shard, native_value socket, attachment* attached) noexcept;
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    void add_reference() noexcept { ++references_; }
    void drop_reference() noexcept {
        if (--references_ == 0) destroy();
    }

    [[nodiscard]] BERTH_DECL event_loop& loop() const noexcept;
    [[nodiscard]] BERTH_DECL io_context& context() const noexcept;
    [[nodiscard]] BERTH_DECL std::size_t shard_index() const noexcept;
    [[nodiscard]] bool is_open() const noexcept { return native_ != -1; }
    [[nodiscard]] native_value native() const noexcept { return native_; }
    [[nodiscard]] connection_end end() const noexcept { return end_; }
    [[nodiscard]] BERTH_DECL bool is_stopping() const noexcept;
    /// What an operation says that ended because the connection did.
    [[nodiscard]] BERTH_DECL error_code end_error() const noexcept;

    // --- operations of a handler's own: begun here, and heard of when they end, also from their result functions

    /// Pre: op is prepared but for its socket. Ends it at once where nothing is to be done.
    BERTH_DECL void start(operation& op, bool has_nothing_to_do) noexcept;
    /// As start of a receive; stopping ends it if no byte is there.
    BERTH_DECL void start_unless_stopping(message_operation& op) noexcept;
    BERTH_DECL error_code receive_ended(const message_operation& op, int result) noexcept;
    BERTH_DECL error_code send_ended(int result) noexcept;

    // --- the write queue

    /// Throws std::bad_alloc: nothing is queued. False: the queue is above its high watermark.
    BERTH_DECL bool queue(const buffer_part* parts, std::size_t count, std::size_t size);
    [[nodiscard]] BERTH_DECL std::size_t queued() const noexcept;
    [[nodiscard]] BERTH_DECL bool is_above_high() const noexcept;
    /// Completes when the queue is at its low watermark or below (or empty), or with is_cancelled when the end came.
    BERTH_DECL void wait_drained(timer_node& wait, bool until_empty);
    /// Completes when the server begins to stop.
    BERTH_DECL void wait_stopping(timer_node& wait);

    // --- the end

    BERTH_DECL void close(connection_end why, bool with_reset = false) noexcept;
    /// Closes when the queue is empty.
    BERTH_DECL void finish() noexcept;
    /// The handler threw: counted and logged, and the connection is closed.
    BERTH_DECL void failed(const char* what) noexcept;
    /// The handler ended: the connection does when its queue is empty.
    BERTH_DECL void handler_done() noexcept;
    /// An operation has said that it ended, or an error; what its handler throws then is no failure.
    [[nodiscard]] bool has_reported_error() const noexcept { return has_reported_error_; }

    void* user_data = nullptr;  ///< the handler's

private:
    friend class server_shard;
    friend class deadline_wheel;
    friend struct session_queue;
    friend class callback_reader;

    BERTH_DECL void destroy() noexcept;
    void begin_reading() noexcept;
    error_code error_of_result(int result) noexcept;
    void count_end(connection_end why) noexcept;
    void check_ended() noexcept;
    void note_received(std::size_t size) noexcept;
    void note_sent(std::size_t size) noexcept;
    void begin_writing() noexcept;
    void end_writing() noexcept;
    void stop_begins() noexcept;

    server_shard& shard_;
    attachment* attached_;
    native_value native_;
    session* next_ = nullptr;  // in the wheel
    session** link_ = nullptr;
    session_queue* queue_ = nullptr;
    operation* until_stop_ = nullptr;
    class callback_reader* reader_ = nullptr;
    std::uint64_t address_key_ = 0;
    std::uint32_t references_ = 1;
    std::uint32_t opened_;  // ticks, all three
    std::uint32_t heard_of_;
    std::uint32_t progress_ = 0;
    std::uint16_t writes_ = 0;  // under way
    connection_end end_ = connection_end::open;
    bool has_address_key_ : 1 = false;
    bool has_received_ : 1 = false;
    bool has_reported_error_ : 1 = false;
    bool is_broken_ : 1 = false;
    bool closes_when_drained_ : 1 = false;
    bool handler_is_done_ : 1 = false;
    bool has_ended_ : 1 = false;
    bool awaits_visit_ : 1 = false;  // of the wheel's
};

/// A counted reference.
class session_reference {
public:
    session_reference() noexcept = default;
    explicit session_reference(session& s) noexcept : session_(&s) { s.add_reference(); }
    session_reference(const session_reference& other) noexcept : session_(other.session_) {
        if (session_ != nullptr) session_->add_reference();
    }
    session_reference(session_reference&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
    session_reference& operator=(session_reference other) noexcept {
        std::swap(session_, other.session_);
        return *this;
    }
    ~session_reference() {
        if (session_ != nullptr) session_->drop_reference();
    }
    explicit operator bool() const noexcept { return session_ != nullptr; }
    session* operator->() const noexcept { return session_; }
    session& operator*() const noexcept { return *session_; }

private:
    session* session_ = nullptr;
};

}  // namespace berth::detail
