// See users.hpp.
#include "users.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace outbound_proxy {
namespace {

bool equal_in_constant_time(std::string_view known, std::string_view said) noexcept {
    unsigned differs = known.size() != said.size();
    for (std::size_t i = 0; i < said.size(); ++i) {
        const char c = known.empty() ? '\0' : known[i % known.size()];
        differs |= static_cast<unsigned char>(c ^ said[i]);
    }
    return differs == 0;
}

}  // namespace

const user_setting* user_list::find(std::string_view name, std::string_view password) const noexcept {
    const user_setting* found = nullptr;
    for (const user_setting& user : users_) {
        const bool is_name = equal_in_constant_time(user.name, name);
        const bool is_password = equal_in_constant_time(user.password, password);
        if (is_name && is_password) found = &user;
    }
    return found;
}

user_setting read_user(std::string_view text) {
    user_setting user;
    const std::size_t colon = text.find(':');
    user.name = text.substr(0, colon);
    if (colon == text.npos || colon == 0 || colon > 255)
        throw std::invalid_argument("a user is NAME:PASSWORD, with a name of 1 to 255 characters; not so for user '" +
                                    user.name + "'");
    std::string_view rest = text.substr(colon + 1);
    const std::size_t second = rest.find(':');
    user.password = rest.substr(0, second);
    if (user.password.empty() || user.password.size() > 255)
        throw std::invalid_argument("user '" + user.name + "' needs a password of 1 to 255 characters");
    if (second == rest.npos) return user;
    for (rest.remove_prefix(second + 1); !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        user.sources.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return user;
}

std::vector<user_setting> read_users(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code ec;
    const fs::perms mode = fs::status(path, ec).permissions();
    if (ec) throw std::invalid_argument("users' file '" + path + "': " + ec.message());
    if ((mode & (fs::perms::others_read | fs::perms::others_write)) != fs::perms::none)
        throw std::invalid_argument("users' file '" + path +
                                    "' has passwords and is everybody's to read: chmod o-rw it");
    std::ifstream file(path);
    if (!file) throw std::invalid_argument("users' file '" + path + "' cannot be read");
    std::vector<user_setting> users;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line.empty() || line.front() == '#') continue;
        users.push_back(read_user(line));
    }
    if (users.empty()) throw std::invalid_argument("users' file '" + path + "' has no user");
    return users;
}

}  // namespace outbound_proxy
