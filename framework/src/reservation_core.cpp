// Making a reservation and ending it; see reservation_core.hpp.
#include "reservation_core.hpp"

#include "log.hpp"
#include "platform/fork_stamp.hpp"
#include "platform/random_bytes.hpp"
#include "quiescence.hpp"
#include "token_table.hpp"
#include "wildcard.hpp"

namespace berth::detail {
namespace {

constexpr int wildcard_tries = 64;

failure invalid(std::string what) { return {errc::invalid_argument, std::move(what), 0, 0}; }

failure check(const reservation_request& r) {
    const auto& block = r.block;
    if (block.count == 0) return invalid("block.count is 0; ask for at least one port");
    if (!block.is_valid()) {
        return invalid("block of " + std::to_string(block.count) + " ports from " + std::to_string(block.first) +
                       " runs past port 65535; at most " + std::to_string(65536 - std::max<int>(block.first, 1)) +
                       " fit there");
    }
    const auto protocol = static_cast<unsigned>(r.protocol);
    if (protocol < 1 || protocol > 3) return invalid("protocol is none of tcp, udp, tcp_and_udp");
    if (r.backlog < 1) return invalid("backlog " + std::to_string(r.backlog) + " is below 1 connection");
    if (r.cool_down.count() < 0) return invalid("cool_down is negative");
    if (r.silence.count() < 0) return invalid("silence is negative");
    if (!r.address.is_unspecified()) {
        const bool v4 = r.address.is_v4();
        if ((v4 && r.family == address_family::ipv6) || (!v4 && r.family == address_family::ipv4)) {
            return {errc::family_mismatch,
                    "address " + r.address.to_string() + " is not of the family asked for; leave it unspecified or "
                    "change the family", 0, 0};
        }
    }
    return {};
}

// A block on one address has that address's family; "all addresses" is spelled one way.
reservation_request normalised(reservation_request r) {
    if (r.address.is_v6() && r.address.to_v6().is_v4_mapped()) {
        r.address = asio::ip::make_address_v4(asio::ip::v4_mapped, r.address.to_v6());
    }
    if (r.address.is_unspecified()) {
        r.address = asio::ip::address();
    } else if (r.family == address_family::dual) {
        r.family = r.address.is_v4() ? address_family::ipv4 : address_family::ipv6;
    }
    return r;
}

std::vector<platform::port_kind> kinds_of(const reservation_request& r) {
    std::vector<platform::port_kind> kinds;
    if (r.protocol != transport::udp) {
        kinds.push_back(r.use == tcp_use::listen ? platform::port_kind::tcp_listen
                                                 : platform::port_kind::tcp_connect);
    }
    if (r.protocol != transport::tcp) kinds.push_back(platform::port_kind::udp);
    return kinds;
}

}  // namespace

reservation_core::reservation_core(platform::port_provider& provider, const reservation_request& request,
                                   lane_clock clock)
    : provider_(provider), request_(normalised(request)), clock_(clock), stamp_(platform::fork_stamp()) {}

std::shared_ptr<reservation_core> reservation_core::make(platform::port_provider& provider,
                                                         const reservation_request& request, failure& f,
                                                         lane_clock clock) {
    f = {};
    auto core = std::make_shared<reservation_core>(provider, request, clock);
    f = check(core->request_);
    if (f || !core->hold_all(f)) return nullptr;
    core->network_ = provider.network_namespace();
    core->token_ = token_table::instance().add(core);
    for (auto& lane : core->lanes_) lane->start();
    return core;
}

reservation_core::~reservation_core() {
    if (is_forked()) {
        for (auto& lane : lanes_) {
            lane->abandon();
            static_cast<void>(lane.release());
        }
        return;
    }
    wait_until_nobody_is_inside(this);
}

bool reservation_core::is_forked() const noexcept { return platform::fork_stamp() != stamp_; }

bool reservation_core::hold_all(failure& f) {
    return request_.block.is_wildcard() ? hold_wildcard(f) : hold_lanes(f);
}

bool reservation_core::hold_lanes(failure& f) {
    for (const auto kind : kinds_of(request_)) {
        const platform::hold_request request{.kind = kind,
                                             .block = request_.block,
                                             .family = request_.family,
                                             .address = request_.address,
                                             .backlog = request_.backlog,
                                             .park = request_.park};
        auto block = provider_.prepare(request, f);
        if (block) block->hold(request_.block.count, f);
        if (block && !f) block->seal(f);
        if (f) {
            lanes_.clear();
            return false;
        }
        lanes_.push_back(std::make_unique<port_lane>(*this, request_, kind, std::move(block), clock_));
    }
    return true;
}

bool reservation_core::hold_wildcard(failure& f) {
    platform::port_map map;
    for (const auto kind : kinds_of(request_)) provider_.survey(kind, map);
    const std::uint32_t count = request_.block.count;
    for (int attempt = 0; attempt < wildcard_tries; ++attempt) {
        std::uint64_t random = 0;
        platform::random_bytes(&random, sizeof random);
        const auto first = choose_run(map, count, request_.avoid_common_ports, random);
        if (!first) break;
        request_.block.first = *first;
        f = {};
        if (hold_lanes(f)) return true;
        request_.block.first = 0;
        const bool raced = f.code == errc::block_unavailable || (f.code == errc::permission_denied && *first < 1024);
        if (!raced) return false;
        map.used[f.port] = true;  // the port in question: choose around it
    }
    f.code = errc::block_unavailable;
    f.what = "no run of " + std::to_string(count) + " free ports was found for a wildcard block; ask for fewer ports, "
             "or for several smaller blocks";
    f.count = count;
    return false;
}

port_lane* reservation_core::lane(transport protocol) noexcept {
    for (auto& lane : lanes_) {
        if ((lane->kind() == platform::port_kind::udp) == (protocol == transport::udp)) return lane.get();
    }
    return nullptr;
}

port_lane* reservation_core::lane(platform::port_kind kind) noexcept {
    for (auto& lane : lanes_) {
        if (lane->kind() == kind) return lane.get();
    }
    return nullptr;
}

void reservation_core::release(failure& f, if_taken policy) noexcept {
    f = {};
    if (is_forked()) {
        f.code = errc::forked;
        f.what = "a forked child cannot release its parent's reservation";
        return;
    }
    const std::lock_guard lock(releasing_);
    if (now() == phase::released) {
        f.code = errc::reservation_released;
        return;
    }
    std::uint32_t out = 0;
    for (bool looked = false; policy == if_taken::refuse; looked = true) {
        out = 0;
        for (auto& lane : lanes_) out += lane->out();
        if (out == 0 || looked) break;
        reclaim();  // a caller may have closed its socket without a word
    }
    if (out == 0) {
        phase_.store(phase::closing, std::memory_order_seq_cst);
        std::vector<std::vector<bool>> woken(lanes_.size());
        std::size_t collected = 0;
        while (collected < lanes_.size() && lanes_[collected]->collect(policy, woken[collected], out)) ++collected;
        if (collected < lanes_.size()) {  // a draw was quicker than the closing: all as before
            phase_.store(phase::held, std::memory_order_seq_cst);
            for (std::size_t i = 0; i < collected; ++i) lanes_[i]->put_back_collected(woken[i], request_.block.count);
        }
    }
    if (out != 0) {
        f.code = errc::reservation_busy;
        f.count = out;
        f.what = std::to_string(out) + " sockets of the block are still out; give them back, or release with "
                                       "if_taken::detach";
        return;
    }
    token_table::instance().remove(token_);
    phase_.store(phase::released, std::memory_order_seq_cst);
    for (auto& lane : lanes_) lane->drop_collected();
    self_ = shared_from_this();
    const auto last = detached_port_back();  // the owner's own share; ends the core only if the caller does not hold it
}

std::shared_ptr<reservation_core> reservation_core::detached_port_back() noexcept {
    return detached_.fetch_sub(1) == 1 ? std::move(self_) : nullptr;
}

std::uint32_t reservation_core::reclaim() noexcept {
    std::uint32_t back = 0;
    for (auto& lane : lanes_) back += lane->reclaim();
    return back;
}

reservation_statistics reservation_core::statistics() const noexcept {
    reservation_statistics s;
    for (const auto& lane : lanes_) lane->add_to(s);
    for (std::size_t i = 0; i < errc_count; ++i) s.failures[i] = failures_[i].load(std::memory_order_relaxed);
    s.exhausted = s.failures_of(errc::block_exhausted);
    return s;
}

}  // namespace berth::detail
