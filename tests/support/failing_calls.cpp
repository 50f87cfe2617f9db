// Each verb: fail if it is its turn, else pass on.
#include "support/failing_calls.hpp"

#include <limits>

namespace berth::test {

int failing_calls::fails(const char* verb) noexcept {
    const std::uint32_t n = made_++;
    if (n != fail_at_ && !(for_ever_ && n > fail_at_)) return 0;
    if (failed_.empty()) failed_ = verb;
    return -error_;
}

#define BERTH_PASS_ON(verb, ...)                     \
    if (const int r = fails(#verb); r < 0) return r; \
    return real_.verb(__VA_ARGS__)

int failing_calls::socket(int family, int type, int protocol) noexcept {
    BERTH_PASS_ON(socket, family, type, protocol);
}
int failing_calls::bind(int fd, const sockaddr* a, socklen_t size) noexcept { BERTH_PASS_ON(bind, fd, a, size); }
int failing_calls::listen(int fd, int backlog) noexcept { BERTH_PASS_ON(listen, fd, backlog); }
int failing_calls::connect(int fd, const sockaddr* a, socklen_t size) noexcept {
    BERTH_PASS_ON(connect, fd, a, size);
}
int failing_calls::accept(int fd) noexcept { BERTH_PASS_ON(accept, fd); }
int failing_calls::setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
    BERTH_PASS_ON(setsockopt, fd, level, name, value, size);
}
int failing_calls::getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
    BERTH_PASS_ON(getsockopt, fd, level, name, value, size);
}
int failing_calls::getsockname(int fd, sockaddr* a, socklen_t* size) noexcept {
    BERTH_PASS_ON(getsockname, fd, a, size);
}
ssize_t failing_calls::send(int fd, const void* data, std::size_t size, int flags) noexcept {
    BERTH_PASS_ON(send, fd, data, size, flags);
}
ssize_t failing_calls::recv(int fd, void* data, std::size_t size, int flags) noexcept {
    BERTH_PASS_ON(recv, fd, data, size, flags);
}
ssize_t failing_calls::recvmsg(int fd, msghdr* message, int flags) noexcept {
    BERTH_PASS_ON(recvmsg, fd, message, flags);
}
int failing_calls::poll(pollfd* fds, unsigned count, int timeout_ms) noexcept {
    BERTH_PASS_ON(poll, fds, count, timeout_ms);
}
int failing_calls::dup_above(int fd, int lowest) noexcept { BERTH_PASS_ON(dup_above, fd, lowest); }
int failing_calls::dup3(int from, int onto) noexcept { BERTH_PASS_ON(dup3, from, onto); }
int failing_calls::fcntl(int fd, int command, long argument) noexcept { BERTH_PASS_ON(fcntl, fd, command, argument); }
int failing_calls::fstat(int fd, struct stat& out) noexcept { BERTH_PASS_ON(fstat, fd, out); }
int failing_calls::bpf(int command, bpf_attr& attributes) noexcept { BERTH_PASS_ON(bpf, command, attributes); }
void* failing_calls::map_shared(int fd, std::size_t size) noexcept {
    return fails("map_shared") < 0 ? nullptr : real_.map_shared(fd, size);
}
int failing_calls::descriptor_limit(std::uint64_t& soft, std::uint64_t& hard) noexcept {
    if (const int r = fails("descriptor_limit"); r < 0) return r;
    const int r = real_.descriptor_limit(soft, hard);
    if (deceives_early_check) soft = hard = std::numeric_limits<std::uint32_t>::max();
    return r;
}
int failing_calls::read_file(const char* path, std::string& out) noexcept { BERTH_PASS_ON(read_file, path, out); }
int failing_calls::list_descriptors(std::span<const int> except, std::vector<int>& out) noexcept {
    BERTH_PASS_ON(list_descriptors, except, out);
}
int failing_calls::count_descriptors(std::uint64_t& out) noexcept { BERTH_PASS_ON(count_descriptors, out); }

}  // namespace berth::test
