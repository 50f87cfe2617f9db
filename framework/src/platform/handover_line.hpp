// The connection over which one process hands its sockets to the next, and the door at which it waits for that one.
//
// Messages arrive whole, with all of their descriptors, or not at all; descriptors that were received are owned. A
// process that ends closes its end; so does one that gives up, and predecessor_is_dead tells the two apart.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace berth::platform {

constexpr std::size_t most_descriptors_of_message = 253;
constexpr std::size_t most_bytes_of_message = 32768;

/// A descriptor that came in a message. Closes what it owns.
class handed_descriptor {
public:
    handed_descriptor() noexcept = default;
    explicit handed_descriptor(native_socket fd) noexcept : fd_(fd) {}
    handed_descriptor(handed_descriptor&& other) noexcept : fd_(other.release()) {}
    handed_descriptor& operator=(handed_descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~handed_descriptor();
    [[nodiscard]] native_socket get() const noexcept { return fd_; }
    native_socket release() noexcept { return std::exchange(fd_, -1); }

private:
    native_socket fd_ = -1;
};

struct handover_message {
    std::vector<std::byte> bytes;
    std::vector<handed_descriptor> descriptors;
};

enum class line_state : std::uint8_t {
    fine,
    gone,     // the other side ended the connection
    late,     // it did not answer in time
    crowded,  // no room for the descriptors: RLIMIT_NOFILE of this process
    flooded,  // too many descriptors are under way in messages: RLIMIT_NOFILE of the sender
    failed,
};

class handover_line {
public:
    /// The successor's end. Errors: service_unavailable (nobody offers there), permission_denied (also: who offers is
    /// of another uid), operation_aborted (so many wait that there was no place in line until `until`),
    /// invalid_argument (the address), too_many_files, operation_not_supported.
    static std::shared_ptr<handover_line> connect(const std::string& address, failure& f,
                                                  std::chrono::steady_clock::time_point until = {});
    explicit handover_line(handed_descriptor connection) noexcept : connection_(std::move(connection)) {}

    /// Waits until `until`; in the past: not at all.
    line_state send(std::span<const std::byte> bytes, std::span<const native_socket> descriptors,
                    std::chrono::steady_clock::time_point until) noexcept;
    line_state receive(handover_message& out, std::chrono::steady_clock::time_point until);
    /// True once the other side has ended. Pre: it has nothing more to say.
    [[nodiscard]] bool is_closed() const noexcept;
    /// Ends it for the other side, also while somebody keeps this object.
    void hang_up() noexcept;
    [[nodiscard]] native_socket descriptor() const noexcept { return connection_.get(); }

private:
    friend class handover_door;
    handed_descriptor connection_;
    std::shared_ptr<handover_line> kept_before_;  // of those that stay until the process ends
};

/// Waits a moment: a process that is killed closes its connections shortly before it is dead. `process`: as
/// handover_door::process() gave it; -1: not known, then false.
bool predecessor_is_dead(native_socket process) noexcept;

/// Descriptors that are open here, and how many may be.
void count_descriptors(std::uint64_t& open, std::uint64_t& limit) noexcept;

class handover_door {
public:
    enum class event : std::uint8_t {
        none,
        message,
        stranger,  // connected, but of another uid: answer and hang up
        gone,      // the successor ended the connection
        unclear,   // it is there, and what it said could not be had
        late,      // it said nothing for as long as patience() allows
        failed,    // nobody can be let in: too_many_files, …
    };

    /// `address`: a path, or '@' and a name that is in no file system. already_bound: somebody offers there.
    static std::unique_ptr<handover_door> open(const std::string& address, failure& f);
    /// The same listening socket, from a predecessor; on failure it stays the caller's. If its path is no more,
    /// another one is opened there.
    static std::unique_ptr<handover_door> take(handed_descriptor& listener, const std::string& address, failure& f);
    ~handover_door();
    handover_door(const handover_door&) = delete;
    handover_door& operator=(const handover_door&) = delete;

    /// Readable when next() has something to say. Stays the door's.
    [[nodiscard]] native_socket waits_on() const noexcept { return waits_on_.get(); }
    /// Never waits. One successor at a time; further ones queue.
    event next(handover_message& out, failure& f);
    line_state answer(std::span<const std::byte> bytes, std::span<const native_socket> descriptors) noexcept;
    /// How long a silence of the successor's is borne from its next word on; zero: for ever.
    void patience(std::chrono::milliseconds time) noexcept;
    void hang_up() noexcept;
    /// The successor has all: its connection stays until this process ends, and nobody else is let in here.
    void close_behind() noexcept;
    [[nodiscard]] native_socket listener() const noexcept { return listener_.get(); }
    /// What tells the successor that this process has ended; -1: this system cannot.
    [[nodiscard]] native_socket process() const noexcept { return process_.get(); }
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

private:
    handover_door() = default;
    bool watch(native_socket fd, bool on) noexcept;
    bool set_up(failure& f);
    event let_in(failure& f);

    std::string address_;
    std::pair<std::uint64_t, std::uint64_t> place_;  // device and inode of the path
    handed_descriptor listener_, waits_on_, timer_, process_;
    std::shared_ptr<handover_line> line_;
    std::chrono::milliseconds patience_{0};
};

}  // namespace berth::platform
