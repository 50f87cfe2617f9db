// Every verb of held_block over the simulated kernel's tables.
#include "support/simulated_block.hpp"

#include <utility>

namespace berth::test {

using platform::named_by;
using platform::park_result;
using platform::renewal;

/// Complains if another thread is at work on the index, if it is not held, or if it is in the wrong state.
class simulated_block::turn {
public:
    turn(simulated_block& block, std::uint32_t index, const char* verb)
        : block_(block), port_(*block.ports_[index]), index_(index), verb_(verb) {
        ++port_.touched;  // before anything that a thread sanitizer could take for an order
        if (port_.busy.exchange(true, std::memory_order_relaxed)) complain("is at work for another thread");
        if (!port_.held.load(std::memory_order_relaxed)) complain("is not held");
        if (!block.sealed_) complain("is not sealed");
    }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() { port_.busy.store(false, std::memory_order_relaxed); }

    void needs(bool condition, const char* precondition) {
        if (!condition) complain(precondition);
    }
    simulated_port* operator->() { return &port_; }

private:
    void complain(const char* what) {
        block_.kernel_.complain(std::string(verb_) + ": port " + std::to_string(block_.number(index_)) + " " + what);
    }
    simulated_block& block_;
    simulated_port& port_;
    const std::uint32_t index_;
    const char* const verb_;
};

simulated_block::simulated_block(simulated_provider& kernel, const platform::hold_request& request)
    : kernel_(kernel), request_(request) {}

simulated_block::~simulated_block() {
    if (is_waiting_) {
        const std::lock_guard lock(kernel_.mutex_);
        std::erase(kernel_.waiting_, this);
    }
    for (std::uint32_t i = 0; i < held(); ++i) {
        if (!dropped_[i]) drop(i);
    }
}

void simulated_block::end_wait() noexcept {
    is_waiting_ = false;
    request_.waker->wake();
}

void simulated_block::hold(std::uint32_t most, failure& f) {
    f = {};
    if (is_waiting_) return;
    if (request_.waker != nullptr && kernel_.strikes(simulated_faults::at::wait, number(held())) != errc{}) {
        is_waiting_ = true;
        const std::lock_guard lock(kernel_.mutex_);
        kernel_.waiting_.push_back(this);
        return;
    }
    for (; most != 0 && held() < indices(); --most) {
        const std::uint32_t of_port = held() % request_.sessions_per_port;
        const std::uint16_t n = number(held());
        if (kernel_.step_fails(simulated_faults::at::hold, f, 1, n)) return;
        auto& port = kernel_.port(tcp(), n, of_port);
        const std::lock_guard lock(kernel_.mutex_);
        if (of_port == 0) {
            if (kernel_.holders_.count({tcp(), n}) != 0 || kernel_.taken_by_others({tcp(), n})) {
                f = {errc::block_unavailable, "port " + std::to_string(n) + " is in use", 1, n};
                return;
            }
            kernel_.holders_.insert({tcp(), n});
        }
        ports_.push_back(&port);
        dropped_.push_back(false);
        port.held = true, port.audible = false, port.unfit = false, port.queued = 0, port.event_queue_names = false;
        give_fresh_session(held() - 1);
    }
}

void simulated_block::give_fresh_session(std::uint32_t index) {
    ports_[index]->inode = kernel_.next_inode_++;
    ports_[index]->session = kernel_.add({.tcp = tcp(), .port = number(index), .inode = ports_[index]->inode});
}

bool simulated_block::seal_some(std::uint32_t, failure& f) {
    f = {};
    if (held() != indices()) kernel_.complain("seal before every port is held");
    if (kernel_.step_fails(simulated_faults::at::seal, f, 1, request_.block.first)) return false;
    sealed_ = true;
    return false;
}

error_code simulated_block::open(std::uint32_t index, std::uint32_t& discarded) noexcept {
    turn port(*this, index, "open");
    port.needs(!port->audible && !port->unfit && port->session != -1, "is not parked");
    discarded += port->queued.exchange(0);
    kernel_.emptied(port->inode);
    if (port->open_fails) return errc::system_failure;
    if (const errc code = kernel_.strikes(simulated_faults::at::open, number(index)); code != errc{}) return code;
    port->audible = true;
    return {};
}

park_result simulated_block::park(std::uint32_t index, bool) noexcept {
    turn port(*this, index, "park");
    port.needs(port->audible, "is not open");
    port->audible = false;
    kernel_.emptied(port->inode);
    if (port->park_condemns || kernel_.strikes(simulated_faults::at::park, number(index)) != errc{}) port->unfit = true;
    return {.discarded = port->queued.exchange(0), .condemned = port->unfit};
}

void simulated_block::lose(std::uint32_t index) noexcept {
    turn port(*this, index, "lose");
    port.needs(port->audible, "is not open");
    port->audible = false, port->unfit = true, port->queued = 0;
    port->session = -1;  // closed, or somebody else's to close
    kernel_.emptied(port->inode);
}

bool simulated_block::has_session(std::uint32_t index) noexcept {
    const std::lock_guard lock(kernel_.mutex_);
    return kernel_.names(ports_[index]->session, ports_[index]->inode);
}

native_socket simulated_block::duplicate(std::uint32_t index, error_code& ec) noexcept {
    if (ec = kernel_.strikes(simulated_faults::at::duplicate, number(index)); ec.value() != 0) return -1;
    const std::lock_guard lock(kernel_.mutex_);
    ec = {};
    return kernel_.add(kernel_.open_.at(ports_[index]->session));
}

void simulated_block::hand_over(std::uint32_t index, native_socket target, failure& f) {
    turn port(*this, index, "hand_over");
    port.needs(port->audible, "is not open");
    f = {};
    if (port->hand_over_fails) {
        f = {errc::option_refused, "hand_over was told to fail", 0};
        return;
    }
    if (const errc code = kernel_.strikes(simulated_faults::at::hand_over, number(index)); code != errc{}) {
        f = {code, "chance struck", 0};
        return;
    }
    const std::lock_guard lock(kernel_.mutex_);
    kernel_.open_.at(target) = kernel_.open_.at(port->session);
}

void simulated_block::find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t>,
                                 std::vector<named_by>& names) {
    names.clear();
    for (const auto index : indices) {
        auto& port = *ports_[index];
        const bool named = kernel_.names_of(port.inode, port.session) != 0;
        names.push_back(named                    ? named_by::descriptor
                        : port.event_queue_names ? named_by::event_queue
                                                 : named_by::nobody);
    }
}

renewal simulated_block::renew(std::uint32_t index) noexcept {
    turn port(*this, index, "renew");
    port.needs(!port->audible, "is not condemned");
    const native_socket old = port->session;
    if (kernel_.names_of(port->inode, old) != 0) return renewal::still_named;
    if (kernel_.strikes(simulated_faults::at::still_named, number(index)) != errc{}) return renewal::still_named;
    if (old != -1) kernel_.close_if_names(old, port->inode);
    port->session = -1, port->unfit = true;
    kernel_.emptied(port->inode);
    if (port->renew_fails) return renewal::failed;
    if (kernel_.strikes(simulated_faults::at::renew, number(index)) != errc{}) return renewal::failed;
    const std::lock_guard lock(kernel_.mutex_);
    give_fresh_session(index);
    port->unfit = false, port->event_queue_names = false;
    return renewal::renewed;
}

std::uint32_t simulated_block::heard(std::uint32_t index) noexcept {
    turn port(*this, index, "heard");
    return port->heard;
}

void simulated_block::drop(std::uint32_t index) noexcept {
    auto& port = *ports_[index];
    ++port.touched;
    if (port.busy.exchange(true)) kernel_.complain("drop: another thread is at work");
    if (std::exchange(dropped_[index], true)) {
        kernel_.complain("drop: dropped already");
        return;
    }
    port.held = port.audible = false;
    if (port.session != -1) kernel_.close_if_names(port.session.exchange(-1), port.inode);
    kernel_.emptied(port.inode);
    let_go_of_port(index);
    port.busy = false;
}

// The holder goes with the last session socket.
void simulated_block::let_go_of_port(std::uint32_t index) {
    const std::lock_guard lock(kernel_.mutex_);
    const std::uint32_t first = index - index % request_.sessions_per_port;
    for (std::uint32_t i = first; i < first + request_.sessions_per_port && i < held(); ++i) {
        if (ports_[i]->held) return;
    }
    const auto holder = kernel_.holders_.find({tcp(), number(index)});
    if (holder != kernel_.holders_.end()) kernel_.holders_.erase(holder);
}

// Its lane never destroys it.
void simulated_block::abandon() noexcept {}

}  // namespace berth::test
