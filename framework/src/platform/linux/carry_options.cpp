// Two passes: read and judge everything on the caller's socket first, then set what differs on the session socket.
#include "platform/linux/carry_options.hpp"

#include "platform/linux/os_failure.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>

namespace berth::platform {
namespace {

constexpr int session_flags = O_RDWR | O_NONBLOCK;
constexpr int flags_that_matter = O_NONBLOCK | O_ASYNC;
enum { receive_buffer, send_buffer, option_memory };

std::string value_text(const option_value& v) {
    if (v.row->size == sizeof(int) && v.size == sizeof(int)) {
        int number = 0;
        std::memcpy(&number, v.bytes.data(), sizeof number);
        return std::to_string(number);
    }
    if (v.row->size == 16 && v.bytes[0] >= 'a' && v.bytes[0] <= 'z') {
        return std::string(reinterpret_cast<const char*>(v.bytes.data()));
    }
    return std::to_string(v.size) + " bytes";
}

void refuse_option(failure& f, const std::string& name, const std::string& value, const std::string& why) {
    f.code = errc::option_refused;
    f.what = name + " is " + value + " on the socket and " + why;
}

constexpr const char* not_undoable =
    "cannot be carried onto a reserved port's socket: clear it before associate, or bind without a reservation";

bool refused_by_system(failure& f, const std::string& name, const std::string& value, int error) {
    if (error >= 0) return false;
    const bool privilege = error == -EPERM || error == -EACCES;
    refuse_option(f, name, value,
                  std::string("the system refuses it on the port's socket (") + std::strerror(-error) +
                      "): " + (privilege ? "it needs CAP_NET_ADMIN; " : "") + "set it after bind, or not at all");
    return true;
}

void not_read(failure& f, const char* name, int error) {
    f.code = code_of(error);
    f.what = std::string(name) + " of the socket could not be read now: " + std::strerror(-error) + "; try again";
}

}  // namespace

std::unique_ptr<option_carrier> option_carrier::capture(system_calls& calls, int domain, port_kind kind,
                                                        int& error) noexcept {
    const int type = kind == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM;
    const int fd = calls.socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        error = fd;
        return nullptr;
    }
    std::unique_ptr<option_carrier> carrier;
    try {
        carrier.reset(new option_carrier);
        error = read_memory(calls, fd, carrier->memory_);
        if (error >= 0) error = read_all_options(calls, fd, kind, carrier->baseline_);
        std::erase_if(carrier->baseline_, [](const option_value& v) { return v.row->across == carry::ignore; });
    } catch (const std::bad_alloc&) {
        error = -ENOMEM;
    }
    calls.close(fd);
    if (error < 0) carrier.reset();
    return carrier;
}

void option_carrier::carry(system_calls& calls, int from, int onto, failure& f) const {
    std::array<std::uint32_t, 3> memory{};
    const int flags = calls.fcntl(from, F_GETFL, 0);
    int unread = flags < 0 ? flags : read_memory(calls, from, memory);
    if (unread < 0 && unread != -EBADF && unread != -ENOTSOCK && !is_absent(unread)) {
        return not_read(f, "SO_MEMINFO", unread);
    }
    if (unread < 0) {
        f.code = errc::not_a_socket;
        f.what = "descriptor " + std::to_string(from) + " is not an open IPv4 or IPv6 socket";
        return;
    }
    if ((flags & O_ASYNC) != 0) return refuse_option(f, "O_ASYNC", "on", not_undoable);
    std::vector<option_value> differing;
    for (const option_value& fresh : baseline_) {
        option_value now;
        unread = read_option(calls, from, *fresh.row, now);
        if (is_absent(unread)) continue;
        if (unread < 0) return not_read(f, fresh.row->text, unread);
        if (same(now, fresh)) continue;
        if (fresh.row->across == carry::refuse) {
            return refuse_option(f, fresh.row->text, value_text(now), not_undoable);
        }
        differing.push_back(now);
    }
    if (memory[option_memory] != memory_[option_memory]) {
        return refuse_option(f, "a multicast membership, flow label, extension header or TCP key",
                             "set (" + std::to_string(memory[option_memory]) + " bytes)", not_undoable);
    }
    if (memory[receive_buffer] != memory_[receive_buffer] || memory[send_buffer] != memory_[send_buffer]) {
        const int r = write_buffers(calls, onto, memory);
        const std::string sizes =
            std::to_string(memory[receive_buffer] / 2) + " / " + std::to_string(memory[send_buffer] / 2);
        if (refused_by_system(f, "SO_RCVBUF / SO_SNDBUF", sizes, r)) return;
    }
    for (const option_value& value : differing) {
        if (refused_by_system(f, value.row->text, value_text(value), write_option(calls, onto, value))) return;
    }
    if ((flags & flags_that_matter) != (session_flags & flags_that_matter)) {
        refused_by_system(f, "O_NONBLOCK", "off", calls.fcntl(onto, F_SETFL, flags));
    }
}

}  // namespace berth::platform
