// See persistent_store.hpp.
#include "platform/windows/persistent_store.hpp"

#include "persistent/block_check.hpp"

#include <string>

namespace berth::platform {
namespace {

std::string name_of(const port_block& block, transport protocol) {
    return std::to_string(block.count) + (protocol == transport::tcp ? " TCP" : " UDP") + " ports from " +
           std::to_string(block.first);
}

/// The rows of the documents' tables, in berth's words.
failure failure_of(int negative, const port_block& block, transport protocol) {
    const auto subject = "a persistent block of " + name_of(block, protocol);
    switch (-negative) {
        case ERROR_ACCESS_DENIED:
            return {errc::permission_denied,
                    subject + ": only an administrator may, from an elevated process (run as administrator)", 0, 0};
        case ERROR_INVALID_PARAMETER:
            return {errc::invalid_argument, subject + ": Windows takes no such block", 0, 0};
        case ERROR_SHARING_VIOLATION:
            return {errc::block_unavailable,
                    subject + ": a port of it is in use, or it overlaps a persistent block that exists (netsh interface "
                              "ipv4 show excludedportrange); choose another",
                    0, block.first};
        case ERROR_NOT_FOUND:
            return {errc::no_such_reservation, "there is no persistent block of exactly " + name_of(block, protocol), 0,
                    0};
        case ERROR_PROC_NOT_FOUND:
            return {errc::operation_not_supported,
                    "this system's iphlpapi.dll has no persistent port reservations (Wine's has none)", 0, 0};
        default:
            return {errc::system_failure, subject + ": Windows refuses, error " + std::to_string(-negative), 0, 0};
    }
}

// A block of 65,536 ports would begin at 0, so a valid one fits into the call's 16 bits.
std::uint16_t count_of(const port_block& block) noexcept { return static_cast<std::uint16_t>(block.count); }

}  // namespace

void persistent_store::remember(const known_block& block) {
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const known_block& k) {
        return k.token == block.token || (k.protocol == block.protocol && k.block.first == block.block.first &&
                                          k.block.count == block.block.count);
    });
    known_.push_back(block);
}

std::optional<persistent_store::known_block> persistent_store::find(reservation_token token) {
    const std::lock_guard lock(mutex_);
    for (const auto& k : known_) {
        if (k.token == token) return k;
    }
    return std::nullopt;
}

reservation_token persistent_store::create(const port_block& block, transport protocol, tcp_use use, failure& f) {
    if ((f = detail::check_persistent(block, protocol))) return {};
    std::uint64_t value = 0;
    const int r = os_.create_persistent(protocol == transport::tcp, htons(block.first), count_of(block), value);
    if (r < 0) return f = failure_of(r, block, protocol), reservation_token{};
    const reservation_token token{value};
    remember({token, block, protocol, use});
    return token;
}

void persistent_store::remove(const port_block& block, transport protocol, failure& f) {
    if ((f = detail::check_persistent(block, protocol))) return;
    const int r = os_.delete_persistent(protocol == transport::tcp, htons(block.first), count_of(block));
    if (r < 0) {
        f = failure_of(r, block, protocol);
        return;
    }
    const std::lock_guard lock(mutex_);
    std::erase_if(known_, [&](const known_block& k) {
        return k.protocol == protocol && k.block.first == block.first && k.block.count == block.count;
    });
}

reservation_token persistent_store::lookup(const port_block& block, transport protocol, tcp_use use, failure& f) {
    if ((f = detail::check_persistent(block, protocol))) return {};
    std::uint64_t value = 0;
    const int r = os_.look_up_persistent(protocol == transport::tcp, htons(block.first), count_of(block), value);
    if (r < 0) return f = failure_of(r, block, protocol), reservation_token{};
    const reservation_token token{value};
    remember({token, block, protocol, use});
    return token;
}

// A lookup changes nothing: that there is no block of the last port is an answer as good as its token.
failure persistent_store::refusal() {
    std::uint64_t ignored = 0;
    const port_block last{65535, 1};
    const int r = os_.look_up_persistent(true, htons(last.first), 1, ignored);
    return r >= 0 || r == -ERROR_NOT_FOUND ? failure{} : failure_of(r, last, transport::tcp);
}

}  // namespace berth::platform
