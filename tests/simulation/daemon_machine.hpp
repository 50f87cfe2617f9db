// A machine for the daemon's simulation: processes with tables of descriptors, and what descriptors stand for.
//
// The calls of the library that a daemon makes (daemon_calls.cpp) end here instead of in the kernel, as long as a
// machine exists. A thing lives as long as any process, or a message under way, has a descriptor of it, as in a kernel:
// a port is held as long as a socket is bound to it, whoever has it. Deaths and failures are counted in calls of the
// daemon: at the n-th it dies, or gets an error. A daemon that died goes on to its next return without an effect: its
// descriptors are closed, its memory is a copy, and every call that it makes is refused.
#pragma once

#include "simulation/seeded_random.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace berth::simulation {

struct thing {
    explicit thing(std::uint64_t& count) : count_(count) { ++count_; }
    virtual ~thing() { --count_; }
    thing(const thing&) = delete;
    thing& operator=(const thing&) = delete;

private:
    std::uint64_t& count_;
};
using thing_ref = std::shared_ptr<thing>;

struct sent_message {
    std::vector<std::byte> bytes;
    std::vector<thing_ref> things;
};

struct credentials {
    std::uint32_t uid = 0, gid = 0;
    std::vector<std::uint32_t> groups;
};

/// One end of a connection.
struct connection_end final : thing {
    using thing::thing;
    ~connection_end() override;
    std::deque<sent_message> inbox;
    connection_end* other = nullptr;  // nullptr: it is gone
    bool is_reset = false;            // and had not read everything
    bool is_slow = false;             // what is in the inbox is not seen yet: it is still on its way
    credentials peer;                 // the other side's
    int client = -1;                  // of the daemon's ends: whose connection it is
};

struct listening_door final : thing {
    using thing::thing;
    std::deque<std::shared_ptr<connection_end>> waiting;
};

struct memory_file final : thing {
    using thing::thing;
    std::shared_ptr<std::vector<std::uint64_t>> words;  // its bytes; who maps it shares them
    std::size_t size = 0;                               // bytes
    int seals = 0;
};

using port_key = std::pair<bool, std::uint16_t>;  // TCP?, number

struct bound_socket final : thing {
    using thing::thing;
    ~bound_socket() override;
    class machine* where = nullptr;
    port_key port{};
    bool is_holder = false;
    std::uint64_t inode = 0;
};

struct process {
    std::string name;
    std::vector<thing_ref> table;
    std::size_t most = 512;  // descriptors
    bool is_dead = false;
    std::map<const void*, std::shared_ptr<std::vector<std::uint64_t>>> mapped;
    [[nodiscard]] std::size_t open() const;
};

/// Where in a call the daemon dies.
enum class death : std::uint8_t { before, in_the_middle, after };

class machine {
public:
    static constexpr int first_descriptor = 1'000'000;
    static constexpr std::size_t room = 6;  // messages in an inbox

    explicit machine(std::uint64_t seed);
    ~machine();
    /// The one that exists, or nullptr.
    static machine* here() noexcept;

    // --- descriptors of the process that runs ---
    int open(thing_ref what);  // -1: it has as many as it may
    [[nodiscard]] thing_ref at(int fd) const;
    template <class Thing>
    [[nodiscard]] std::shared_ptr<Thing> at_as(int fd) const {
        return std::dynamic_pointer_cast<Thing>(at(fd));
    }
    bool close(int fd);
    int duplicate(int fd);

    template <class Thing>
    std::shared_ptr<Thing> make() {
        return std::make_shared<Thing>(things_);
    }
    /// A pair of ends.
    std::pair<std::shared_ptr<connection_end>, std::shared_ptr<connection_end>> connect();
    [[nodiscard]] bool is_readable(const connection_end& end) const {
        return (!end.inbox.empty() && !end.is_slow) || end.other == nullptr || end.is_reset;
    }
    /// 0 or an errno.
    static int send(connection_end& from, sent_message message);

    // --- ports ---
    std::shared_ptr<bound_socket> bind(port_key port, bool holder);
    [[nodiscard]] const std::vector<bound_socket*>& sockets_of(port_key port) const;
    [[nodiscard]] const std::map<port_key, std::vector<bound_socket*>>& ports() const { return ports_; }
    std::set<port_key> strangers;  // ports that another program has

    // --- the daemon's deaths and failures ---
    [[nodiscard]] process& daemon() const { return *daemon_; }
    void start_daemon();  // a new process in the place of the last one
    void kill_daemon();
    void die_at(std::uint64_t nth, death how) { die_at_ = calls_ + nth, how_ = how; }
    void fail_at(std::uint64_t nth, std::uint64_t times) { fail_at_ = calls_ + nth, fail_until_ = fail_at_ + times; }
    /// Of what is asked too often to be counted: calls fail at this time.
    bool fails_now() {
        const bool fails = calls_ + 1 >= fail_at_ && calls_ + 1 < fail_until_;
        failed_ += fails;
        return fails;
    }
    void no_more_faults() { die_at_ = fail_at_ = fail_until_ = 0; }
    [[nodiscard]] std::uint64_t calls() const { return calls_; }
    [[nodiscard]] std::uint64_t failed() const { return failed_; }

    // --- who runs ---
    process* running = nullptr;

    /// What chance decides in a step.
    std::uint64_t random() { return random_.next(); }
    bool chance(std::uint32_t of_thousand) { return random_.chance(of_thousand); }
    void reseed(std::uint64_t seed) { random_ = seeded_random(seed); }

    void complain(std::string what) {
        if (complaint.empty()) complaint = std::move(what);
    }
    std::string complaint;
    [[nodiscard]] std::uint64_t things() const { return things_; }

    /// What the daemon says and hears, for whoever keeps the books.
    std::function<void(connection_end&, const std::vector<std::byte>&)> daemon_hears;
    std::function<void(connection_end&, const sent_message&, int error)> daemon_says;

private:
    friend class daemon_call;
    friend struct bound_socket;
    std::uint64_t things_ = 0;
    std::map<port_key, std::vector<bound_socket*>> ports_;
    std::unique_ptr<process> daemon_;
    seeded_random random_;
    std::uint64_t next_inode_ = 1;
    std::uint64_t calls_ = 0, die_at_ = 0, fail_at_ = 0, fail_until_ = 0, failed_ = 0;
    death how_ = death::before;
};

/// One call of the daemon's, as it goes through the machine. Of other processes: always does.
class daemon_call {
public:
    explicit daemon_call(machine& m);
    ~daemon_call();
    daemon_call(const daemon_call&) = delete;
    daemon_call& operator=(const daemon_call&) = delete;
    /// False: it has no effect and is answered by an error.
    [[nodiscard]] bool goes() const { return goes_; }
    /// Of one that does not go: the daemon is dead, and whatever it hears is heard by nobody.
    [[nodiscard]] bool is_dead() const { return is_dead_; }
    /// Of one that does not go: a half of it may have an effect all the same.
    [[nodiscard]] bool goes_half() const { return goes_half_; }

private:
    machine& machine_;
    bool goes_ = true, is_dead_ = false, goes_half_ = false, dies_after_ = false;
};

}  // namespace berth::simulation
