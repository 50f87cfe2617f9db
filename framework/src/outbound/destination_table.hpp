// The destinations of a block, each with its set of free ports: found without a lock, made and recycled under one.
//
// A set lives in memory that is never freed before the table is, so a reader may look at any; whether it still is the
// destination's that was looked for, its life word says (tuple_set.hpp). A destination that nobody pins keeps its set
// until another one needs it: it costs nothing but that memory, of which there is never more than for `most` sets.
// A reader that is led astray by a set that changes destinations under it looks again under the lock.
#pragma once

#include "outbound/destination.hpp"
#include "outbound/tuple_set.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace berth::outbound {

class destination_table {
public:
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    /// `most` sets of `ports` ports each, at most. Throws std::bad_alloc.
    destination_table(std::uint32_t ports, std::uint32_t most);
    ~destination_table();
    destination_table(const destination_table&) = delete;
    destination_table& operator=(const destination_table&) = delete;

    /// The destination's set, with one pin more. Known ones: lock-free, no allocation. none: as many as there may be
    /// are pinned, or there is no memory.
    std::uint32_t pin(const destination& d) noexcept;
    /// One more of a set that the caller has pinned.
    void unpin(std::uint32_t set) noexcept { life(set).unpin(); }
    [[nodiscard]] tuple_words<> words(std::uint32_t set) const noexcept { return {at(set) + set_words, ports_}; }

    /// For the books: sets with a pin, and sets that have memory.
    [[nodiscard]] std::uint32_t pinned() const noexcept;
    [[nodiscard]] std::uint32_t made() const noexcept { return made_.load(std::memory_order_acquire); }
    [[nodiscard]] std::uint32_t most() const noexcept { return most_; }
    [[nodiscard]] static std::size_t bytes_of_set(std::uint32_t ports) noexcept;

private:
    using word = std::atomic<std::uint64_t>;
    enum place : std::uint32_t { life_word, key_words, next_word = key_words + 3, set_words };
    static constexpr std::uint32_t sets_in_chunk = 64;
    struct alignas(64) line {
        word at[8];
    };

    [[nodiscard]] word* at(std::uint32_t set) const noexcept {
        line* const chunk = chunks_[set / sets_in_chunk].load(std::memory_order_acquire);
        return chunk[set % sets_in_chunk * lines_].at;
    }
    // A tuple_life is one word.
    [[nodiscard]] tuple_life<> life(std::uint32_t set) const noexcept { return tuple_life<>(at(set)[life_word]); }
    [[nodiscard]] bool is(std::uint32_t set, const destination& d) const noexcept;
    [[nodiscard]] std::atomic<std::uint32_t>& home(const destination& d) const noexcept {
        return buckets_[hash_(d) & (bucket_count_ - 1)];
    }
    std::uint32_t find_and_pin(const destination& d) noexcept;
    std::uint32_t make(const destination& d) noexcept;
    std::uint32_t recycle(std::uint32_t looks) noexcept;
    std::uint32_t make_room() noexcept;
    void unlink(std::uint32_t set) noexcept;

    const std::uint32_t ports_, most_, lines_, bucket_count_;
    const destination_hash hash_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> buckets_;  // 1 + set; 0: none
    std::unique_ptr<std::atomic<line*>[]> chunks_;
    std::atomic<std::uint32_t> made_{0};
    std::mutex changing_;
    std::uint32_t hand_ = 0;  // under changing_: where the next look for a set that nobody pins begins
};

}  // namespace berth::outbound
