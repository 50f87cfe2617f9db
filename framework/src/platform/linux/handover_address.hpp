// Where a hand-over takes place: a socket's path, or '@' and a name of the abstract namespace.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace berth::platform {

struct handover_address {
    sockaddr_un storage{};
    socklen_t size = 0;

    /// 0 or an errno.
    int set(const std::string& text) noexcept {
        if (text.empty() || text == "@") return EINVAL;
        if (text.size() >= sizeof storage.sun_path) return ENAMETOOLONG;
        storage.sun_family = AF_UNIX;
        std::memcpy(storage.sun_path, text.c_str(), text.size() + 1);
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
        if (text.front() == '@') storage.sun_path[0] = '\0', --size;
        return 0;
    }
    [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

}  // namespace berth::platform
