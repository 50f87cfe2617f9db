// Keys and what they hold, in parts with a lock each.
//
// An entry lives exactly as long as its key holds something; holds point at it, which a map of nodes allows. The
// number of keys is one atomic: it is counted up before an entry is made, so it never passes the limit, and down
// after its end.
#include <berth/quotas.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>

namespace berth::detail {

struct quota_entry {
    std::uint32_t held = 0;
    std::uint32_t part = 0;
    const std::string* key = nullptr;  // the map's own
};

struct quota_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
};

template <class Value>
using by_quota_key = std::unordered_map<std::string, Value, quota_hash, std::equal_to<>>;

class quota_book : public std::enable_shared_from_this<quota_book> {
public:
    explicit quota_book(const quota_options& options) : options_(options), each_(options.each) {}

    quota_hold take(std::string_view key, std::uint32_t count, error_code& ec) noexcept {
        ec = {};
        if (count == 0 || key.size() > options_.longest_key) return ec = errc::invalid_argument, quota_hold();
        const std::uint32_t number = number_of(key);
        part& p = parts_[number];
        const std::lock_guard lock(p.gate);
        const auto known = p.entries.find(key);
        const std::uint32_t held = known == p.entries.end() ? 0 : known->second.held;
        const std::uint32_t limit = limit_of(p, key);
        if (held > limit || count > limit - held) {
            refused_by_limit_.fetch_add(1, std::memory_order_relaxed);
            return ec = errc::quota_exceeded, quota_hold();
        }
        if (known != p.entries.end()) return held_by(known->second, count);
        if (keys_.fetch_add(1, std::memory_order_relaxed) >= options_.most_keys) {
            keys_.fetch_sub(1, std::memory_order_relaxed);
            refused_by_keys_.fetch_add(1, std::memory_order_relaxed);
            return ec = errc::quota_exceeded, quota_hold();
        }
        try {
            const auto made = p.entries.try_emplace(std::string(key)).first;
            made->second.part = number;
            made->second.key = &made->first;
            return held_by(made->second, count);
        } catch (const std::bad_alloc&) {
            keys_.fetch_sub(1, std::memory_order_relaxed);
            return ec = errc::no_memory, quota_hold();
        }
    }

    void give_back(quota_entry& entry, std::uint32_t count) noexcept {
        part& p = parts_[entry.part];
        const std::lock_guard lock(p.gate);
        held_.fetch_sub(count, std::memory_order_relaxed);
        entry.held -= count;
        if (entry.held != 0) return;
        p.entries.erase(p.entries.find(*entry.key));
        keys_.fetch_sub(1, std::memory_order_relaxed);
        // A crowd that has gone leaves no table behind.
        if (p.entries.empty() && p.entries.bucket_count() > 1024) p.entries = {};
    }

    void set_limit(std::string_view key, std::uint32_t limit) {
        part& p = parts_[number_of(key)];
        const std::lock_guard lock(p.gate);
        p.limits.insert_or_assign(std::string(key), limit);
    }
    void reset_limit(std::string_view key) noexcept {
        part& p = parts_[number_of(key)];
        const std::lock_guard lock(p.gate);
        if (const auto own = p.limits.find(key); own != p.limits.end()) p.limits.erase(own);
    }
    void set_limit_of_each(std::uint32_t limit) noexcept { each_.store(limit, std::memory_order_relaxed); }

    std::uint32_t limit(std::string_view key) noexcept {
        part& p = parts_[number_of(key)];
        const std::lock_guard lock(p.gate);
        return limit_of(p, key);
    }
    std::uint32_t held(std::string_view key) noexcept {
        part& p = parts_[number_of(key)];
        const std::lock_guard lock(p.gate);
        const auto known = p.entries.find(key);
        return known == p.entries.end() ? 0 : known->second.held;
    }

    quota_statistics statistics() const noexcept {
        quota_statistics s;
        s.keys = keys_.load(std::memory_order_relaxed);
        if (s.keys > options_.most_keys)
            s.keys = options_.most_keys;  // who is about to be refused is counted as well
        s.held = held_.load(std::memory_order_relaxed);
        s.taken = taken_.load(std::memory_order_relaxed);
        s.refused_by_limit = refused_by_limit_.load(std::memory_order_relaxed);
        s.refused_by_keys = refused_by_keys_.load(std::memory_order_relaxed);
        return s;
    }

private:
    struct alignas(64) part {
        std::mutex gate;
        by_quota_key<quota_entry> entries;
        by_quota_key<std::uint32_t> limits;
    };

    static constexpr std::size_t parts = 32;

    // Not the bits that the part's own table goes by.
    static std::uint32_t number_of(std::string_view key) noexcept {
        const std::uint64_t mixed = std::uint64_t{quota_hash()(key)} * 0x9E3779B97F4A7C15U;
        return static_cast<std::uint32_t>(mixed >> 32) % parts;
    }
    std::uint32_t limit_of(const part& p, std::string_view key) const noexcept {
        if (!p.limits.empty()) {
            if (const auto own = p.limits.find(key); own != p.limits.end()) return own->second;
        }
        return each_.load(std::memory_order_relaxed);
    }
    quota_hold held_by(quota_entry& entry, std::uint32_t count) noexcept {
        entry.held += count;
        held_.fetch_add(count, std::memory_order_relaxed);
        taken_.fetch_add(1, std::memory_order_relaxed);
        quota_hold hold;
        hold.book_ = shared_from_this();
        hold.entry_ = &entry;
        hold.count_ = count;
        return hold;
    }

    const quota_options options_;
    std::atomic<std::uint32_t> each_;
    std::array<part, parts> parts_;
    std::atomic<std::uint32_t> keys_{0};
    std::atomic<std::uint64_t> held_{0}, taken_{0}, refused_by_limit_{0}, refused_by_keys_{0};
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

void quota_hold::give_back() noexcept {
    const auto book = std::move(book_);
    if (auto* const entry = std::exchange(entry_, nullptr)) book->give_back(*entry, count_);
}

quotas::quotas(const quota_options& options) : book_(std::make_shared<detail::quota_book>(options)) {}
quotas::~quotas() = default;

quota_hold quotas::take(std::string_view key, std::uint32_t count, error_code& ec) noexcept {
    return book_->take(key, count, ec);
}
void quotas::set_limit(std::string_view key, std::uint32_t limit) { book_->set_limit(key, limit); }
void quotas::reset_limit(std::string_view key) noexcept { book_->reset_limit(key); }
void quotas::set_limit_of_each(std::uint32_t limit) noexcept { book_->set_limit_of_each(limit); }
std::uint32_t quotas::limit(std::string_view key) const noexcept { return book_->limit(key); }
std::uint32_t quotas::held(std::string_view key) const noexcept { return book_->held(key); }
quota_statistics quotas::statistics() const noexcept { return book_->statistics(); }

}  // namespace berth::v0_1
