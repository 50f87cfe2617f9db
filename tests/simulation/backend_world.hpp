// What the worlds over the model backend share: kernel and network, chances and faults, the ledger, and how a step goes.
//
// A world adds its acts and its checks. Its own members end before these, so that whatever they end is still counted.
#pragma once

#include "simulation/loop_ledger.hpp"
#include "simulation/model_backend.hpp"
#include "simulation/seeded_bytes.hpp"
#include "simulation/simulation.hpp"

#include <map>
#include <string>
#include <utility>

namespace berth::simulation {

class backend_world : public world, protected test::simulated_faults {
public:
    outcome go(const step& s) final {
        random_ = seeded_random(s.seed);
        chances_.random = seeded_random(s.seed ^ 0x5bd1e995u);
        seeded_bytes::seed(s.seed);
        acted_ = false;
        outcome o;
        o.broke = act(s, o.did);
        if (o.broke.empty()) o.broke = check();
        o.acted = acted_;
        ledger_.sweep();
        return o;
    }
    [[nodiscard]] std::uint64_t digest() const final { return digest_; }

protected:
    backend_world(std::uint64_t seed, tally& reached) : reached_(reached), random_(seed) {}

    virtual std::string act(const step& s, bool& did) = 0;
    [[nodiscard]] virtual std::string check() = 0;

    errc strikes(at where, std::uint16_t) noexcept final {
        return is_ending_ ? errc{} : provider_fault(where, random_, fault_rate_, chances_);
    }
    void emptied(std::uint64_t inode) noexcept final { network_.emptied(inode); }
    void note(std::uint64_t n) noexcept { digest_ = (digest_ ^ n) * 0x100000001b3u; }
    void break_rule(std::string what) { ledger_.break_rule(std::move(what)); }

    tally& reached_;
    seeded_random random_;
    model_chances chances_;
    test::simulated_provider kernel_;
    model_system system_{kernel_};
    model_network network_{kernel_};
    std::uint32_t fault_rate_ = 0;
    bool is_ending_ = false, acted_ = false;
    loop_ledger ledger_;
    std::map<std::pair<bool, std::uint16_t>, session_mark> session_at_;  // of ports that are out
    std::uint64_t serials_ = 0;
    session_mark marks_ = 0;

private:
    std::uint64_t digest_ = 0xcbf29ce484222325u;
};

}  // namespace berth::simulation
