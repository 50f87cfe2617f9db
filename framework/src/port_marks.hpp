// One atomic bit a port: a set of indices that any thread may enter, leave and walk.
//
// Used off the fast path for what is rare: ports set aside, ports whose socket a caller closes by itself.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>

namespace berth::detail {

class port_marks {
public:
    explicit port_marks(std::uint32_t count)
        : words_((count + 63) / 64), bits_(std::make_unique<std::atomic<std::uint64_t>[]>(words_)) {}

    /// True if it was not marked before.
    bool mark(std::uint32_t index) noexcept {
        if ((word(index).fetch_or(bit(index)) & bit(index)) != 0) return false;
        marked_.fetch_add(1);
        return true;
    }
    /// True if it was marked: exactly one of several threads hears so.
    bool unmark(std::uint32_t index) noexcept {
        if ((word(index).fetch_and(~bit(index)) & bit(index)) == 0) return false;
        marked_.fetch_sub(1);
        return true;
    }
    [[nodiscard]] bool is_marked(std::uint32_t index) const noexcept { return (word(index).load() & bit(index)) != 0; }
    [[nodiscard]] std::uint32_t count() const noexcept { return marked_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool none() const noexcept { return marked_.load(std::memory_order_relaxed) == 0; }

    /// Calls visit(index) for each index marked when its word was read.
    template <class Visit>
    void for_each(Visit visit) const {
        for (std::uint32_t w = 0; w < words_; ++w) {
            for (std::uint64_t left = bits_[w].load(); left != 0; left &= left - 1) {
                visit(w * 64 + static_cast<std::uint32_t>(std::countr_zero(left)));
            }
        }
    }

private:
    [[nodiscard]] std::atomic<std::uint64_t>& word(std::uint32_t index) const noexcept { return bits_[index / 64]; }
    static std::uint64_t bit(std::uint32_t index) noexcept { return std::uint64_t{1} << (index % 64); }

    std::uint32_t words_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> bits_;
    std::atomic<std::uint32_t> marked_{0};
};

}  // namespace berth::detail
