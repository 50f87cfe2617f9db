// A process with an io_context over the model backend: sockets out of reservations, timers, reserves in turns.
//
// Invariants, besides those of the reservation's books: each operation ends exactly once and none that was closed
// brings anything; nothing of an old session reaches the next (bytes, datagrams and clients carry their session's
// mark); what can be done is done when the loop had time; run() ends exactly when nothing is under way; buffers come
// back; nothing is open or held when all is over.
#pragma once

#include "simulation/backend_world.hpp"

#include <berth/async_reserve.hpp>
#include <berth/cancel_after.hpp>
#include <berth/outbound.hpp>
#include <berth/port_reservation.hpp>
#include <berth/steady_timer.hpp>
#include <berth/tcp_acceptor.hpp>
#include <berth/udp_socket.hpp>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace berth::simulation {

namespace loop_step {
enum kind : std::uint8_t {
    reserve,
    async_reserve,
    end_waits,
    take,
    connect,
    receive,
    receive_each,
    send,
    accept,
    accept_each,
    read,
    read_each,
    write,
    wait,
    cancel,
    cancel_one,
    close,
    give_back,
    timer,
    timer_cancel,
    post,
    datagram,
    client,
    bytes,
    end_stream,
    run,
    run_some,
    stop,
    pass_time,
    stranger,
    return_lent,
    release,
    restart
};
}
std::span<const step_kind> loop_steps() noexcept;

enum class loop_mark : std::uint8_t {
    reserved,
    refused,
    stopped_reserve,
    taken,
    exhausted,
    connected,
    not_connected,
    received,
    sent,
    accepted,
    read,
    end_of_stream,
    reset,
    written,
    waited,
    timed_out,
    timer_rang,
    aborted,
    after_close,
    again,
    closed_inside,
    given_back_inside,
    dropped,
    lost_back,
    ran_dry,
    without_work,
    ended_by_run,
    ended_by_destruction,
    marks
};
std::span<const char* const> loop_marks() noexcept;

class loop_world final : public backend_world {
public:
    loop_world(std::uint64_t seed, tally& reached);
    ~loop_world() override;

    std::string end() override;

private:
    static constexpr std::uint16_t first_port = 20000;
    static constexpr std::uint32_t port_count = 12;
    static constexpr std::size_t most_players = 10;

    struct block {
        port_reservation r;
        std::uint64_t serial = 0;
        std::uint32_t size = 0;  // session sockets
    };
    /// A socket that is somebody's, with or without a port of a block.
    struct player {
        std::uint64_t serial = 0;
        session_mark mark = 0;
        std::uint64_t of = 0;  // block's serial; 0: an accepted connection
        std::uint16_t port = 0;
        bool is_lost = false;  // closed behind the library's back
        std::variant<std::monostate, bound<udp_socket>, bound<tcp_acceptor>, bound<tcp_socket>, tcp_socket> socket;
    };
    /// Of an operation that ends once.
    struct once {
        using cancellation_slot_type = asio::cancellation_slot;
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
        void operator()() { world->ended(mine, {}, 0); }
        void operator()(const error_code& ec) { world->ended(mine, ec, 0); }
        void operator()(const error_code& ec, std::size_t n) { world->ended(mine, ec, n); }
        void operator()(const error_code& ec, tcp_socket s) { world->accepted(mine, ec, std::move(s), true); }
        void operator()(const error_code& ec, bound<tcp_socket> b) { world->connected(mine, ec, std::move(b)); }
        void operator()(const error_code& ec, port_reservation r) { world->reserved(mine, ec, std::move(r)); }
        loop_world* world;
        ledger_receipt mine;
        asio::cancellation_slot slot;
    };
    /// Of one with many results.
    struct each {
        using cancellation_slot_type = asio::cancellation_slot;
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
        void operator()(const error_code& ec, datagram d) { world->lent(mine, ec, std::move(d.payload)); }
        void operator()(const error_code& ec, lent_buffer b) { world->lent(mine, ec, std::move(b)); }
        void operator()(const error_code& ec, tcp_socket s) { world->accepted(mine, ec, std::move(s), false); }
        loop_world* world;
        ledger_receipt mine;
        asio::cancellation_slot slot;
    };

    /// Without lending it.
    template <class Socket>
    static native_socket number_of(const Socket& socket) {
        const auto* const a = detail::io_access::attachment_of(socket);
        return a != nullptr ? a->native() : -1;
    }

    // loop_world.cpp
    std::string act(const step& s, bool& did) override;
    void begin_process();
    std::string end_process(bool by_run);
    std::string run(const step& s, bool some);
    [[nodiscard]] std::string check() override;
    [[nodiscard]] std::string check_ran();

    // loop_acts.cpp: steps of the program
    reservation_request draw_request(const step& s);
    void add_block(port_reservation r);
    void reserve(const step& s);
    void begin_reserve(const step& s);
    std::string take(const step& s, bool& did);
    void connect(const step& s, bool& did);
    void begin(std::uint8_t what, const step& s, player& p, bool& did);
    void begin_once(ledger_entry& e, const step& s, player& p);
    void cancel(const step& s, bool& did);
    void close(player& p);
    void give_back(player& p);
    void set_timer(const step& s);
    void arrive(const step& s);
    player* pick(std::uint32_t n, std::uint8_t what);
    player* find(std::uint64_t serial);
    std::string release(const step& s, bool& did);
    player& add_player();
    once handler_of(ledger_entry& e) { return {this, ledger_receipt(ledger_, e), e.signal.slot()}; }
    each many_of(ledger_entry& e) { return {this, ledger_receipt(ledger_, e), e.signal.slot()}; }

    // loop_ends.cpp: what handlers hear
    void ended(ledger_receipt& mine, const error_code& ec, std::size_t n);
    void accepted(ledger_receipt& mine, const error_code& ec, tcp_socket s, bool is_end);
    void connected(ledger_receipt& mine, const error_code& ec, bound<tcp_socket> b);
    void reserved(ledger_receipt& mine, const error_code& ec, port_reservation r);
    void lent(ledger_receipt& mine, const error_code& ec, lent_buffer b);
    void look_at(const ledger_entry& e, const error_code& ec);
    void go_on(const ledger_entry& e);

    std::chrono::steady_clock::time_point run_began_{};  // the last call of a run
    bool was_stopped_ = false;
    std::unique_ptr<io_context> context_;
    std::vector<std::unique_ptr<block>> blocks_;
    std::vector<std::unique_ptr<player>> players_;
    std::vector<steady_timer> timers_;
    std::vector<lent_buffer> kept_;
    std::vector<std::pair<bool, std::uint16_t>> strangers_;
};

}  // namespace berth::simulation
