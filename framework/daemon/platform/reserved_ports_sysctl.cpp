// Reading and writing the list; see reserved_ports_sysctl.hpp.
//
// The kernel gives all of the list in one call, as far as the buffer goes, and nothing in a second: the buffer is
// longer than any list. It takes a page of text a call: the first replaces the list, those that follow add to it.
#include "platform/reserved_ports_sysctl.hpp"

#include "platform/linux/local_socket.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace berth::daemon {
namespace {

constexpr std::size_t longest_list = std::size_t{32768} * 6;  // bytes: every second port, five digits and a comma

failure refused(const std::string& path, const char* what, int error) {
    const auto code = error == EACCES || error == EPERM ? errc::permission_denied : errc::system_failure;
    return {code, path + " cannot be " + what + ": " + std::generic_category().message(error), 0, 0};
}

}  // namespace

std::optional<port_set> reserved_ports_sysctl::read(failure& f) {
    const platform::descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(longest_list + 1, '\0');
    const auto n = file ? ::read(file.get(), text.data(), text.size()) : -1;
    if (n < 0) {
        f = refused(path_, "read", errno);
        return std::nullopt;
    }
    text.resize(static_cast<std::size_t>(n));
    auto ports = text.size() > longest_list ? std::nullopt : parse_port_list(text);
    if (!ports) f = {errc::system_failure, path_ + " does not hold a list of ports: it is left alone", 0, 0};
    return ports;
}

void reserved_ports_sysctl::write(const port_set& ports, failure& f) {
    const platform::descriptor file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) {
        f = refused(path_, "written", errno);
        return;
    }
    const std::string text = print_port_list(ports) + '\n';
    for (std::size_t at = 0; at < text.size();) {
        const auto n = ::write(file.get(), text.data() + at, text.size() - at);
        if (n <= 0) {
            f = refused(path_, "written", n < 0 ? errno : EIO);
            return;
        }
        at += static_cast<std::size_t>(n);
    }
}

}  // namespace berth::daemon
