// See association_table.hpp.
#include "association_table.hpp"

#include "reservation_core.hpp"

namespace berth::detail {

association_table& association_table::instance() noexcept {
    static association_table* const table = new association_table;  // outlives every static socket of the program
    return *table;
}

void association_table::associate(std::uint64_t cookie, reservation_token token) {
    const std::lock_guard lock(mutex_);
    pending_[cookie] = token;
}

reservation_token association_table::token_of(std::uint64_t cookie) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = pending_.find(cookie);
    return found == pending_.end() ? reservation_token{} : found->second;
}

void association_table::forget(std::uint64_t cookie) noexcept {
    const std::lock_guard lock(mutex_);
    pending_.erase(cookie);
}

void association_table::forget(reservation_token token) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(pending_, [&](const auto& entry) { return entry.second == token; });
    std::erase_if(bound_, [](const auto& entry) {
        const auto core = entry.second.core.lock();
        return !core || core->now() == phase::released;
    });
}

void association_table::bound(std::uint64_t cookie, callers_port port) {
    const std::lock_guard lock(mutex_);
    bound_[cookie] = std::move(port);
}

callers_port association_table::unbind(std::uint64_t cookie) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = bound_.find(cookie);
    if (found == bound_.end()) return {};
    auto port = std::move(found->second);
    bound_.erase(found);
    return port;
}

}  // namespace berth::detail
