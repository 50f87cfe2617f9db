// Comparing a lent socket with the baseline, cheapest refusals first.
#include "platform/linux/option_audit.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace berth::platform {
namespace {

enum { receive_buffer, send_buffer, option_memory };

bool same_buffers(const std::array<std::uint32_t, 3>& a, const std::array<std::uint32_t, 3>& b) noexcept {
    return a[receive_buffer] == b[receive_buffer] && a[send_buffer] == b[send_buffer];
}

option_value neutral_value(const option_value& fresh) noexcept {
    option_value v = fresh;
    if (fresh.row->back == undo::clear_blind) {
        v.bytes = {};
    } else if (fresh.row->neutral != fresh_value) {
        std::memcpy(v.bytes.data(), &fresh.row->neutral, sizeof fresh.row->neutral);
    }
    return v;
}

// True if the option reads as fresh now.
bool put_back(system_calls& calls, int fd, const option_value& fresh) noexcept {
    const option_row& row = *fresh.row;
    if (row.back == undo::clear_blind) return write_option(calls, fd, neutral_value(fresh)) == 0;
    option_value now;
    if (read_option(calls, fd, row, now) < 0) return false;
    if (same(now, fresh)) return true;
    if (row.back == undo::condemn || write_option(calls, fd, neutral_value(fresh)) < 0) return false;
    return row.back == undo::settle || (read_option(calls, fd, row, now) == 0 && same(now, fresh));
}

bool put_flags_back(system_calls& calls, int fd, int flags) noexcept {
    const int now = calls.fcntl(fd, F_GETFL, 0);
    if (now < 0 || (now != flags && calls.fcntl(fd, F_SETFL, flags) < 0)) return false;
    if (calls.fcntl(fd, F_GETOWN, 0) != 0 && calls.fcntl(fd, F_SETOWN, 0) < 0) return false;
    return calls.fcntl(fd, F_GETSIG, 0) == 0 || calls.fcntl(fd, F_SETSIG, 0) >= 0;
}

// Not undone, but not done by a worker either: he has no more rights than we.
bool is_for_nobody(int error) noexcept { return error == -EPERM || error == -EACCES || error == -EINVAL; }

}  // namespace

std::unique_ptr<option_audit> option_audit::capture(system_calls& calls, int fresh, port_kind kind,
                                                    int& error) noexcept {
    try {
        return capture_all(calls, fresh, kind, error);
    } catch (const std::bad_alloc&) {
        error = -ENOMEM;
        return nullptr;
    }
}

std::unique_ptr<option_audit> option_audit::capture_all(system_calls& calls, int fresh, port_kind kind, int& error) {
    std::unique_ptr<option_audit> audit(new option_audit);
    audit->kind_ = kind;
    sockaddr_in6 name{};
    socklen_t size = sizeof name;
    error = calls.getsockname(fresh, reinterpret_cast<sockaddr*>(&name), &size);
    if (error >= 0) error = read_memory(calls, fresh, audit->memory_);
    if (error >= 0) error = audit->flags_ = calls.fcntl(fresh, F_GETFL, 0);
    if (error >= 0) error = read_all_options(calls, fresh, kind, audit->baseline_);
    if (error >= 0 && kind == port_kind::udp) error = audit->hearing_.open(calls);
    if (error < 0) return nullptr;
    error = 0;
    audit->domain_ = name.sin6_family;
    if (name.sin6_family == AF_INET6) {
        std::memcpy(audit->address_.data(), &name.sin6_addr, sizeof name.sin6_addr);
    } else {
        std::memcpy(audit->address_.data(), &reinterpret_cast<sockaddr_in&>(name).sin_addr, 4);
    }
    std::erase_if(audit->baseline_, [&](const option_value& v) {
        if (v.row->back != undo::clear_blind || error < 0) return v.row->back == undo::leave;
        const int r = write_option(calls, fresh, neutral_value(v));
        if (r < 0 && !is_absent(r) && !is_for_nobody(r)) error = r;
        return r < 0;
    });
    return error < 0 ? nullptr : std::move(audit);
}

verdict option_audit::restore(system_calls& calls, int fd, std::uint16_t port, std::uint64_t cookie,
                              const char** refused) noexcept {
    const auto condemn = [&](const char* what) {
        if (refused != nullptr) *refused = what;
        return verdict::condemned;
    };
    std::array<std::uint32_t, 3> memory{};
    if (read_memory(calls, fd, memory) < 0) return condemn("SO_MEMINFO");
    if (memory[option_memory] != memory_[option_memory]) return condemn("option memory");
    if (!same_buffers(memory, memory_) && write_buffers(calls, fd, memory_) < 0) return condemn("SO_RCVBUF");
    if (!put_flags_back(calls, fd, flags_)) return condemn("file flags");
    for (const option_value& fresh : baseline_) {
        if (!put_back(calls, fd, fresh)) return condemn(fresh.row->text);
    }
    if (kind_ == port_kind::udp && !hearing_.hears(calls, domain_, address_.data(), port, cookie)) {
        return condemn("shut down, or deaf to strangers");
    }
    return verdict::as_new;
}

}  // namespace berth::platform
