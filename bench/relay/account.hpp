// The long-term credentials of RFC 8489 that the load generator's clients share.
#pragma once

#include "stun_integrity.hpp"
#include "stun_writer.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace berth::bench {

inline constexpr std::uint32_t udp_transport = 17U << 24;  // REQUESTED-TRANSPORT's value

class account {
public:
    account(std::string user, std::string realm, std::string password)
        : user_(std::move(user)),
          realm_(std::move(realm)),
          password_(std::move(password)),
          key_(relay::key_of(user_, realm_, password_)) {}

    [[nodiscard]] const std::string& user() const noexcept { return user_; }
    [[nodiscard]] const std::string& realm() const noexcept { return realm_; }
    [[nodiscard]] const std::string& password() const noexcept { return password_; }

    /// Adds user, realm, nonce and the integrity over all that is in it by then.
    void sign(relay::stun_writer& request, relay::bytes_view nonce) const {
        request.add(relay::attribute::username, user_);
        request.add(relay::attribute::realm, realm_);
        request.add(relay::attribute::nonce, nonce);
        request.add_integrity(key_, relay::integrity::sha1);
    }

private:
    std::string user_, realm_, password_;
    relay::long_term_key key_;
};

}  // namespace berth::bench
