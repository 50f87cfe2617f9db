// Which consumer has which ports: sockets go out, come back, and are wanted back.
//
// A consumer is a connection with a ledger, and both are with the descriptor store too: a daemon that starts again
// has them as they were, and hears from each consumer what it really has before it serves it (`settling`): an answer
// to this daemon's own question, which carries its epoch. A `holding` speaks of what was sent up to the message that
// it names, and of nothing that is still on its way. The end of the connection is the end of the consumer, and
// nothing else is: one that misbehaves is not served any more (`shut_out`), but its ports stay its own until it is
// gone, because it has their sockets. Invariant: no port is in two ledgers, and a port in a ledger is out in its
// block's lane. Nothing here waits for a consumer.
#pragma once

#include "connection_watch.hpp"
#include "descriptor_store.hpp"
#include "persistent/share_message.hpp"
#include "platform/ledger.hpp"
#include "port_lane.hpp"
#include "stored_blocks.hpp"

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>

namespace berth::daemon {

struct consumer_limits {
    std::uint32_t consumers = 512;
    std::uint32_t of_one_user = 384;        // of these: the others' are left for other users
    std::uint32_t ports = 65536;            // for each
    std::chrono::milliseconds recall{100};  // to answer when ports are wanted back
    std::uint32_t pieces = 256;             // ports of one who is gone that are brought back in a turn
};

/// What the desk asks of whoever keeps the blocks.
class lender {
public:
    virtual ~lender() = default;
    [[nodiscard]] virtual const stored_block* row_of(reservation_token token) const noexcept = 0;
    [[nodiscard]] virtual const stored_block* row_of(std::uint64_t id) const noexcept = 0;
    /// nullptr: it is not held now.
    [[nodiscard]] virtual detail::port_lane* lane_of(std::uint64_t id) const noexcept = 0;
    /// A port was condemned as it came back: it is renewed in a later turn, and the desk hears of it. Post: a daemon
    /// that starts now does not find its session socket.
    virtual void condemned(std::uint64_t id, std::uint32_t index) = 0;
    [[nodiscard]] virtual bool is_renewing(std::uint64_t id) const noexcept = 0;
    virtual void keeper_failed(const failure& f) = 0;
    /// The network namespace that the ports are in.
    [[nodiscard]] virtual std::uint64_t network(failure& f) = 0;
};

class consumer_desk {
public:
    /// Both outlive it.
    consumer_desk(descriptor_store& keeper, lender& blocks, consumer_limits limits = {});

    /// Takes what is a consumer's out of what the descriptor store had. Fails if memory or descriptors do not reach.
    void inherit(std::vector<kept_socket>& kept, failure& f);
    /// From now on connections are listened to; those that were inherited hear that the daemon has started again.
    void serve_with(connection_watch& watch);

    [[nodiscard]] bool is_out(std::uint64_t block, std::uint32_t index) const noexcept;
    /// The block was made again of its sockets: what is in a ledger is out.
    void mark_out(std::uint64_t block, detail::port_lane& lane) const noexcept;

    /// A client becomes a consumer. On success the connection is the desk's and the answer is sent.
    void take(const detail::service_request& request, platform::descriptor& connection, failure& f);

    /// Ports of the block may have become free.
    void serve_waiting(std::uint64_t block);

    /// All consumers of the block are told to give back what is idle, now and from now on.
    void recall_all(std::uint64_t block);
    /// That is over.
    void keep(std::uint64_t block);
    void put_all(failure& f);  // for a new keeper

    /// What is to be done whether or not somebody asks. True: there is more to do at once.
    bool work();
    /// Until work() has something to do; nothing: not by itself.
    [[nodiscard]] std::optional<std::chrono::milliseconds> due() const;

    [[nodiscard]] std::uint32_t ports_out(std::uint64_t block) const noexcept;
    [[nodiscard]] std::uint32_t ports_out() const noexcept;
    [[nodiscard]] std::uint32_t consumers(std::uint64_t block) const noexcept;
    [[nodiscard]] std::uint32_t consumers() const noexcept { return static_cast<std::uint32_t>(all_.size()); }
    [[nodiscard]] std::uint64_t shut_out() const noexcept { return shut_out_; }

private:
    using clock = std::chrono::steady_clock;
    enum class stage : std::uint8_t { settling, served, shut_out, gone };
    struct consumer {
        std::uint64_t id = 0;
        std::uint32_t user = 0;  // of the process that connected
        platform::descriptor connection;
        ledger book;
        stage now = stage::settling;
        std::uint64_t epoch = 0;                                  // of this daemon's `restarted`; 0: it heard none
        std::uint64_t sent = 0;                                   // `fetched` messages in this epoch
        std::unordered_map<std::uint32_t, std::uint64_t> lent{};  // in this epoch, and out: with which message
        bool is_recalled = false;  // and has not yet answered
        bool is_let_go = false;    // only its end is listened to
        std::optional<detail::service_request> waiting{};
        clock::time_point until{};  // of the request that waits
    };
    using place = std::list<consumer>::iterator;

    [[nodiscard]] failure no_room(int connection) const;
    void listen_to(place c);
    void read(place c);
    bool obey(consumer& c, std::span<const std::byte> bytes);
    void settle(consumer& c, const detail::share_message& holding);
    void shut_out(place c);
    void end(place c);
    void forget(place c);
    void forget_kept();
    void drop_doubles();
    void bring_back(consumer& c, std::uint32_t index, detail::port_lane::brought how);
    void bring_back(consumer& c, const std::vector<std::uint16_t>& ports, detail::port_lane::brought how);
    [[nodiscard]] bool send(consumer& c, std::span<const std::byte> bytes, std::span<const int> sockets = {});
    void fetch(consumer& c, const detail::service_request& request, bool may_wait);
    void refuse(consumer& c, const detail::service_request& request, const failure& f);
    [[nodiscard]] failure why_not(const consumer& c) const;
    [[nodiscard]] std::uint32_t grant(const consumer& c, detail::port_lane& lane,
                                      const detail::service_request& request, failure& f) const;
    std::vector<std::uint32_t> lend(detail::port_lane& lane, const detail::service_request& request,
                                    std::uint32_t most);
    bool recall(const consumer& c);
    void recall_from(consumer& c);

    descriptor_store& keeper_;
    lender& blocks_;
    const consumer_limits limits_;
    connection_watch* watch_ = nullptr;
    std::list<consumer> all_;
    std::vector<std::uint64_t> to_forget_;  // gone, but still with the descriptor store
    clock::time_point forget_from_{};
    std::uint64_t shut_out_ = 0;
};

}  // namespace berth::daemon
