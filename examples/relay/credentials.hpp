// Who may allocate: users with passwords, and time-limited names that another service signed ("TURN REST API").
//
// A time-limited name is EXPIRY or EXPIRY:USER, seconds since 1970; its password base64(HMAC-SHA1(secret, name)). All
// its names count as one USER in quotas. Names are compared byte by byte: no SASLprep. Any thread; constant.
#pragma once

#include "stun_integrity.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace relay {

class credentials {
public:
    explicit credentials(std::string realm) : realm_(std::move(realm)) {}

    void add_user(const std::string& name, std::string_view password) {
        users_[name] = key_of(name, realm_, password);
    }
    void set_secret(std::string secret) { secret_ = std::move(secret); }

    [[nodiscard]] const std::string& realm() const noexcept { return realm_; }
    [[nodiscard]] bool empty() const noexcept { return users_.empty() && secret_.empty(); }

    struct user {
        long_term_key key{};
        std::string counted_as;  ///< in quotas and logs
    };
    /// nullopt: nobody, or not any more.
    [[nodiscard]] std::optional<user> find(std::string_view name, std::chrono::system_clock::time_point now) const;

private:
    std::string realm_;
    std::string secret_;
    std::map<std::string, long_term_key, std::less<>> users_;
};

}  // namespace relay
