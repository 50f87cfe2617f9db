// See credentials.hpp.
#include "credentials.hpp"

#include <charconv>
#include <cstdint>

namespace relay {

std::optional<credentials::user> credentials::find(std::string_view name,
                                                   std::chrono::system_clock::time_point now) const {
    if (const auto found = users_.find(name); found != users_.end()) return user{found->second, found->first};
    if (secret_.empty()) return std::nullopt;

    std::int64_t expiry = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), expiry);
    const std::string_view rest(stop, static_cast<std::size_t>(name.data() + name.size() - stop));
    if (error != std::errc() || (!rest.empty() && rest.front() != ':')) return std::nullopt;
    if (expiry <= std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count())
        return std::nullopt;
    const std::string password = base64(hmac_sha1(bytes_of(secret_), bytes_of(name)));
    return user{key_of(name, realm_, password), std::string(rest.empty() ? rest : rest.substr(1))};
}

}  // namespace relay
