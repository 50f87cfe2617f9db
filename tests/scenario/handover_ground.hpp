// Other processes for the tests of a hand-over, and what a port must be like afterwards.
#pragma once

#include <berth/handover.hpp>

#include "support/oracle.hpp"

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace berth::test {

/// The one end of a pair of sockets whose messages are words.
class word_channel {
public:
    explicit word_channel(int fd) : fd_(fd) {}
    word_channel(const word_channel&) = delete;
    word_channel& operator=(const word_channel&) = delete;
    ~word_channel();
    void say(const std::string& word) const;
    /// Empty: the other side is gone, or said nothing for as long.
    [[nodiscard]] std::string hear(int milliseconds = 20'000) const;

private:
    int fd_;
};

/// A process that runs a function, and is killed with this object. Made by fork, so before this process has sockets.
class other_process {
public:
    explicit other_process(const std::function<void(const word_channel&)>& body);
    ~other_process();
    other_process(const other_process&) = delete;
    other_process& operator=(const other_process&) = delete;
    [[nodiscard]] const word_channel& channel() const { return *channel_; }
    void kill() const;
    /// As waitpid says it. Killed if it has not ended within a minute.
    int wait();

private:
    pid_t pid_ = -1;
    std::optional<word_channel> channel_;
};

/// Starts children, one after the other, from a process that has no sockets.
class nursery {
public:
    explicit nursery(const std::function<void(int order)>& child);
    void start(int order) const;
    /// The child's end, as waitpid says it; nothing yet: nullopt.
    [[nodiscard]] std::optional<int> ended(int milliseconds) const;

private:
    other_process process_;
};

/// This process ends by SIGKILL at the n-th step of a hand-over; 0: never.
void die_at_step(int n);

[[nodiscard]] std::string fresh_address();
/// A wildcard block of UDP ports.
[[nodiscard]] reservation_request udp_block(std::uint32_t count);
/// Offers, until a successor has completed.
void hand_over(handover_offer& offer);
/// Offers "ports", and its UDP port `room`, if there is one, under the name "room"; says "ready", and hands over.
void hand_over(const port_reservation& ports, const std::string& address, const word_channel& words,
               const bound_port* room = nullptr);
/// Binds by every plain way fail on each port of the block.
void expect_shut(const port_block& block, transport protocol);
/// Nobody has a socket there.
void expect_free(const port_block& block, transport protocol);
/// Every port can be drawn, and is given back.
void expect_whole(port_reservation& ports, transport protocol, std::uint32_t count);
/// A client that connects, is accepted, and hears back.
void expect_accepts(native_handle_type listener, std::uint16_t port);
void expect_hears(native_handle_type udp, std::uint16_t port);

}  // namespace berth::test
