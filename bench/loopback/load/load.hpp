// The client side of a scenario against one server: opened once, run slice by slice, idle in between.
//
// Contract of run(): when it returns nothing is under way any more, so that the server falls asleep and its processor
// time can be read exactly. It throws server_silent if the server stops answering; the load is of no use then.
#pragma once

#include "loopback/scenario.hpp"
#include "measure/clock.hpp"
#include "measure/recorder.hpp"

#include <cstdint>
#include <memory>
#include <stdexcept>

namespace berth::bench {

struct server_silent : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct load_outcome {
    std::uint64_t done = 0;  // units of work: see unit_of()
    std::uint64_t lost = 0;  // datagrams without an answer
};

class load {
public:
    load() = default;
    virtual ~load() = default;
    load(const load&) = delete;
    load& operator=(const load&) = delete;

    /// latency: nanoseconds from sending to the whole answer (churn: from before connect()).
    virtual load_outcome run(nanoseconds duration, recorder& latency) = 0;
};

/// patience: how long a server may say nothing at all. Pre: not for load_kind::idle.
[[nodiscard]] std::unique_ptr<load> make_load(const scenario& s, std::uint16_t port, nanoseconds patience);

}  // namespace berth::bench
