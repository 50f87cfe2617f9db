// CreatePersistent…, DeletePersistent… and LookupPersistent…: berth's persistent calls in the documents' words.
#include "error_codes.hpp"
#include "iphlpapi.h"
#include "user_memory.hpp"

#include <berth/persistent.hpp>

#include <arpa/inet.h>

#include <chrono>
#include <new>
#include <thread>

namespace {

using namespace berth;
using namespace berth::compat;

port_block block_of(USHORT first_in_network_order, USHORT count) { return {ntohs(first_in_network_order), count}; }

bool is_acceptable(const port_block& block) { return !block.is_wildcard() && block.is_valid(); }

template <class Ask>
ULONG asked(const port_block& block, Ask ask) noexcept {
    if (!is_acceptable(block)) return ERROR_INVALID_PARAMETER;
    try {
        failure f;
        ask(f);
        return windows_code(f.code);
    } catch (const std::bad_alloc&) {
        return ERROR_NOT_ENOUGH_MEMORY;
    } catch (...) {
        return ERROR_GEN_FAILURE;
    }
}

ULONG create(transport protocol, USHORT first, USHORT count, PULONG64 token) noexcept {
    if (!can_write(token, sizeof *token)) return ERROR_INVALID_PARAMETER;
    const auto block = block_of(first, count);
    return asked(block, [&](failure& f) {
        const ULONG64 made = create_persistent(block, protocol, f).value();
        if (f || copy_out(token, &made, sizeof made)) return;
        remove_persistent(block, protocol, f);  // nobody would know of it
        f.code = errc::invalid_argument;
    });
}

ULONG lookup(transport protocol, USHORT first, USHORT count, PULONG64 token) noexcept {
    if (!can_write(token, sizeof *token)) return ERROR_INVALID_PARAMETER;
    const auto block = block_of(first, count);
    return asked(block, [&](failure& f) {
        const ULONG64 found = lookup_persistent(block, protocol, f).value();
        if (!f && !copy_out(token, &found, sizeof found)) f.code = errc::invalid_argument;
    });
}

bool is_draining(const port_block& block, transport protocol) {
    failure f;
    for (const auto& one : list_persistent(f))
        if (one.block == block && one.protocol == protocol) return one.is_draining;
    return false;
}

// Consumers keep some ports at hand after their sockets are closed. Draining calls these back, and hands out no more.
void remove_when_back(const port_block& block, transport protocol, failure& f) {
    using namespace std::chrono_literals;
    const bool was_draining = is_draining(block, protocol);
    failure drained;
    if (!was_draining) drain_persistent(block, protocol, true, drained);
    for (int i = 0; i < 100 && f.code == errc::reservation_busy; ++i) {
        std::this_thread::sleep_for(10ms);
        f = {};
        remove_persistent(block, protocol, f);
    }
    if (f && !was_draining) drain_persistent(block, protocol, false, drained);
}

ULONG remove(transport protocol, USHORT first, USHORT count) noexcept {
    const auto block = block_of(first, count);
    return asked(block, [&](failure& f) {
        remove_persistent(block, protocol, f);
        if (f.code == errc::reservation_busy) remove_when_back(block, protocol, f);
    });
}

}  // namespace

extern "C" {

ULONG CreatePersistentTcpPortReservation(USHORT first, USHORT count, PULONG64 token) {
    return create(transport::tcp, first, count, token);
}
ULONG CreatePersistentUdpPortReservation(USHORT first, USHORT count, PULONG64 token) {
    return create(transport::udp, first, count, token);
}
ULONG DeletePersistentTcpPortReservation(USHORT first, USHORT count) { return remove(transport::tcp, first, count); }
ULONG DeletePersistentUdpPortReservation(USHORT first, USHORT count) { return remove(transport::udp, first, count); }
ULONG LookupPersistentTcpPortReservation(USHORT first, USHORT count, PULONG64 token) {
    return lookup(transport::tcp, first, count, token);
}
ULONG LookupPersistentUdpPortReservation(USHORT first, USHORT count, PULONG64 token) {
    return lookup(transport::udp, first, count, token);
}

}  // extern "C"
