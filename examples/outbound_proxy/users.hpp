// Who may use the proxy: names, passwords, and the sources that are theirs.
#pragma once

#include "settings.hpp"

#include <string_view>

namespace outbound_proxy {

class user_list {
public:
    explicit user_list(std::vector<user_setting> users) : users_(std::move(users)) {}

    /// False: nobody needs to say who it is.
    [[nodiscard]] bool is_closed() const noexcept { return !users_.empty(); }
    /// nullptr: no such user, or another password. How long it takes says of neither.
    [[nodiscard]] const user_setting* find(std::string_view name, std::string_view password) const noexcept;

private:
    std::vector<user_setting> users_;
};

/// NAME:PASSWORD, or NAME:PASSWORD:SOURCE,SOURCE. Throws std::invalid_argument, naming what is wrong and never the
/// password.
user_setting read_user(std::string_view text);
/// A user a line; empty lines and those that begin with # are none. Throws, also if others may read the file.
std::vector<user_setting> read_users(const std::string& path);

}  // namespace outbound_proxy
