// Where the harness runs: a network namespace of its own with a narrow range where that is allowed, else the
// machine's.
//
// Filling a port range hurts everybody who shares it. Invariant: without a namespace of its own the harness never
// fills more than half of the machine's range, whatever was asked for, and `note` says so.
#pragma once

#include <berth/port_block.hpp>

#include <cstdint>
#include <string>

namespace berth::bench {

struct surroundings {
    port_block range{};  // what the kernel chooses from for bind(0) and connect()
    bool own_namespace = false;
    double highest_occupancy = 100;  // percent
    std::uint64_t descriptors = 0;   // RLIMIT_NOFILE, already raised as far as allowed
    std::string note;                // one or two sentences for the reader
};

/// To as many as this process may have; how many that is.
std::uint64_t raise_descriptor_limit();

/// Moves the calling thread (call it before any other exists) into its own network namespace, narrows the range to
/// `range_size` ports and brings lo up; as another user than root, through a user namespace where the system lets it.
surroundings enter_surroundings(bool want_namespace, std::uint32_t range_size);

}  // namespace berth::bench
