// A process with up to three reservations over the model kernel, without a loop: acquire, take, give back, release.
//
// Invariants after every step: see reservation_checks.cpp. What the world knows by itself, from the calls alone: who
// has which port, which sockets callers closed, when a port was given back.
#pragma once

#include "simulation/model_system.hpp"
#include "simulation/number_socket.hpp"
#include "simulation/seeded_random.hpp"
#include "simulation/simulation.hpp"

#include "reservation_core.hpp"

#include <berth/associate.hpp>
#include <berth/detail/reserve_turns.hpp>
#include <berth/port_reservation.hpp>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace berth::simulation {

namespace reservation_step {
enum kind : std::uint8_t {
    reserve,
    begin_reserve,
    turn,
    stop_reserve,
    take,
    take_port,
    take_pair,
    take_run,
    take_socket,
    take_toward,
    give_back,
    lend,
    duplicate,
    close_copy,
    close_behind,
    associate_bind,
    caller_closes,
    caller_gives_back,
    packet,
    pass_time,
    stranger,
    event_queue,
    reclaim,
    release,
    release_some,
    drop,
    restart
};
}
std::span<const step_kind> reservation_steps() noexcept;

enum class reached : std::uint8_t {
    reserved,
    reserve_refused,
    in_turns,
    waited,
    stopped,
    drawn,
    exhausted,
    pair,
    run,
    toward,
    condemned,
    renewed,
    open_failed,
    rested,
    not_silent,
    exposed_back,
    lost_back,
    detached_back,
    hand_over,
    hand_over_refused,
    busy,
    detached,
    released,
    wildcard,
    several_sessions,
    both_protocols,
    fault,
    restarted,
    refused_tuple
};
std::span<const char* const> reservation_marks() noexcept;

class reservation_world final : public world, private test::simulated_faults {
public:
    reservation_world(std::uint64_t seed, tally& marks);
    ~reservation_world() override;

    outcome go(const step& s) override;
    std::string end() override;
    [[nodiscard]] std::uint64_t digest() const override { return digest_; }

private:
    static constexpr std::uint16_t first_port = 20000;
    static constexpr std::uint32_t port_count = 20;

    /// A reservation, or one that is over while some of its ports are still out.
    struct block {
        port_reservation owner;
        std::shared_ptr<detail::reservation_core> core;
        std::uint64_t rest = 0, silence = 0;  // nanoseconds
        std::uint64_t serial = 0;
        [[nodiscard]] bool is_held() const noexcept { return static_cast<bool>(owner); }
    };
    struct woken final : detail::waker {
        void wake() noexcept override { was = true; }
        bool was = false;
    };
    struct reserve_under_way {
        woken waker;
        std::unique_ptr<detail::reserve_turns> turns;
        reservation_request request;
    };
    template <class Socket>
    using taken = bound<Socket>;
    using handle = std::variant<bound_port, taken<number_socket<asio::ip::udp>>, taken<number_socket<asio::ip::tcp>>,
                                taken<number_acceptor<asio::ip::tcp>>>;
    /// A port that is out.
    struct loan {
        handle port;
        std::shared_ptr<block> of;
        std::uint16_t number = 0;
        bool is_tcp = false;
        bool is_lost = false;     // closed behind the library's back
        bool is_exposed = false;  // duplicated
        std::uint64_t inode = 0;
        std::uint32_t toward = 0;  // which destination's tuple it has; 0: none
    };
    /// A descriptor that is the program's own.
    struct copy {
        native_handle_type number = -1;
        std::shared_ptr<block> bound_to;  // by bind(); nullptr: a duplicate, or not bound yet
        bool is_tcp = false;
    };

    // reservation_world.cpp
    std::string act(const step& s, bool& did);
    errc strikes(at where, std::uint16_t port) noexcept override;
    void emptied(std::uint64_t) noexcept override {}
    [[nodiscard]] std::shared_ptr<block> pick(std::uint32_t n) const;
    std::string restart();
    void note(std::uint64_t n) noexcept { digest_ = (digest_ ^ n) * 0x100000001b3u; }

    // reservation_acquire.cpp
    reservation_request draw_request(const step& s);
    [[nodiscard]] bool is_free_for(const reservation_request& r, port_block b) const;
    std::string reserve(const step& s);
    std::string reserved(const reservation_request& r, port_reservation made, const failure& f, bool was_free);
    void begin_reserve(const step& s);
    std::string turn(const step& s);
    std::string release(const step& s, bool& did);
    std::string release_some(block& b);
    std::string drop(const step& s, bool& did);

    // reservation_draws.cpp
    std::string take(const step& s, bool& did);
    std::string take_many(const step& s, bool& did);
    std::string take_socket(const step& s, bool& did);
    std::string take_toward(const step& s, bool& did);
    std::string check_tuple(const block& b, std::uint16_t number, std::uint32_t toward);
    template <class Socket>
    std::string take_as(const std::shared_ptr<block>& b, detail::port_lane& lane);
    std::string drew(const std::shared_ptr<block>& b, detail::port_lane& lane, bool had_one, bool had_none,
                     handle port, const error_code& ec, errc none);
    std::string associate_bind(const step& s, bool& did);
    std::string give_back(const step& s, bool& did);
    void close_behind(const step& s);
    void close_copy(const step& s);
    std::string caller_ends(const step& s, bool& did);

    // reservation_checks.cpp
    [[nodiscard]] std::string check() const;
    [[nodiscard]] std::string check_lane(const block& b, detail::port_lane& lane, std::uint32_t& holders) const;
    [[nodiscard]] static std::uint16_t number_of(const handle& port);
    [[nodiscard]] static native_handle_type descriptor_of(const handle& port);
    void forget_ended();
    void note_end(const block& b);
    void change_strangers(const step& s);

    tally& marks_;
    test::simulated_provider kernel_;
    model_system system_{kernel_};
    seeded_random random_;
    std::uint32_t fault_rate_ = 0;  // steps of a thousand that chance may strike in
    std::size_t most_blocks_ = 1;
    bool is_faulty_ = false;    // this step
    bool acted_ = false;        // in this step, beside the library
    std::uint32_t struck_ = 0;  // in this step
    std::vector<std::shared_ptr<block>> blocks_;
    std::unique_ptr<reserve_under_way> under_way_;
    std::vector<loan> loans_;
    std::vector<copy> copies_;
    std::vector<std::pair<bool, std::uint16_t>> strangers_;
    struct return_time {
        std::uint64_t of;  // a block's serial
        bool is_tcp;
        std::uint16_t number;
        std::int64_t at;
    };
    std::map<std::pair<bool, std::uint16_t>, std::int64_t> packets_;  // when the last came for a port
    struct refused_tuple {
        std::uint64_t of;  // a block's serial
        std::uint16_t number;
        std::uint32_t toward;
        std::int64_t until;
    };
    std::vector<refused_tuple> refused_;
    std::vector<return_time> returns_;  // of ports of blocks that rest
    std::uint64_t serials_ = 0;
    std::uint64_t warnings_ = 0;
    std::uint64_t digest_ = 0xcbf29ce484222325u;
};

}  // namespace berth::simulation
