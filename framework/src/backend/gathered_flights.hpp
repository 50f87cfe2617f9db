// The flights of a datagram_queue that wait for the end of the turn, found by where they go.
//
// Answers to a crowd come in any order, and each of one member's can join the others of the turn. A flight is found
// through a small table, at one of a few places in a row. Belongs to the loop's thread.
#pragma once

#include "backend/datagram_flight.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace berth::detail {

class gathered_flights {
public:
    /// The place of the flight to there; else one that is free; else one of another flight, which has to go.
    [[nodiscard]] std::uint8_t place_for(const attachment& socket, const void* address,
                                         std::size_t size) const noexcept {
        const std::uint8_t first = hash(address, size);
        std::uint8_t found = first;
        for (std::uint8_t i = 0; i < tries; ++i) {
            const auto place = static_cast<std::uint8_t>(first + i);
            const datagram_flight* const there = at(place);
            if (there == nullptr) {
                if (at(found) != nullptr) found = place;
            } else if (there->goes_to(socket, address, size)) {
                return place;
            }
        }
        return found;
    }

    [[nodiscard]] datagram_flight* at(std::uint8_t place) const noexcept {
        return number_[place] == 0 ? nullptr : flights_[number_[place] - 1];
    }
    [[nodiscard]] bool is_full() const noexcept { return count_ == flights_.size(); }

    /// Pre: nothing is there, and it is not full.
    void put(std::uint8_t place, datagram_flight& flight) noexcept {
        flights_[count_] = &flight;
        number_[place] = ++count_;
    }
    /// Pre: something is there.
    datagram_flight& take(std::uint8_t place) noexcept {
        return *std::exchange(flights_[std::exchange(number_[place], std::uint8_t{0}) - 1], nullptr);
    }
    /// Takes all, in the order in which they came.
    template <class Function>
    void take_each(Function&& function) noexcept {
        number_.fill(0);
        for (std::uint8_t i = 0, n = std::exchange(count_, std::uint8_t{0}); i < n; ++i)
            if (flights_[i] != nullptr) function(*flights_[i]);
    }

private:
    static constexpr std::uint8_t tries = 4;

    static std::uint8_t hash(const void* address, std::size_t size) noexcept {
        std::uint64_t port_and_more = 0, rest[2] = {};
        std::memcpy(&port_and_more, address, std::min(size, sizeof port_and_more));
        if (size >= sizeof port_and_more + sizeof rest)
            std::memcpy(rest, static_cast<const char*>(address) + sizeof port_and_more, sizeof rest);
        const std::uint64_t mixed = port_and_more ^ rest[0] * 0xff51afd7ed558ccd ^ (rest[1] << 32 | rest[1] >> 32);
        return static_cast<std::uint8_t>(mixed * 0x9e3779b97f4a7c15 >> 56);
    }

    std::array<datagram_flight*, 64> flights_{};  // in the order of their coming; nullptr: taken
    std::array<std::uint8_t, 256> number_{};      // by place: the flight's there, from 1 on; 0: none
    std::uint8_t count_ = 0;
};

}  // namespace berth::detail
