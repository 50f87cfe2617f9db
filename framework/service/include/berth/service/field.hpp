// One key and its value in a line of the log.
//
// A field looks at strings and keeps numbers: it lives as long as the call that it is written in.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <variant>

namespace berth::service {

class field {
public:
    using value_type = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view, std::string>;

    /// The key is the program's own word, [a-z0-9_.]; anything else in it becomes '_'. Values: strings, bool,
    /// numbers, durations (in seconds), error codes (their message), and what has to_string() or address() and
    /// port().
    template <class Value>
    field(std::string_view key, const Value& value) : key_(key), value_(converted(value)) {}

    [[nodiscard]] std::string_view key() const noexcept { return key_; }
    [[nodiscard]] const value_type& value() const noexcept { return value_; }

private:
    template <class Value>
    static value_type converted(const Value& value) {
        if constexpr (std::same_as<Value, bool>) {
            return value;
        } else if constexpr (std::is_enum_v<Value>) {
            return converted(static_cast<std::underlying_type_t<Value>>(value));
        } else if constexpr (std::signed_integral<Value>) {
            return static_cast<std::int64_t>(value);
        } else if constexpr (std::unsigned_integral<Value>) {
            return static_cast<std::uint64_t>(value);
        } else if constexpr (std::floating_point<Value>) {
            return static_cast<double>(value);
        } else if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
            return std::string_view(value);
        } else if constexpr (std::same_as<Value, std::error_code>) {
            return value.message();
        } else if constexpr (requires { std::chrono::duration<double>(value); }) {
            return std::chrono::duration<double>(value).count();
        } else if constexpr (requires { value.to_string(); }) {
            return value.to_string();
        } else {
            const auto address = value.address();
            const std::string port = ":" + std::to_string(value.port());
            return address.is_v6() ? "[" + address.to_string() + "]" + port : address.to_string() + port;
        }
    }

    std::string_view key_;
    value_type value_;
};

}  // namespace berth::service
