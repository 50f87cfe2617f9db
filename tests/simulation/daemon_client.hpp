// A client of the daemon's in the simulation: it asks, becomes a consumer, and keeps the manners of share_message.hpp.
//
// It holds what it was sent, and nothing else of it is remembered anywhere: what the daemon believes is compared with
// this. One that says what is not so (`is_rude`) is not believed afterwards.
#pragma once

#include "simulation/daemon_machine.hpp"

#include "persistent/share_message.hpp"

#include <optional>

namespace berth::simulation {

class client {
public:
    struct held_port {
        std::shared_ptr<bound_socket> socket;
        bool is_busy = false;
    };

    client(int its_number, credentials whose, bool it_may_ask)
        : number(its_number), who(std::move(whose)), may_ask(it_may_ask) {}

    void connect(machine& m, listening_door& door);
    bool ask(detail::service_request request);
    /// Takes one message and does what it asks for. Empty, or what is wrong with it.
    std::string read(machine& m);
    void fetch(detail::fetch_kind what, std::uint16_t port, std::uint32_t count);
    void give_back(std::size_t from, std::size_t most, bool spoilt);
    void say_holding();
    /// What nobody of ours says. `how`: which of it.
    void be_rude(machine& m, std::uint32_t how);
    void use(std::size_t which);
    /// What found no room before.
    void tidy();
    /// The process ends.
    void die();

    [[nodiscard]] bool is_alive() const { return end != nullptr; }
    [[nodiscard]] bool is_lost() const { return end != nullptr && end->other == nullptr && end->inbox.empty(); }
    /// Everything that the daemon sent was read, and the other way round.
    [[nodiscard]] bool is_calm() const;
    [[nodiscard]] bool waits_for_answer() const { return asked_for.has_value(); }

    int number;
    credentials who;
    bool may_ask;
    std::shared_ptr<connection_end> end;
    std::optional<detail::service_request> asked_for;  // an asker's, not answered yet
    bool is_consumer = false;
    bool is_rude = false;
    transport protocol{};
    port_block block{};
    std::map<std::uint16_t, held_port> has;
    std::set<std::uint32_t> fetching;  // ids
    std::vector<detail::service_answer> answers;  // that were read and not yet looked at

private:
    std::string read_as_consumer(const sent_message& came);
    bool say(const std::vector<std::byte>& bytes, std::vector<thing_ref> things = {});
    bool say_share(const detail::share_message& message);
    void send_idle(std::uint32_t most, bool answers_recall);

    std::uint32_t asked_ = 0;
    std::uint64_t epoch_ = 0, number_ = 0;
    bool wants_all_ = false;
    bool must_say_holding_ = false;
};

}  // namespace berth::simulation
