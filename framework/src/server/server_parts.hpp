// The inside of a server: the core that shards share, and the part that belongs to each shard's thread.
//
// A shard's part is touched by its thread alone, but for its books (read by anybody) and its `room` state. Whatever
// waits in a loop (a listener, a timer, a posted node) keeps the core alive by itself, so the server may go first.
#pragma once

#include "server/address_limits.hpp"
#include "server/deadline_wheel.hpp"

#include <berth/detail/server_core.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

namespace berth::detail {

class shared_core;
class server_shard;

/// Written by one thread, read by any. Who reads that a connection has ended sees what its handler did.
struct alignas(64) shard_books {
    using counter = std::atomic<std::uint64_t>;
    counter accepted{0}, ended{0}, refused_by_limit{0}, refused_by_address{0}, bytes_in{0}, bytes_out{0}, aborted{0},
        cut{0}, handler_failures{0}, accept_backoffs{0}, accept_errors{0};
    std::array<counter, 4> timeouts{};  // first_byte, idle, total, write

    static void add(counter& c, std::uint64_t n = 1) noexcept {
        c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_release);
    }
};

/// A timer of a shard's that may be set and cancelled at will, also when its node waits for its turn already.
class shard_timer : timer_node {
public:
    using on_time_function = void (*)(server_shard&);
    shard_timer(server_shard& shard, on_time_function on_time) noexcept;
    void set(std::chrono::steady_clock::time_point due) noexcept;
    void cancel() noexcept;
    [[nodiscard]] bool is_set() const noexcept { return is_set_; }

private:
    static void on_run(ready_node& node, bool invoke);
    server_shard& shard_;
    on_time_function on_time_;
    std::shared_ptr<shared_core> kept_;  // while the loop has the node
    std::chrono::steady_clock::time_point wanted_{};
    bool is_set_ = false;
};

/// One shard's descriptor of a listening socket. It deletes itself when it is closed and its accept has ended.
class shard_listener : public message_operation {
public:
    shard_listener(server_shard& shard, native_value descriptor, attachment* attached, bool ipv6) noexcept;
    void arm() noexcept;
    void close() noexcept;
    /// The accept ends; what it has accepted by then is served. True: it has ended.
    bool disarm() noexcept;

    const bool is_ipv6;
    native_value held = -1;  ///< accepted, and waits for room
    asio::ip::tcp::endpoint source;

private:
    static void on_accepted(operation& op, const completion& c);
    static void on_destroy(operation& op) noexcept;
    server_shard& shard_;
    std::shared_ptr<shared_core> kept_;
    native_value native_;
    attachment* attached_;
    bool is_armed_ = false;
    bool is_closed_ = false;
};

class server_shard {
public:
    server_shard(shared_core& core, const shard_place& place, std::size_t index);

    shared_core& core;
    event_loop& loop;
    io_context& context;
    const std::size_t index;
    shard_books books;
    deadline_wheel wheel;
    bool is_stopping = false;
    timer_list stop_waits;

    // --- accepting: server_accept.cpp
    /// The descriptor is this shard's from now on.
    void add_listener(native_value socket, bool is_ipv6, error_code& ec);
    void accepted(shard_listener& listener, int result) noexcept;
    /// False: there is no room. `remote` matters where addresses have a limit.
    bool admit(native_value socket, bool is_ipv6, const asio::ip::tcp::endpoint& remote) noexcept;
    void admit_held() noexcept;
    void refuse(native_value socket) noexcept;
    [[nodiscard]] bool may_accept() const noexcept { return !is_backing_off_ && !is_stopping && !is_leaving_; }
    /// The last accept of a shard that leaves its queues may have ended.
    void listener_disarmed() noexcept;
    /// Any thread: what this shard waits for may be there.
    void room_came(const std::shared_ptr<shared_core>& kept) noexcept;

    // --- sessions
    [[nodiscard]] std::size_t session_size() const noexcept;  ///< bytes
    void session_opened() noexcept;
    void session_ended(const session& s) noexcept;
    void session_destroyed(session& s) noexcept;
    void flush_later(session_queue& queue) noexcept;

    // --- stopping: server_stop.cpp
    void begin_stop(std::chrono::steady_clock::time_point deadline) noexcept;
    void end() noexcept;

private:
    void wait_for_room() noexcept;
    void back_off() noexcept;
    void try_again() noexcept;
    void tick() noexcept;
    void cut_all() noexcept;
    void report_if_stopped(bool in_any_case) noexcept;
    void close_listeners() noexcept;

    enum room_state : int { not_waiting, waiting, posted };
    struct room_node : ready_node {
        server_shard* shard = nullptr;
        std::shared_ptr<shared_core> kept;
        std::atomic<int> state{not_waiting};
    };
    struct flush_node : ready_node {
        server_shard* shard = nullptr;
        session_queue* first = nullptr;
        bool is_posted = false;
    };
    static void flush(ready_node& node, bool invoke);

    std::vector<shard_listener*> listeners_;
    room_node room_;
    flush_node flush_;
    shard_timer tick_timer_, retry_timer_, stop_timer_;
    std::chrono::steady_clock::time_point next_tick_{}, stop_deadline_{};
    std::chrono::milliseconds delay_;
    bool is_backing_off_ = false;
    bool is_leaving_ = false;  // from the order to leave the queues on
    bool has_reported_ = false;
    std::size_t sessions_ = 0;           // objects
    std::shared_ptr<shared_core> kept_;  // while there are any
};

class shared_core final : public server_core, public std::enable_shared_from_this<shared_core> {
public:
    shared_core(const std::vector<shard_place>& places, const server_options& asked);
    ~shared_core() override;

    const server_options options;
    session_hooks hooks;
    std::shared_ptr<void> handler;
    address_limits addresses;

    /// Room for one connection more; false: there is none.
    bool enter() noexcept;
    void leave() noexcept;
    std::atomic<int> shards_that_wait{0};
    void wake_those_that_wait() noexcept;

    /// The last shard takes what is still in the queues, and closes the listening sockets.
    void listeners_closed(server_shard& by) noexcept;
    void shard_stopped(bool has_cut) noexcept;

    asio::ip::tcp::endpoint listen(const asio::ip::tcp::endpoint& on, error_code& ec) override;
    asio::ip::tcp::endpoint listen(bound_port port, error_code& ec) override;
    void start(const session_hooks& hooks, std::shared_ptr<void> handler, error_code& ec) override;
    void stop(std::chrono::steady_clock::duration deadline, stop_wait* done) override;
    void leave(std::chrono::steady_clock::duration deadline, stop_wait* done) override;
    /// Who is in the queues is somebody else's to serve.
    [[nodiscard]] bool is_leaving() const noexcept { return is_leaving_.load(); }
    [[nodiscard]] bool is_stopping() const noexcept override { return is_stopping_.load(); }
    void end() noexcept override;
    [[nodiscard]] server_statistics statistics(std::size_t shard) const noexcept override;
    [[nodiscard]] std::size_t size() const noexcept override { return shards_.size(); }

private:
    struct listening {
        native_value native;  // ours to close, unless it is a port's
        bound_port port;
        bool is_ipv6;
    };
    asio::ip::tcp::endpoint keep_listening(listening socket, error_code& ec);
    static native_value copy_of(listening& socket, error_code& ec) noexcept;
    void close_listening(listening& socket) noexcept;

    std::vector<std::unique_ptr<server_shard>> shards_;
    std::vector<listening> listening_;
    std::atomic<std::uint32_t> connections_{0};
    std::atomic<bool> is_started_{false};
    std::atomic<bool> is_stopping_{false};
    std::atomic<bool> is_ending_{false};
    std::atomic<bool> is_leaving_{false};
    std::atomic<std::size_t> listeners_left_;
    std::mutex gate_;  // of what follows
    std::size_t shards_left_;
    bool has_cut_ = false;
    stop_wait* stop_waits_ = nullptr;
};

}  // namespace berth::detail
