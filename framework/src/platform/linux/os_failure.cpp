// From -errno to berth's words; see os_failure.hpp.
#include "platform/linux/os_failure.hpp"

#include <cerrno>

namespace berth::platform {

error_code code_of(int negative_errno) noexcept {
    switch (-negative_errno) {
        case EADDRINUSE: return errc::block_unavailable;
        case EACCES:
        case EPERM: return errc::permission_denied;
        case EMFILE:
        case ENFILE: return errc::too_many_files;
        case ENOMEM:
        case ENOBUFS: return errc::no_memory;
        case EADDRNOTAVAIL: return errc::address_mismatch;
        case ENOTSOCK: return errc::not_a_socket;
        case EBADF: return errc::not_a_socket;
        case EAFNOSUPPORT: return errc::family_mismatch;
        case EINVAL: return errc::invalid_argument;
        default: return errc::system_failure;
    }
}

failure port_failure(int negative_errno, const char* protocol, std::uint16_t port, const std::string& who) {
    failure f;
    f.code = code_of(negative_errno);
    f.port = port;
    const auto reason = std::generic_category().message(-negative_errno);
    const std::string subject = port == 0 ? protocol : std::string(protocol) + " port " + std::to_string(port);
    switch (-negative_errno) {
        case EADDRINUSE:
            f.what = subject + " is in use" + (who.empty() ? "" : " by " + who) +
                     "; choose another block, or first = 0 for any free one";
            break;
        case EACCES:
        case EPERM:
            f.what = subject + ": " + reason +
                     "; ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE";
            break;
        case EMFILE:
            f.what = subject + ": the descriptor limit (RLIMIT_NOFILE) is reached; raise it (ulimit -n, "
                               "LimitNOFILE=) or reserve fewer ports: a port takes two descriptors per protocol";
            break;
        case ENFILE:
            f.what = subject + ": the system's file table is full; raise the sysctl fs.file-max";
            break;
        case EADDRNOTAVAIL:
            f.what = subject + ": the local address asked for is not one of this machine's";
            break;
        default: f.what = subject + ": " + reason;
    }
    return f;
}

}  // namespace berth::platform
