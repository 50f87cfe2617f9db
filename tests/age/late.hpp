// Counters that begin just below the place where they begin again.
//
// late<Start>::word is an atomic whose plain stores are counted from Start on: the templates of the claim store only
// where they are made, so what they make has the age that Start says. Increments and exchanges are ordinary.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace age_test {

template <std::uint64_t Start>
struct late {
    template <class T>
    class word : public std::atomic<T> {
    public:
        using std::atomic<T>::atomic;
        void store(T value) noexcept {
            if constexpr (std::is_same_v<T, std::uint64_t>) value += Start;
            std::atomic<T>::store(value);
        }
    };
};

}  // namespace age_test
