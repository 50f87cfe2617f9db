// A random walk over reservations, with a model of whose each port is and a look at the kernel's own sockets.
//
// Invariant compared: a port of a live block has its holder, its session socket and the connections that the walk
// accepted there; a port of a block that ended has what the walk still has descriptors of. One thread, so that the
// model is exact but for one thing: when berth notices a descriptor that was closed without a word (`closed_…`).
#pragma once

#include <berth/associate.hpp>
#include <berth/berth.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/oracle.hpp"

namespace berth::test {

struct walk_kind {
    const char* name;
    transport protocol;
    address_family family;
    tcp_use use;
    parking park;
};

class oracle_walk {
public:
    oracle_walk(const walk_kind& kind, std::uint64_t seed);
    oracle_walk(const oracle_walk&) = delete;
    oracle_walk& operator=(const oracle_walk&) = delete;
    ~oracle_walk();

    /// Throws std::runtime_error with what differs, the seed, the step and the last operations.
    void run(std::uint32_t steps);
    /// How often each operation did what it is there for.
    [[nodiscard]] const std::map<std::string, std::uint32_t>& done() const { return done_; }

private:
    static constexpr std::uint32_t block_size = 8;
    enum class place : std::uint8_t { free, handle, callers, draining, closed_open, closed_draining };
    struct port_slot {
        place where = place::free;
        bound_port handle;
        bool exposed = false;
        bool connected = false;
        int callers = -1;
        std::vector<int> duplicates;
        std::uint64_t holder = 0;  // inode, once it could be told from the session socket
    };
    struct live_block {
        port_reservation reservation;
        port_block block;
        std::array<port_slot, block_size> slots;
        std::uint64_t takes = 0, exhausted = 0, port_taken = 0;
    };
    struct detached_port {
        bound_port handle;
        std::uint64_t holder;  // inode: it stays as long as the handle
    };
    struct other_socket {
        int fd;
        std::uint16_t port;
        bool accepted;  // belongs on a port of a live block
    };

    void step();
    void operate();
    void do_reserve();
    void do_take(live_block& b);
    void do_take_port(live_block& b);
    void do_take_pair(live_block& b);
    void do_bind(live_block& b);
    void do_give_back(live_block& b);
    void do_lend(live_block& b);
    void do_duplicate(live_block& b);
    void do_close_duplicate(live_block& b);
    void do_close_callers(live_block& b, bool say_so);
    void do_traffic(live_block& b);
    void do_reclaim(live_block& b);
    void do_release(std::size_t which);
    void end_block(std::size_t which);

    void check_books();
    void check_sockets();
    void check_port(live_block& b, std::uint32_t i, std::set<std::uint64_t> seen);

    port_slot& took(live_block& b, std::uint16_t port, place now);
    void looked(live_block& b);
    [[nodiscard]] static bool is_reset(const other_socket& o);
    void closed_last(port_slot& slot);
    void keep(int fd, bool accepted);
    void close_one_other();
    [[nodiscard]] std::uint32_t count(const live_block& b, std::initializer_list<place> places) const;
    [[nodiscard]] bool can_be_drawn(const port_slot& slot) const;
    [[nodiscard]] bool anything_left_on(port_block block) const;
    port_slot* pick(live_block& b, place where);
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    void note(const std::string& operation, const std::string& detail = {});
    void require(bool holds, const std::string& what) const;

    const walk_kind kind_;
    const std::uint64_t seed_;
    std::mt19937_64 random_;
    std::vector<live_block> live_;
    std::vector<detached_port> detached_;
    std::vector<other_socket> others_;
    std::set<std::uint16_t> ended_;  // ports of blocks that ended
    port_block last_ended_{};
    int sink_ = -1;  // a listener outside every block, for outbound connections
    bool look_now_ = false;
    bool alone_ = false;
    std::uint32_t step_ = 0;
    std::deque<std::string> history_;
    std::map<std::string, std::uint32_t> done_;
};

}  // namespace berth::test
