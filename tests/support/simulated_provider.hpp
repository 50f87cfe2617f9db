// A port_provider without a kernel: sockets are numbers, packets are counted, and every verb can be made to fail.
//
// Invariant: it keeps each sentence of port_provider.hpp, and watches that its caller does: whoever breaks a
// precondition (two threads on one index, park of a parked socket, a port dropped twice ...) finds a complaint. The
// verbs of the fast path take no lock and write plain memory of their port, so that a thread sanitizer sees every
// hand-over of an index that the reservation does not order.
#pragma once

#include "platform/port_provider.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth::test {

using platform::native_socket;

/// One port of a block that was asked for: what the tests set and see. Lives as long as its provider.
struct simulated_port {
    // switches
    std::atomic<bool> open_fails{false};
    std::atomic<bool> park_condemns{false};
    std::atomic<bool> renew_fails{false};
    std::atomic<bool> hand_over_fails{false};
    std::atomic<bool> event_queue_names{false};
    // what the "kernel" knows
    std::atomic<bool> held{false};
    std::atomic<bool> audible{false};
    std::atomic<bool> unfit{false};
    std::atomic<std::uint32_t> queued{0};  // packets that the session socket would read
    std::atomic<std::uint32_t> heard{0};
    std::atomic<native_socket> session{-1};
    std::atomic<std::uint64_t> inode{0};  // of the session socket, also when its descriptor is lost
    // the watch over the caller
    std::atomic<bool> busy{false};
    std::uint64_t touched = 0;  // plain on purpose
};

/// Where chance may strike, for a simulation; asked at each of these steps.
class simulated_faults {
public:
    enum class at : std::uint8_t { prepare, hold, seal, wait, open, park, hand_over, renew, still_named, duplicate };
    /// errc{}: not now. `wait` and `park`: any code means that it takes its time, or condemns.
    virtual errc strikes(at where, std::uint16_t port) noexcept = 0;
    /// The session socket of this inode was emptied, by park, by open or because it is no more.
    virtual void emptied(std::uint64_t inode) noexcept = 0;

protected:
    ~simulated_faults() = default;
};

class simulated_block;

class simulated_provider final : public platform::port_provider {
public:
    static constexpr std::uint32_t never = ~std::uint32_t{0};

    // --- what a test arranges ---
    /// The n-th step of reserving (each prepare, each port held, each seal is one) fails with `code`; 0 is the first.
    void fail_step(std::uint32_t n, errc code) { fail_at_ = n, fail_code_ = code, steps_ = 0; }
    [[nodiscard]] std::uint32_t steps() const noexcept { return steps_; }
    /// Somebody else has the port; unseen: only bind notices, as if he had come just now.
    void occupy(bool tcp, std::uint16_t port, bool unseen = false);
    /// And goes again.
    void vacate(bool tcp, std::uint16_t port);
    /// nullptr: chance strikes nowhere.
    void set_faults(simulated_faults* faults) noexcept { faults_ = faults; }
    /// As a system does it: the lowest number that is free, so that one which was closed soon names another socket.
    void reuse_numbers() noexcept { reuses_numbers_ = true; }
    /// Descriptors that may be open at once; what is more is refused.
    void limit_sockets(std::uint32_t most) noexcept { most_sockets_ = most; }
    /// Blocks that take their time to hold go on; whoever waits is told. Returns how many did.
    std::uint32_t end_waits();
    /// `session`: which of the port's session sockets, where it has several.
    simulated_port& port(bool tcp, std::uint16_t number, std::uint32_t session = 0);
    native_socket make_socket(bool tcp);  ///< -1: there are no more
    void deliver(bool tcp, std::uint16_t number);

    // --- what a test sees ---
    [[nodiscard]] std::uint32_t holders() const;
    [[nodiscard]] std::uint32_t sockets() const;  // descriptors that are not closed
    [[nodiscard]] bool is_free(bool tcp, std::uint16_t number) const;
    [[nodiscard]] std::uint32_t queued(native_socket socket) const;
    /// 0: unbound, or no descriptor.
    [[nodiscard]] std::uint16_t bound_port_of(native_socket socket) const;
    [[nodiscard]] bool has_complaints() const;
    [[nodiscard]] std::vector<std::string> complaints() const;

    // --- port_provider ---
    capabilities facts(parking preference) override;
    std::unique_ptr<platform::held_block> prepare(const platform::hold_request& request, failure& f) override;
    std::unique_ptr<platform::port_survey> begin_survey(platform::port_kind kind) override;
    std::uint64_t network_namespace(error_code& ec) noexcept override {
        ec = {};
        return 1;
    }
    error_code inspect(native_socket socket, platform::socket_facts& out) noexcept override;
    error_code recognise(native_socket socket, platform::socket_facts& out) noexcept override {
        return inspect(socket, out);
    }
    std::uint64_t inode_of(native_socket socket) noexcept override;
    bool is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept override;
    void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) override;
    error_code close(native_socket socket) noexcept override;

private:
    friend class simulated_block;
    using key = std::pair<bool, std::uint16_t>;  // TCP?, port
    struct description {
        bool tcp = false;
        std::uint16_t port = 0;  // 0: unbound
        std::uint64_t inode = 0;
    };

    void mark_used(bool tcp, platform::port_map& out);
    bool step_fails(simulated_faults::at where, failure& f, std::uint32_t count, std::uint16_t port = 0);
    [[nodiscard]] errc strikes(simulated_faults::at where, std::uint16_t port) const noexcept {
        return faults_ != nullptr ? faults_->strikes(where, port) : errc{};
    }
    void emptied(std::uint64_t inode) const noexcept {
        if (faults_ != nullptr) faults_->emptied(inode);
    }
    bool taken_by_others(key n) const;  // with the mutex held
    native_socket add(description d);   // with the mutex held
    [[nodiscard]] bool names(native_socket socket, std::uint64_t inode) const;  // with the mutex held
    void close_if_names(native_socket socket, std::uint64_t inode);
    [[nodiscard]] std::uint32_t names_of(std::uint64_t inode, native_socket except) const;
    void complain(std::string what) noexcept;

    mutable std::mutex mutex_;
    std::map<std::pair<key, std::uint32_t>, std::unique_ptr<simulated_port>> ports_;
    std::map<native_socket, description> open_;
    std::multiset<key> holders_;
    std::map<key, bool> strangers_;  // value: seen by survey
    std::vector<std::string> complaints_;
    std::vector<simulated_block*> waiting_;
    simulated_faults* faults_ = nullptr;
    native_socket next_ = 1000;
    bool reuses_numbers_ = false;
    std::uint32_t most_sockets_ = never;
    static inline std::atomic<std::uint64_t> next_inode_{1};  // of the process: its tables know sockets by it
    std::uint32_t fail_at_ = never;
    errc fail_code_{};
    std::uint32_t steps_ = 0;
};

}  // namespace berth::test
