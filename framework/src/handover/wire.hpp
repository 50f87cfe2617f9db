// What the two processes of a hand-over say to each other: the successor asks, the predecessor answers.
//
//   hello → offer · next → part … part, end · ready → yours · have          no, with its reason: at any time, either
//   way
//
// Numbers are in the machine's order: both are on it. A message that is not as it should be reads as zeros and
// is_whole says so; nothing of it is trusted before.
#pragma once

#include "platform/handover_line.hpp"

#include <berth/reservation_request.hpp>

#include <cstring>
#include <string>
#include <type_traits>

namespace berth::detail {

constexpr std::uint32_t handover_version = 1;

enum class handover_verb : std::uint8_t { hello = 1, offer, next, part, end, ready, yours, have, no };

enum class handover_part : std::uint8_t {
    reservation,  // name, request, network
    lane,         // its board, what parks it, who had it before
    sockets,      // of some ports, with their cookies
    names,        // of ports that are served with
};

class handover_writer {
public:
    explicit handover_writer(handover_verb verb) {
        bytes_.reserve(128);  // most are shorter
        put(magic);
        put(verb);
    }
    template <class Value>
    void put(Value value) {
        static_assert(std::is_trivially_copyable_v<Value>);
        const auto* const at = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), at, at + sizeof value);
    }
    void put(const std::string& text) {
        put(static_cast<std::uint16_t>(text.size()));
        const auto* const at = reinterpret_cast<const std::byte*>(text.data());
        bytes_.insert(bytes_.end(), at, at + text.size());
    }
    [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

    static constexpr std::uint32_t magic = 0x62657274;

private:
    std::vector<std::byte> bytes_;
};

class handover_reader {
public:
    explicit handover_reader(const platform::handover_message& m) noexcept : left_(m.bytes) {
        if (get<std::uint32_t>() == handover_writer::magic) verb_ = get<handover_verb>();
    }
    [[nodiscard]] handover_verb verb() const noexcept { return verb_; }
    template <class Value>
    Value get() noexcept {
        static_assert(std::is_trivially_copyable_v<Value>);
        Value value{};
        is_whole_ = is_whole_ && left_.size() >= sizeof value;
        if (!is_whole_) return value;
        std::memcpy(&value, left_.data(), sizeof value);
        left_ = left_.subspan(sizeof value);
        return value;
    }
    std::string text() {
        const std::size_t size = get<std::uint16_t>();
        is_whole_ = is_whole_ && left_.size() >= size;
        if (!is_whole_) return {};
        std::string out(reinterpret_cast<const char*>(left_.data()), size);
        left_ = left_.subspan(size);
        return out;
    }
    /// All that was asked for was there.
    [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
    /// And nothing is left.
    [[nodiscard]] bool is_all() const noexcept { return is_whole_ && left_.empty(); }

private:
    std::span<const std::byte> left_;
    handover_verb verb_{};
    bool is_whole_ = true;
};

void put_request(handover_writer& out, const reservation_request& r);
reservation_request get_request(handover_reader& in);

/// `no`, and why.
handover_writer refusal(const failure& f);
failure refusal_of(handover_reader& in, const char* whose);

/// For tests, which end the process at a given step: called with the step's name. nullptr: nobody.
extern void (*at_handover_step)(const char* step);
inline void handover_step(const char* step) {
    if (at_handover_step != nullptr) at_handover_step(step);
}

}  // namespace berth::detail
