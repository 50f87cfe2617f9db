// The odd ports of pairs, kept for whoever brings the token (RFC 8656, EVEN-PORT with R, RESERVATION-TOKEN).
//
// 64 random bits each, for the user who got it, for thirty seconds; then the port goes back. Until then it counts in his
// quota as the allocation that it is for: else he could keep them all. Any thread: it locks, and is asked only when an
// Allocate names a token or makes one.
#pragma once

#include "stun_integrity.hpp"

#include <berth/bound_port.hpp>
#include <berth/quotas.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

namespace relay {

using port_token = std::array<std::uint8_t, 8>;

class kept_ports {
public:
    static constexpr std::chrono::seconds kept_for{30};
    using time = std::chrono::steady_clock::time_point;

    /// Throws std::bad_alloc, std::runtime_error; the port goes back then.
    port_token keep(berth::bound_port port, std::size_t block, std::string user, berth::quota_hold counted, time now) {
        port_token token;
        fill_randomly(token);
        const std::lock_guard lock(gate_);
        ports_[token] = {{std::move(port), block, std::move(counted)}, std::move(user), now + kept_for};
        return token;
    }

    struct kept {
        berth::bound_port port;
        std::size_t block = 0;  ///< which of the relay's
        berth::quota_hold counted;
    };
    /// An empty port: no such token, not this user's, or too late.
    kept take(bytes_view token, const std::string& user, time now) {
        port_token name;
        if (token.size() != name.size()) return {};
        std::memcpy(name.data(), token.data(), name.size());
        const std::lock_guard lock(gate_);
        const auto found = ports_.find(name);
        if (found == ports_.end() || found->second.user != user || found->second.until <= now) return {};
        kept taken = std::move(found->second.what);
        ports_.erase(found);
        return taken;
    }

    void prune(time now) {
        const std::lock_guard lock(gate_);
        std::erase_if(ports_, [&](const auto& one) { return one.second.until <= now; });
    }

    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(gate_);
        return ports_.size();
    }

private:
    struct entry {
        kept what;
        std::string user;
        time until;
    };
    mutable std::mutex gate_;
    std::map<port_token, entry> ports_;
};

}  // namespace relay
