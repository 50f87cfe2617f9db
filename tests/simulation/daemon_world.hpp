// The daemon in a world of its own: its store, service, desk and loop over the machine, with clients around it.
//
// One thread, one step after the other. After each step the daemon's books, the machine's sockets, what the keeper has
// and what the clients have are compared. A daemon that died stays dead until a step starts the next one; meanwhile the
// ports must stay held as long as the keeper is well.
#pragma once

#include "simulation/daemon_books.hpp"
#include "simulation/daemon_client.hpp"
#include "simulation/daemon_disk.hpp"
#include "simulation/daemon_keeper.hpp"
#include "simulation/daemon_ports.hpp"
#include "simulation/simulation.hpp"

#include "daemon_loop.hpp"

namespace berth::simulation {

enum class daemon_step : std::uint8_t {
    turn, ask, read, fetch, connect, give_back, spoil, use, say_holding, be_rude, client_dies, time_passes, start, stop,
    kill, kill_later, power_fails, calls_fail, keeper_dies, stranger, damage, list, descriptors, unfit_ports, calm
};
enum class daemon_mark : std::uint8_t {
    created, removed, restarted, died, died_in_a_call, lost_power, call_failed, keeper_died, set_aside, damage_unread,
    anew, taken, fetched, shut_out, busy_remove, not_held, held_again, resurrected, undone, stranger_refused, new_boot,
    store_broken, list_refused, manager
};

class daemon_world final : public world {
public:
    daemon_world(std::uint64_t seed, tally& reached);
    ~daemon_world() override;
    outcome go(const step& s) override;
    std::string end() override;
    [[nodiscard]] std::uint64_t digest() const override;

private:
    struct running_daemon;
    static constexpr std::uint16_t lowest_port = 20000;

    bool act(const step& s);
    void turn(bool everything_came);

    // daemon_asking.cpp
    bool ask(const step& s);
    [[nodiscard]] detail::service_request request_for(const step& s) const;
    void read(client& c);
    void look_at_answers(client& c);
    bool connect(const step& s);

    bool change_list(const step& s);
    bool strangers_come(const step& s);
    bool damage(const step& s);

    void start();
    void administer(const std::string& why);
    void end_daemon(bool by_death);
    void settle_death();
    void power_fails();
    void calm();

    // daemon_checks.cpp
    std::string check();
    std::string check_calm();
    std::string check_ports();
    std::string check_exclusive();
    std::string check_lanes();
    [[nodiscard]] std::string check_holders_first() const;
    std::string check_kept();
    std::string check_list();
    [[nodiscard]] bool is_calm() const;
    [[nodiscard]] bool is_in_use(const daemon_books::row& row) const;
    [[nodiscard]] bool are_all_held(const daemon_books::row& row) const;
    [[nodiscard]] std::uint32_t with_consumers(const daemon_books::row& row) const;
    [[nodiscard]] bool may_fail(const detail::service_request& request) const;
    [[nodiscard]] bool is_running() const { return daemon_ != nullptr; }
    /// One of those that are such; nullptr: none is.
    template <class Such>
    client* pick(std::uint16_t which, Such such) {
        std::vector<client*> found;
        for (const auto& c : clients_) {
            if (c->is_alive() && such(*c)) found.push_back(c.get());
        }
        return found.empty() ? nullptr : found[which % found.size()];
    }

    tally& reached_;
    machine machine_;
    disk disk_;
    machine_ports ports_;
    keeping keeping_;
    simulated_list list_;
    daemon_books books_;
    std::vector<std::unique_ptr<client>> clients_;
    int next_client_ = 1;
    daemon::boot_id boot_{1, 1};
    std::unique_ptr<running_daemon> daemon_;
    std::shared_ptr<listening_door> door_;
    std::vector<daemon_books::row> settled_;  // held, and the keeper has all of them: a death changes nothing
    struct {
        std::uint64_t call = 0;
        std::uint32_t how = 0;
        bool dies = false;
    } start_with_;  // what becomes of the next start
    std::set<std::uint64_t> not_held_;        // blocks that were not, when they were looked at last
    std::vector<std::uint64_t> old_tokens_;
    std::optional<std::map<std::string, std::string>> good_;  // the store before it was damaged
    std::uint64_t failed_before_ = 0;  // calls, as the turn began
    bool is_forgiving_ = false;        // a call failed in the life of this daemon
};

subject daemon_subject();

}  // namespace berth::simulation
