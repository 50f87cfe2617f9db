// What the daemon decides: creating, removing and finding persistent blocks, and holding them again after any death.
//
// Three places know of a block: the ports (bound sockets), the descriptor store, the block store. The order of every
// change is: ports, descriptor store, block store, answer; and backwards for a removal. So whoever dies in between
// leaves a block that the block store does not name, which start() lets go of, and never one that is named and free.
// Invariant: every stored block is either held (a reservation of the core's) or tried again, and listed as not held.
#pragma once

#include "block_store.hpp"
#include "consumer_desk.hpp"
#include "descriptor_store.hpp"
#include "persistent/message.hpp"
#include "platform/port_provider.hpp"
#include "reservation_core.hpp"
#include "reserved_ports.hpp"

#include <map>
#include <memory>

namespace berth::daemon {

class block_service final : public lender {
public:
    /// All of these outlive the service.
    block_service(platform::port_provider& provider, block_store& store, descriptor_store& keeper,
                  reserved_ports& list, consumer_limits limits = {}, std::chrono::milliseconds rest = {});
    ~block_service() override;
    block_service(const block_service&) = delete;
    block_service& operator=(const block_service&) = delete;

    /// Pre: nothing was called before. Post on success: every stored block is held, or tried again by look_after();
    /// the tokens are of this boot. Fails, with all as it was, if the descriptor store holds more unknown blocks than
    /// a death can leave behind: then the block store is not the one that it should be.
    void start(const boot_id& boot, failure& f);

    /// Decides one request of somebody who may ask. `numbers` of a status are what the service knows of them.
    detail::service_answer answer(const detail::service_request& request);
    /// The same, of a client who may become a consumer: then `connection` is not the caller's any more.
    detail::service_answer answer(const detail::service_request& request, platform::descriptor& connection);

    /// What has to be done again: blocks that are not held, descriptors that could not be removed. Post on success of
    /// the keeper: it holds every socket.
    void look_after();
    /// The keeper died or does not answer: a new one gets everything.
    void renew_keeper();
    [[nodiscard]] bool has_more_to_do() const noexcept {
        return keeper_is_lost_ || !to_forget_.empty() || !to_try_again_.empty() || held_.size() != blocks().size();
    }

    /// Session sockets to those who may ask.
    [[nodiscard]] consumer_desk& desk() noexcept { return desk_; }
    [[nodiscard]] const consumer_desk& desk() const noexcept { return desk_; }
    /// Besides requests, once a turn. True: there is more to do at once.
    bool work();

    // --- for the desk ---
    [[nodiscard]] const stored_block* row_of(reservation_token token) const noexcept override;
    [[nodiscard]] const stored_block* row_of(std::uint64_t id) const noexcept override;
    [[nodiscard]] detail::port_lane* lane_of(std::uint64_t id) const noexcept override;
    void condemned(std::uint64_t id, std::uint32_t index) override;
    [[nodiscard]] bool is_renewing(std::uint64_t id) const noexcept override;
    void keeper_failed(const failure& f) override;
    [[nodiscard]] std::uint64_t network(failure& f) override;

    /// The block store failed in a way that only a new start settles.
    [[nodiscard]] bool must_end() const noexcept { return store_.is_broken(); }

private:
    using held_core = std::shared_ptr<detail::reservation_core>;

    [[nodiscard]] const std::vector<stored_block>& blocks() const noexcept { return store_.contents().blocks; }
    [[nodiscard]] const stored_block* find(transport protocol, const port_block& block) const noexcept;
    void create(const detail::service_request& request, detail::service_answer& out, failure& f);
    void remove(const stored_block& row, failure& f);
    void set_draining(const stored_block& row, bool draining, detail::service_answer& out, failure& f);
    void next_block(std::uint32_t after, detail::service_answer& out) const;
    void status(detail::service_answer& out) const;
    void describe(const stored_block& row, detail::service_answer& out) const;

    std::optional<port_set> plan_list(stored_contents& next);
    void write_list(const std::optional<port_set>& list);
    void start_list(failure& f);
    void list_failed(const failure& f);

    void renew_tokens(const boot_id& boot, failure& f);
    [[nodiscard]] reservation_token new_token() const;
    [[nodiscard]] std::uint64_t new_id() const;
    held_core hold(const stored_block& row, std::vector<platform::held_sockets> inherited, failure& f) const;
    void hold_what_is_not(std::vector<kept_socket>& kept);
    void let_go_without_holder(const stored_block& row, std::vector<kept_socket>& kept,
                               std::vector<platform::held_sockets>& inherited);
    void keep(std::uint64_t id, detail::reservation_core& core, failure& f);
    void look_through(std::uint64_t id, detail::port_lane& lane, const std::vector<bool>& inherited);
    void forget(std::uint64_t id);
    bool may_change(failure& f);
    static void let_go(const held_core& core) noexcept;
    bool release_unknown(const std::vector<kept_socket>& kept, failure& f);

    struct condemned_port {
        std::uint64_t block;
        std::uint32_t index;
    };
    void renew_ports(std::size_t most);

    platform::port_provider& provider_;
    block_store& store_;
    descriptor_store& keeper_;
    reserved_ports& list_;
    std::string why_unlisted_;                  // the system's list cannot be had: why
    std::map<std::uint64_t, held_core> held_;   // by id
    std::map<std::uint64_t, std::string> why_;  // not held: why, as it was logged
    bool keeper_is_lost_ = false;               // it does not hold all that it should
    std::vector<std::uint64_t> to_forget_;      // removed, but still with the keeper
    const std::chrono::milliseconds rest_;      // of a port that comes back from one who is gone
    consumer_desk desk_;
    std::vector<condemned_port> to_renew_, to_try_again_;
};

}  // namespace berth::daemon
