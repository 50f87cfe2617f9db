// intruder_crew: child processes that try to get a socket onto somebody else's ports, in a tight loop, until stopped.
//
// One child keeps this process's uid and rights; a second one is uid 65534 when we are root (otherwise the same uid
// again). They are told through a shared page which ports to attack and which of them changes hands right now. A hit
// is a socket of theirs whose local port, by getsockname, is an attacked one. Every second hit is kept open, so that
// a closing check can find it, and listens and reads what was meant for the victim; the others are closed. Make the
// crew before the first socket that must be nobody else's: children close what they inherit, but only a moment after
// fork. They die with this process.
#pragma once

#include "attack_variations.hpp"

#include <sys/types.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace berth::test {

struct intruder_page;

/// What the children did so far, all together.
struct intruder_report {
    std::uint64_t tries = 0;
    std::uint64_t bound = 0;            ///< hits
    std::uint64_t listening = 0;        ///< hits that could listen as well
    std::uint64_t received = 0;         ///< datagrams and connections that reached a kept hit
    std::uint64_t broken_promises = 0;  ///< hits whose attempt began and ended while the promise stood
    std::uint64_t rounds = 0;           ///< complete passes over the list, of the slowest child
    std::uint32_t variations = 0;
    std::uint32_t skipped = 0;      ///< not permitted, or no such address here; of the child that skipped most
    std::vector<std::string> hits;  ///< each variation that hit, with its count
};
std::ostream& operator<<(std::ostream& out, const intruder_report& r);

class intruder_crew {
public:
    explicit intruder_crew(attacked what);
    ~intruder_crew();
    intruder_crew(const intruder_crew&) = delete;
    intruder_crew& operator=(const intruder_crew&) = delete;

    /// Post: every child attacks these ports and no others. count 0: they rest.
    void attack(std::uint16_t first, std::uint32_t count);
    /// As attack(), but nobody moves before changing_hands() names the first port, and nobody touches a port above
    /// the one that was named last: for ports that are free until they are reserved one by one.
    void lie_in_wait(std::uint16_t first, std::uint32_t count);
    /// Three of four attempts go to this port from now on; 0: to all alike. A store, for use in a hot loop.
    void changing_hands(std::uint16_t port) noexcept;
    /// From now until promise_ends(), no attempt may succeed.
    void promise_begins() noexcept;
    void promise_ends() noexcept;
    /// Post: the children rest and have closed every socket that they kept.
    void let_go();
    /// Sockets that the children keep on this port.
    [[nodiscard]] std::uint32_t inside(std::uint16_t port) const noexcept;

    [[nodiscard]] intruder_report report() const;
    /// Attempts so far; cheap.
    [[nodiscard]] std::uint64_t tries() const noexcept;
    [[nodiscard]] std::uint64_t hits() const noexcept;
    /// Ends the children and returns their last report. Idempotent.
    intruder_report stop();

private:
    void give_order(std::uint16_t first, std::uint32_t count, bool ambush, bool drop_kept);
    void await_children();

    attacked what_;
    std::vector<attack_variation> variations_;
    intruder_page* page_;
    std::vector<pid_t> children_;
};

}  // namespace berth::test
