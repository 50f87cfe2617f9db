// Who keeps the daemon's sockets in the simulation, and the system's list of reserved ports.
//
// What is kept outlives the daemon. Two siblings: a process of berth's own, with which the connection may be lost
// though it lives, and which may die with all that it has; or the service manager, which only has a limit.
#pragma once

#include "simulation/daemon_machine.hpp"

#include "descriptor_store.hpp"
#include "reserved_ports.hpp"

namespace berth::simulation {

struct keeping {
    std::map<daemon::kept_key, thing_ref> kept;
    std::shared_ptr<connection_end> end;  // the keeper's own; nullptr: no daemon is connected
    bool is_manager = false;
    std::size_t most = 4096;
    bool was_lost = false;  // since the last daemon began: something of it is gone
    void die() {
        kept.clear();
        end.reset();
        was_lost = true;
    }
};

class keeper_seen final : public daemon::descriptor_store {
public:
    keeper_seen(machine& m, keeping& there);
    ~keeper_seen() override;
    void put(std::span<const daemon::kept_socket> sockets, failure& f) override;
    void fetch(std::vector<daemon::kept_socket>& out, failure& f) override;
    void remove(std::span<const daemon::kept_key> keys, failure& f) override;
    void remove_block(std::uint64_t block, failure& f) override;
    [[nodiscard]] int handle() const noexcept override { return handle_; }
    bool renew(failure& f) override;
    [[nodiscard]] std::string describe() const override { return "a keeper of the simulation's"; }

private:
    bool connect();
    void disconnect();
    bool asks(failure& f);

    machine& machine_;
    keeping& there_;
    int handle_ = -1;
};

class simulated_list final : public daemon::reserved_ports {
public:
    explicit simulated_list(machine& m) : machine_(m) {}
    std::optional<daemon::port_set> read(failure& f) override;
    void write(const daemon::port_set& ports, failure& f) override;

    daemon::port_set listed, foreign;  // as the system has it; what others have put there
    bool cannot_be_read = false, cannot_be_written = false;
    bool was_refused = false;   // since the last daemon began
    bool ever_refused = false;  // since the system did

private:
    machine& machine_;
};

}  // namespace berth::simulation
