// Atomic words, the first on a cache line of its own.
#pragma once

#include <cstddef>
#include <memory>

namespace berth::claim {

/// Begins on a cache line and shares its last one with nothing.
template <class AtomicWord>
class word_lines {
public:
    explicit word_lines(std::size_t count)
        : lines_(std::make_unique<line[]>((count + 7) / 8)), first_(lines_[0].at) {}
    AtomicWord& operator[](std::size_t i) const noexcept { return first_[i]; }

private:
    struct alignas(64) line {
        AtomicWord at[8];
    };
    std::unique_ptr<line[]> lines_;
    AtomicWord* first_;
};

}  // namespace berth::claim
