// Tokens from the system's generator, compared without a branch on their bits; see token_table.hpp.
#include "token_table.hpp"

#include "per_process.hpp"
#include "platform/random_bytes.hpp"
#include "reservation_core.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

// 1 if equal, else 0, with the same instructions for every pair.
std::uint64_t same(std::uint64_t a, std::uint64_t b) noexcept {
    const std::uint64_t different = a ^ b;
    return 1 ^ ((different | (0 - different)) >> 63);
}

}  // namespace

token_table& token_table::instance() { return per_process<token_table>().object; }

reservation_token token_table::add(const std::shared_ptr<reservation_core>& core) {
    const std::lock_guard lock(mutex_);
    std::uint64_t bits = 0;
    const auto known = [&](const entry& e) { return e.token.value() == bits; };
    do {
        platform::random_bytes(&bits, sizeof bits);
    } while (bits == 0 || std::any_of(entries_.begin(), entries_.end(), known));
    entries_.push_back({reservation_token(bits), core, core.get()});
    return reservation_token(bits);
}

void token_table::add(const std::shared_ptr<reservation_core>& core, reservation_token token) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [](const entry& e) { return e.core.expired(); });
    if (look_up(token) == nullptr) entries_.push_back({token, core, core.get()});
}

void token_table::replace(const reservation_core& from, const std::shared_ptr<reservation_core>& by) noexcept {
    const std::lock_guard lock(mutex_);
    for (entry& e : entries_) {
        if (e.address != &from) continue;
        e.core = by;
        e.address = by.get();
    }
}

void token_table::remove(const reservation_core& core) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const entry& e) { return e.address == &core; });
}

bool token_table::is_parents(reservation_token token) {
    auto* const parents = per_process<token_table>().inherited;
    if (parents == nullptr) return false;
    const std::unique_lock lock(parents->mutex_, std::try_to_lock);
    return lock && parents->look_up(token) != nullptr;
}

std::shared_ptr<reservation_core> token_table::find(reservation_token token) noexcept {
    const std::lock_guard lock(mutex_);
    return look_up(token);
}

std::shared_ptr<reservation_core> token_table::look_up(reservation_token token) const noexcept {
    std::size_t found = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const auto hit = static_cast<std::size_t>(same(entries_[i].token.value(), token.value()));
        found |= (i + 1) * hit;
    }
    return found == 0 || !token ? nullptr : entries_[found - 1].core.lock();
}

}  // namespace berth::detail
