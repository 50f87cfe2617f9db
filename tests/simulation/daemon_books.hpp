// What the daemon has said, in the order in which it said it, and so what must be the case: the model of the blocks.
//
// It reads every message that goes in and out of the daemon. A request that was heard is answered once, by what the
// rows say, or its connection is over. A change that was answered is in the rows from then on; one that was not, or
// whose failure ends the daemon, is open, and the store's contents after the next start say which it was. A token is
// the block's as long as block and boot last, and never another's before or after.
#pragma once

#include "simulation/daemon_machine.hpp"

#include "persistent/message.hpp"
#include "stored_blocks.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace berth::simulation {

class daemon_books {
public:
    struct row {
        transport protocol{};
        tcp_use use{};
        port_block block{};
        reservation_token token{};
        bool is_draining = false;
    };

    /// What the books ask of who keeps the machine: whether such a failure has a cause now.
    std::function<bool(const detail::service_request&)> may_fail;
    std::function<bool()> store_is_broken;
    std::function<std::uint32_t(const row&)> ports_out;  // as the daemon's ledgers have it
    std::function<std::uint32_t(const row&)> with_consumers;  // as the consumers themselves have it

    void begins(int client, bool may_ask);
    void hears(int client, const std::vector<std::byte>& bytes);
    void says(int client, const sent_message& message, int error);
    /// The store's contents as a daemon that runs has them. `after_start`: it has started, and this is its boot.
    void compare(const daemon::stored_contents& contents, bool after_start);
    /// The daemon is no more: what it has not answered is open.
    void daemon_ends();
    /// The administrator begins without any block.
    void begin_anew();
    /// A request of this client's was read and is not answered.
    [[nodiscard]] bool is_owed(int client) const { return conversations_.at(client).pending.has_value(); }

    [[nodiscard]] const std::vector<row>& rows() const { return rows_; }
    [[nodiscard]] const row* of(reservation_token token) const;
    [[nodiscard]] const row* of(transport protocol, const port_block& block) const;
    /// Its removal is under way.
    [[nodiscard]] bool is_leaving(const row& r) const;
    [[nodiscard]] bool is_consumer(int client) const { return conversations_.at(client).is_consumer; }
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

    std::string broke;
    std::uint64_t created = 0, removed = 0, refused = 0, resurrected = 0, undone = 0;

private:
    struct conversation {
        bool may_ask = false;
        bool is_consumer = false;
        std::optional<detail::service_request> pending;
        reservation_token token{};
        std::multiset<std::uint32_t> fetching;  // a rude one repeats itself
        std::uint64_t sent = 0;
    };
    void breaks(std::string what) {
        if (broke.empty()) broke = std::move(what);
    }
    void note(std::uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001b3u; }
    void answered(conversation& c, const detail::service_request& request, const detail::service_answer& answer);
    void created_one(const detail::service_request& request, const detail::service_answer& answer);
    void failed(const detail::service_request& request, const detail::service_answer& answer);
    void shared(conversation& c, const sent_message& message);
    bool explains(const daemon::stored_block* now, const row* was);

    std::vector<row> rows_;
    std::map<int, conversation> conversations_;
    std::set<std::uint64_t> tokens_;              // that any block ever had
    std::vector<detail::service_request> open_;  // changes of which nobody knows whether they are
    bool is_broken_ = false, may_differ_ = false;
    std::optional<daemon::boot_id> boot_;
    std::uint64_t digest_ = 0xcbf29ce484222325u;
};

}  // namespace berth::simulation
