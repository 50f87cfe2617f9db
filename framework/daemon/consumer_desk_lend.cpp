// Who gets how many, and from whom they are wanted back; see consumer_desk.hpp.
//
// A fetch takes at most one part in n + 1 of what is free, of n consumers, so that the next one finds some as well. A
// consumer that has its n-th part of the block leaves one port for each that has not. Where nothing is free, the
// others are asked for idle ports, and the fetch waits for their answers.
#include "consumer_desk.hpp"
#include "log_line.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <cerrno>

namespace berth::daemon {

using detail::fetch_kind;
using detail::port_lane;
using detail::service_answer;
using detail::service_request;
using detail::share_message;
using detail::share_verb;
using brought = port_lane::brought;

// False: it does not read, and is shut out; or it is gone, which is read next.
bool consumer_desk::send(consumer& c, std::span<const std::byte> bytes, std::span<const int> sockets) {
    const int error = platform::send_message(c.connection.get(), bytes, sockets);
    if (error != 0 && error != EPIPE && error != ECONNRESET) c.now = stage::shut_out;
    return error == 0;
}

void consumer_desk::refuse(consumer& c, const service_request& request, const failure& f) {
    service_answer out;
    out.kind = request.kind;
    out.id = request.id;
    out.error = static_cast<errc>(f.code.value());
    out.text = f.what;
    out.numbers[0] = f.count;
    static_cast<void>(send(c, detail::encode(out)));
}

failure consumer_desk::why_not(const consumer& c) const {
    const auto* const row = blocks_.row_of(c.book.block());
    if (row == nullptr) return {errc::reservation_released, "the persistent reservation was removed", 0, 0};
    if (row->is_draining) {
        return {errc::block_exhausted, "the block is drained: no more of its sockets go out (berthctl drain --undo)",
                0, 0};
    }
    if (blocks_.lane_of(row->id) == nullptr) {
        return {errc::block_unavailable, "the block is not held now: somebody else has a port of it (berthctl list)",
                0, 0};
    }
    if (const auto has = c.book.count(); has >= limits_.ports) {
        return {errc::block_exhausted,
                "this consumer has " + std::to_string(has) + " ports, and none may have more (berthd --most-ports)",
                has, 0};
    }
    return {};
}

std::uint32_t consumer_desk::grant(const consumer& c, port_lane& lane, const service_request& request,
                                   failure& f) const {
    const std::uint32_t least = request.what == fetch_kind::pairs ? 2 : 1;
    const std::uint32_t asked = std::max(request.block.count, least);
    const std::uint32_t has = c.book.count(), free = lane.ready(), count = c.book.ports();
    std::uint32_t consumers = 0, poorer = 0;
    for (const auto& other : all_) {
        const bool counts = other.book.block() == c.book.block() && other.now <= stage::served;
        consumers += counts;
    }
    if (limits_.ports - has < least) {
        f = {errc::block_exhausted,
             "this consumer has " + std::to_string(has) + " ports of " + std::to_string(limits_.ports) +
                 " that one may have (berthd --most-ports), and a pair is two",
             has, 0};
        return 0;
    }
    const std::uint32_t part = (count + consumers - 1) / std::max(consumers, 1u);
    for (const auto& other : all_) {
        poorer += &other != &c && other.book.block() == c.book.block() && other.now <= stage::served &&
                  other.book.count() < part;
    }
    if (has >= part && free != 0 && free <= poorer) {
        f = {errc::block_exhausted,
             "this consumer has " + std::to_string(has) + " of the block's " + std::to_string(count) +
                 " ports, and " + std::to_string(consumers) + " share them: the last " + std::to_string(free) +
                 " are kept for those that have fewer",
             has, 0};
        return 0;
    }
    const std::uint32_t fair = std::max(free / (consumers + 1), least);
    return std::min({asked, fair, limits_.ports - has, free});
}

std::vector<std::uint32_t> consumer_desk::lend(port_lane& lane, const service_request& request, std::uint32_t most) {
    std::vector<std::uint32_t> out;
    if (request.what == fetch_kind::given) {
        const std::uint32_t index = std::uint32_t{request.block.first} - lane.core().block().first;
        if (most != 0 && lane.core().block().contains(request.block.first) && lane.lend_given(index)) {
            out.push_back(index);
        }
    } else if (request.what == fetch_kind::pairs) {
        for (std::uint32_t i = 0; most != 0 && i < most / 2; ++i) {
            const auto even = lane.lend_pair();
            if (even == claim::none) break;
            out.push_back(even);
            out.push_back(even + 1);
        }
    } else {
        for (std::uint32_t index; out.size() < most && (index = lane.lend()) != claim::none;) out.push_back(index);
    }
    std::sort(out.begin(), out.end());
    return out;
}

// The ledger first, then the sockets: a death in between leaves ports that the consumer will say it has not got.
void consumer_desk::fetch(consumer& c, const service_request& request, bool may_wait) {
    failure f = why_not(c);
    if (f) return refuse(c, request, f);
    auto& lane = *blocks_.lane_of(c.book.block());
    const auto lent = lend(lane, request, grant(c, lane, request, f));
    if (lent.empty() && may_wait && request.what != fetch_kind::given && recall(c)) {
        c.waiting = request;
        c.until = clock::now() + limits_.recall;
        return;
    }
    if (f) return refuse(c, request, f);
    if (lent.empty()) {
        f = {request.what == fetch_kind::given ? errc::port_taken : errc::block_exhausted,
             request.what == fetch_kind::given   ? "the port is with a consumer, or rests"
             : request.what == fetch_kind::pairs ? "no even port with the odd one above it is free"
                                                 : "all ports of the block are with consumers, or rest",
             0, 0};
        return refuse(c, request, f);
    }
    share_message message{.verb = share_verb::fetched, .id = request.id, .number = ++c.sent};
    std::vector<int> sockets;
    for (const auto index : lent) {
        c.book.add(index);
        c.lent[index] = c.sent;
        message.ports.push_back(lane.port_at(index));
        sockets.push_back(static_cast<int>(lane.session(index)));
    }
    if (send(c, detail::encode(message), sockets)) return;
    for (const auto index : lent) bring_back(c, index, brought::rested);
}

// True: somebody was asked, or has not answered yet, or will be asked once it has said what it has.
bool consumer_desk::recall(const consumer& c) {
    bool asked = false;
    for (auto& other : all_) {
        if (&other == &c || other.book.block() != c.book.block() || other.book.count() == 0) continue;
        if (other.now == stage::served && !other.is_recalled) recall_from(other);
        asked = asked || other.is_recalled || other.now == stage::settling;
    }
    return asked;
}

void consumer_desk::recall_from(consumer& c) {
    constexpr std::uint32_t some = 8;
    c.is_recalled = send(c, detail::encode(share_message{.verb = share_verb::recall, .count = some}));
}

void consumer_desk::recall_all(std::uint64_t block) {
    const auto message = detail::encode(share_message{.verb = share_verb::recall_all});
    for (auto& c : all_) {
        if (c.book.block() == block && c.now == stage::served) static_cast<void>(send(c, message));
    }
}

void consumer_desk::keep(std::uint64_t block) {
    const auto message = detail::encode(share_message{.verb = share_verb::keep});
    for (auto& c : all_) {
        if (c.book.block() == block && c.now == stage::served) static_cast<void>(send(c, message));
    }
}

// In the order in which they came to be consumers. The last answer to a recall ends the waiting for it.
void consumer_desk::serve_waiting(std::uint64_t block) {
    auto* const lane = blocks_.lane_of(block);
    const bool more_to_come =
        blocks_.is_renewing(block) || std::any_of(all_.begin(), all_.end(), [&](const consumer& c) {
            return c.book.block() == block && c.book.count() != 0 &&
                   (c.now == stage::settling || (c.now == stage::served && c.is_recalled));
        });
    for (auto& c : all_) {
        if (!c.waiting || c.book.block() != block) continue;  // and once more when its time is over
        if (more_to_come && (lane == nullptr || lane->ready() == 0)) continue;
        fetch(c, *std::exchange(c.waiting, std::nullopt), false);
    }
}

}  // namespace berth::daemon
