// Talking to the service manager; see systemd_store.hpp.
#include "platform/systemd_store.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace berth::daemon {
namespace {

constexpr int longest_wait = 10'000;  // milliseconds
constexpr int slow_close = 50;        // milliseconds: newer managers close what they drop by a thread of its own
constexpr char canary[] = "berthd-room";

failure no_room(const std::string& what) {
    return {errc::too_many_files,
            "the service manager " + what + "; raise FileDescriptorStoreMax= of the unit: two for each port, two for each "
            "share, and one",
            0, 0};
}

failure systemd_failed(const std::string& what, int error) {
    return {errc::system_failure, "the service manager " + what + ": " + std::generic_category().message(error), 0,
            0};
}

template <class Number>
bool read_number(std::string_view& text, Number& value, int base, char end) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (read.ec != std::errc()) return false;
    if (end == '\0') return text.empty();
    if (text.empty() || text.front() != end) return false;
    text.remove_prefix(1);
    return true;
}

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool is_same_file(int a, int b) {
    struct stat first {
    }, second{};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace

std::string name_of(const kept_key& key) {
    char text[40];
    std::snprintf(text, sizeof text, "%016llx-%u-%u", static_cast<unsigned long long>(key.block), unsigned{key.port},
                  static_cast<unsigned>(key.role));
    return text;
}

std::optional<kept_key> key_of(std::string_view name) {
    kept_key key;
    unsigned role = 0;
    std::string_view left = name;
    if (!read_number(left, key.block, 16, '-') || !read_number(left, key.port, 10, '-') ||
        !read_number(left, role, 10, '\0') || role < 1 || role > last_role) {
        return std::nullopt;
    }
    key.role = static_cast<socket_role>(role);
    return name_of(key) == name ? std::optional(key) : std::nullopt;
}

std::unique_ptr<systemd_store> systemd_store::open(std::vector<passed_descriptor>& passed, failure& f) {
    f = {};
    const std::string path = variable("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path.size() < 2 || path.size() >= sizeof address.sun_path) {
        f = {errc::service_unavailable,
             "no service manager started this (NOTIFY_SOCKET); run it as a service, or keep with a process", 0, 0};
        return nullptr;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    std::unique_ptr<systemd_store> made(new systemd_store);
    made->manager_ = platform::descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (::connect(made->manager_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        f = systemd_failed("does not listen at " + path, errno);
        return nullptr;
    }
    std::size_t limit = 0;
    const std::string told = variable("FDSTORE");
    if (std::string_view left = told; read_number(left, limit, 10, '\0')) made->limit_ = limit;
    std::erase_if(passed, [&](passed_descriptor& p) {
        const auto key = key_of(p.name);
        if (key) made->kept_[*key] = std::move(p.fd);
        const bool is_canary = p.name == canary;  // of a daemon that died meanwhile
        if (is_canary) made->tell(std::string("FDSTOREREMOVE=1\nFDNAME=") + canary, {}, f);
        return key.has_value() || is_canary;
    });
    if (!f && !made->limit_ && made->kept_.empty() && !made->has_room(slow_close, f) && !f) {
        f = no_room("keeps no descriptors for this service");
    }
    if (f) return nullptr;
    return made;
}

bool systemd_store::tell(const std::string& words, std::span<const int> descriptors, failure& f) {
    const int error = platform::send_message(manager_.get(), std::as_bytes(std::span(words)), descriptors);
    if (error != 0) f = systemd_failed("cannot be told", error);
    return error == 0;
}

// The manager closes its end of the pipe once it has come this far.
void systemd_store::await(failure& f) {
    int ends[2];
    if (f) return;
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        f = systemd_failed("cannot be waited for", errno);
        return;
    }
    const platform::descriptor here(ends[0]);
    platform::descriptor there(ends[1]);
    const int sent[] = {there.get()};
    if (!tell("BARRIER=1", sent, f)) return;
    there = {};
    pollfd waiting{.fd = here.get(), .events = 0, .revents = 0};
    const int r = ::poll(&waiting, 1, longest_wait);
    if (r <= 0) f = systemd_failed("does not take note", r == 0 ? ETIMEDOUT : errno);
}

// Post: the manager took note of all that it was told, and has room for one more.
bool systemd_store::has_room(int grace, failure& f) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        f = systemd_failed("cannot be asked whether it has room", errno);
        return false;
    }
    const platform::descriptor here(ends[0]);
    platform::descriptor there(ends[1]);
    const int sent[] = {there.get()};
    const std::string name = std::string("FDNAME=") + canary;
    if (!tell("FDSTORE=1\nFDPOLL=0\n" + name, sent, f)) return false;
    there = {};
    await(f);
    pollfd waiting{.fd = here.get(), .events = 0, .revents = 0};
    const bool is_dropped = !f && ::poll(&waiting, 1, grace) > 0;
    failure ignored;
    if (!is_dropped) tell("FDSTOREREMOVE=1\n" + name, {}, f ? ignored : f);
    return !is_dropped && !f;
}

/// Which of them the manager dropped it does not say: none of them is kept.
void systemd_store::give_up(std::span<const kept_key> fresh, failure& f) {
    const auto before = kept_.size() - fresh.size();
    failure ignored;
    remove(fresh, ignored);
    f = no_room("has no room for " + std::to_string(fresh.size()) + " descriptors beside the " + std::to_string(before) +
                " that it keeps");
}

bool systemd_store::put_one(const kept_socket& socket, failure& f) {
    const auto there = kept_.find(socket.key);
    const std::string name = name_of(socket.key);
    if (there != kept_.end()) {
        if (is_same_file(there->second.get(), socket.fd)) return true;
        kept_.erase(there);
        if (!tell("FDSTOREREMOVE=1\nFDNAME=" + name, {}, f)) return false;
    }
    if (limit_ && kept_.size() >= *limit_) {
        f = {errc::too_many_files,
             "the service manager keeps " + std::to_string(*limit_) +
                 " descriptors and no more; raise FileDescriptorStoreMax= of the unit",
             0, 0};
        return false;
    }
    platform::descriptor copy(::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) {
        f = {errc::too_many_files, "no descriptor is left to keep with the service manager (LimitNOFILE=)", 0, 0};
        return false;
    }
    const int sent[] = {socket.fd};
    if (!tell("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, sent, f)) return false;
    kept_[socket.key] = std::move(copy);
    return true;
}

void systemd_store::put(std::span<const kept_socket> sockets, failure& f) {
    f = {};
    std::vector<kept_key> fresh;
    for (const auto& s : sockets) {
        const auto there = kept_.find(s.key);
        const bool is_fresh = there == kept_.end() || !is_same_file(there->second.get(), s.fd);
        if (!put_one(s, f)) break;
        if (is_fresh) fresh.push_back(s.key);
    }
    if (fresh.empty() || limit_) {
        if (!fresh.empty() && !f) await(f);
    } else if (failure doubt; !has_room(0, doubt)) {
        f = std::move(doubt);
        if (!f) give_up(fresh, f);
    }
}

void systemd_store::fetch(std::vector<kept_socket>& out, failure& f) {
    f = {};
    for (const auto& [key, fd] : kept_) {
        const int copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            f = systemd_failed("gave more descriptors than this process may have", errno);
            return;
        }
        out.push_back({key, copy});
    }
}

void systemd_store::remove(std::span<const kept_key> keys, failure& f) {
    f = {};
    for (const auto& key : keys) {
        if (kept_.erase(key) != 0 && !tell("FDSTOREREMOVE=1\nFDNAME=" + name_of(key), {}, f)) return;
    }
    await(f);
}

void systemd_store::remove_block(std::uint64_t block, failure& f) {
    std::vector<kept_key> keys;
    for (const auto& [key, fd] : kept_) {
        if (key.block == block) keys.push_back(key);
    }
    remove(keys, f);
}

bool systemd_store::renew(failure& f) {
    f = {};
    return false;
}

std::string systemd_store::describe() const {
    return "the service manager, " + std::to_string(kept_.size()) + " descriptors" +
           (limit_ ? " of " + std::to_string(*limit_) : "; it does not tell its limit (FileDescriptorStoreMax=)");
}

}  // namespace berth::daemon
