// A process with several event loops: a server on all of them, and pools of UDP rooms and of TCP doors.
//
// One thread runs the loops in turns, as a program with a loop of its own runs them: one is polled when its handle
// says so, or when its timer has come, and at no other time; so a lost wake-up is a wait for ever. Invariants:
// serving_checks.cpp.
#pragma once

#include "simulation/backend_world.hpp"

#include <berth/acceptor_pool.hpp>
#include <berth/listener_pool.hpp>
#include <berth/server.hpp>
#include <berth/shards.hpp>

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace berth::simulation {

/// What a handler writes to the client with this mark.
inline unsigned char wrote(session_mark mark, std::uint64_t position) noexcept {
    return static_cast<unsigned char>(mark * 7 + position * 13);
}

namespace serving_step {
enum kind : std::uint8_t {
    reserve,
    make_server,
    listen,
    start,
    stop,
    leave,
    end_server,
    write,
    finish,
    close,
    reset,
    start_pool,
    stop_pool,
    close_pool,
    new_pool,
    open,
    open_pair,
    open_on_all,
    give_back,
    close_behind,
    client,
    bytes,
    end_stream,
    datagram,
    descriptors,
    end_waits,
    run,
    run_some,
    pass_time,
    restart
};
}
std::span<const step_kind> serving_steps() noexcept;

enum class serving_mark : std::uint8_t {
    started,
    start_failed,
    opened,
    read,
    end_of_stream,
    written,
    above_high,
    drained,
    finished,
    aborted,
    first_byte,
    idle,
    total,
    write_timeout,
    cut,
    handler_failed,
    refused_by_limit,
    refused_by_address,
    backed_off,
    stopped,
    stopped_by_deadline,
    left,
    server_ended,
    pool_started,
    pool_refused,
    pool_stopped,
    pool_closed,
    taken,
    exhausted,
    grown,
    not_grown,
    pair,
    on_all,
    received,
    accepted,
    ran_dry,
    by_coroutine,
    ended_by_run,
    ended_by_destruction,
    marks
};
std::span<const char* const> serving_marks() noexcept;

class serving_world final : public backend_world {
public:
    serving_world(std::uint64_t seed, tally& reached);
    ~serving_world() override;

    std::string end() override;

private:
    using clock = std::chrono::steady_clock;
    static constexpr std::uint16_t server_port = 20000, room_port = 21000, door_port = 22000;

    /// One server, kept for its books as long as the process.
    struct service {
        std::uint64_t serial = 0;
        server_options options;
        std::unique_ptr<server> running;
        std::vector<std::pair<std::uint16_t, session_mark>> doors;
        std::uint64_t opened = 0, ended = 0, bytes_in = 0, failures = 0, backoffs = 0, refused[2] = {};
        clock::time_point backed_off{}, stops_by = clock::time_point::max();
        std::uint32_t stops_under_way = 0;
        bool is_started = false, is_stopping = false, by_coroutine = false;
    };
    /// One client of a server, and all that was said.
    struct talk {
        session_mark mark = 0;
        std::uint64_t session = 0;  // of the port, when the client came
        std::shared_ptr<model_stream> stream;
        service* by = nullptr;
        std::optional<connection> handle;
        std::uint64_t said = 0, heard = 0, written = 0;
        clock::time_point opened_at{}, ended_at{}, active{}, progress{};
        clock::duration late{};  // time in which nobody could look
        connection_end why = connection_end::open;
        bool was_opened = false, is_finished = false, was_above = false, was_told_to_stop = false;
        bool has_ended = false;   // its handler
        bool is_counted = false;  // closed, and noted
        bool waits = false;       // its coroutine, for room in the queue
    };
    /// Says that the handler of a connection ended, whichever way.
    struct talk_end {
        serving_world* world;
        talk* of;
        talk_end(serving_world* w, talk* t) noexcept : world(w), of(t) {}
        talk_end(talk_end&& other) noexcept : world(other.world), of(std::exchange(other.of, nullptr)) {}
        talk_end& operator=(talk_end&&) = delete;
        ~talk_end() {
            if (of != nullptr) world->handler_ended(*of);
        }
    };
    enum class pool_state : std::uint8_t { idle, starting, open, closed };
    template <class Pool>
    struct pool {
        std::unique_ptr<Pool> it;
        pool_state state = pool_state::idle;
        std::uint64_t generation = 0;
        std::uint32_t first = 0;
        pool_growth growth;
        std::optional<std::uint64_t> wants_growth;  // growths, of both kinds, when one was due
        clock::time_point refused{};
        std::uint64_t refusals = 0;
    };
    /// A socket of a pool, or of all shards.
    struct guest {
        std::uint64_t serial = 0, of = 0;  // generation of its pool
        std::vector<std::pair<std::uint16_t, session_mark>> sessions;
        bool is_closing = false;
        std::variant<std::monostate, bound<udp_socket>, bound<tcp_acceptor>, shared_listener> socket;
    };
    /// Of an operation of a guest's, of a pool's or a server's.
    struct once {
        using cancellation_slot_type = asio::cancellation_slot;
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
        void operator()(const error_code& ec) { world->ended(mine, ec); }
        void operator()(const error_code& ec, tcp_socket s) { world->accepted(mine, ec, std::move(s), true); }
        serving_world* world;
        ledger_receipt mine;
        asio::cancellation_slot slot;
    };
    struct each {
        using cancellation_slot_type = asio::cancellation_slot;
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
        void operator()(const error_code& ec, datagram d) { world->lent(mine, ec, d.payload); }
        void operator()(const error_code& ec, tcp_socket s) { world->accepted(mine, ec, std::move(s), false); }
        serving_world* world;
        ledger_receipt mine;
        asio::cancellation_slot slot;
    };

    // serving_world.cpp
    std::string act(const step& s, bool& did) override;
    void begin_process();
    std::string end_process(bool by_run);
    void destroy_process();
    void run_for(clock::duration span);
    std::size_t poll_all();

    // serving_checks.cpp
    [[nodiscard]] std::string check() override;
    [[nodiscard]] std::string check_ran();
    [[nodiscard]] std::string check_books(const service& v) const;
    [[nodiscard]] std::string check_deadlines(const talk& t) const;
    template <class Pool>
    [[nodiscard]] std::string check_pool(pool<Pool>& p);
    template <class Pool>
    [[nodiscard]] std::string check_growth(pool<Pool>& p);

    // serving_server.cpp
    void reserve(const step& s);
    void make_server(const step& s);
    void listen(service& v, const step& s);
    void start(service& v);
    void stop(service& v, const step& s);
    void speak(const step& s, bool& did);
    void arrive(const step& s);
    talk* talk_of(const connection& c);
    talk* open(service& v, connection& c);
    void received(talk& t, connection& c, const void* data, std::size_t size);
    void write(talk& t, connection& c, std::uint32_t size);
    void drained(talk& t, connection& c);
    void closed(talk& t, connection& c, const error_code& ec);
    void handler_ended(talk& t);
    void note_end(talk& t);
    connection_callbacks callbacks_of(service& v);
    asio::awaitable<void> serve(service& v, connection c);
    service* serving() { return services_.empty() || !services_.back().running ? nullptr : &services_.back(); }
    talk* pick_talk(std::uint32_t n, bool is_open);

    // serving_pools.cpp
    template <class Pool>
    void make_pool(pool<Pool>& p, const step& s, std::uint16_t port);
    template <class Pool>
    void start_pool(pool<Pool>& p);
    template <class Pool>
    void end_pool(pool<Pool>& p, bool waits);
    template <class Pool>
    void drew(pool<Pool>& p, const error_code& ec, std::uint32_t before, std::uint32_t count);
    void open_room(const step& s);
    void open_door(const step& s);
    void keep(guest g);
    void hear(guest& g);
    void give_back(std::size_t place);
    static void close_behind(guest& g);
    guest* find(std::uint64_t serial);
    void ended(ledger_receipt& mine, const error_code& ec);
    void accepted(ledger_receipt& mine, const error_code& ec, tcp_socket s, bool is_end);
    void lent(ledger_receipt& mine, const error_code& ec, const lent_buffer& b);
    [[nodiscard]] std::uint32_t out_of(std::uint64_t generation) const;
    once handler_of(ledger_entry& e) { return {this, ledger_receipt(ledger_, e), e.signal.slot()}; }
    each many_of(ledger_entry& e) { return {this, ledger_receipt(ledger_, e), e.signal.slot()}; }

    std::size_t shard_count_ = 1;
    bool is_embedded_ = true;
    std::uint32_t most_sockets_ = test::simulated_provider::never;
    std::list<service> services_;
    std::list<talk> talks_;
    std::map<std::uint16_t, talk*> by_remote_;
    std::unique_ptr<shards> shards_;
    port_reservation doors_block_;
    pool<listener_pool> rooms_;
    pool<acceptor_pool> doors_;
    std::vector<std::unique_ptr<guest>> guests_;
    std::vector<std::uint64_t> detached_;  // generations of pools that did not wait for their sockets
    std::uint16_t next_remote_ = 40000;
};

}  // namespace berth::simulation
