// See association_table.hpp.
#include "association_table.hpp"

#include "per_process.hpp"
#include "reservation_core.hpp"

#include <algorithm>

namespace berth::detail {

association_table& association_table::instance() {
    return per_process<association_table>().object;
}

void association_table::associate(std::uint64_t cookie, const association& known) {
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= purge_at_) purge();
    pending_[cookie] = known;
}

// Sockets that were closed before they were bound tell nobody: their entries go when the table has doubled.
void association_table::purge() {
    std::vector<std::uint64_t> inodes;
    std::vector<bool> named;
    for (const auto& entry : pending_) inodes.push_back(entry.second.inode);
    platform::system_provider().find_named(inodes, named);
    std::size_t i = 0;
    std::erase_if(pending_, [&](const auto& entry) { return !named[i++] && entry.second.inode != 0; });
    purge_at_ = std::max<std::size_t>(256, pending_.size() * 2);
}

association association_table::find(std::uint64_t cookie) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = pending_.find(cookie);
    return found == pending_.end() ? association{} : found->second;
}

void association_table::forget(std::uint64_t cookie) noexcept {
    const std::lock_guard lock(mutex_);
    pending_.erase(cookie);
}

void association_table::forget(reservation_token token) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(pending_, [&](const auto& entry) { return entry.second.token == token; });
    std::erase_if(bound_, [](const auto& entry) {
        const auto core = entry.second.core.lock();
        return !core || core->now() == phase::released;
    });
}

association_table::place::place(association_table& table) : table_(table) {
    std::unordered_map<std::uint64_t, callers_port> one;
    one.try_emplace(0);
    node_ = one.extract(one.begin());
    const std::lock_guard lock(table.mutex_);
    table.bound_.reserve(table.bound_.size() + table.places_ + 1);
    ++table.places_;
}

association_table::place::~place() {
    const std::lock_guard lock(table_.mutex_);
    --table_.places_;
}

void association_table::bound(std::uint64_t cookie, callers_port port, place& at) noexcept {
    const std::lock_guard lock(mutex_);
    bound_.erase(cookie);
    at.node_.key() = cookie;
    at.node_.mapped() = std::move(port);
    bound_.insert(std::move(at.node_));
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
