// What the kernel parts do when a system call fails, at each call in turn: an error, nothing kept, nothing made up.
#include <linux/netlink.h>

#include <cerrno>
#include <vector>

#include "platform/linux/descriptor_scan.hpp"
#include "platform/linux/option_audit.hpp"
#include "platform/linux/park_filter.hpp"
#include "platform/linux/socket_dump.hpp"
#include "unit/linux/forwarding_calls.hpp"
#include "unit/linux/option_sessions.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;

bool lists(const std::vector<socket_row>& rows, std::uint64_t cookie, int times) {
    int n = 0;
    for (const auto& row : rows) n += row.cookie == cookie;
    return n == times;
}

// Spoils the first answers to come, each in its own way.
struct spoilt_answers : forwarding_calls {
    ssize_t recv(int fd, void* data, std::size_t size, int flags) noexcept override {
        const ssize_t got = real_.recv(fd, data, size, flags);
        if (got <= 0 || spoilt == 0) return got;
        --spoilt;
        auto* const header = static_cast<nlmsghdr*>(data);
        switch (how) {
            case spoil::interrupted:
                header->nlmsg_flags |= NLM_F_DUMP_INTR;
                return got;
            case spoil::overflow:
                return -ENOBUFS;
            case spoil::truncated:
                return static_cast<ssize_t>(size) + 1;
            case spoil::refused:
                header->nlmsg_type = NLMSG_ERROR;
                header->nlmsg_len = NLMSG_LENGTH(sizeof(nlmsgerr));
                static_cast<nlmsgerr*>(NLMSG_DATA(header))->error = -EPERM;
                return header->nlmsg_len;
            case spoil::garbled:
                header->nlmsg_len = 3;
                return got;
        }
        return got;
    }
    enum class spoil { interrupted, overflow, truncated, refused, garbled } how = spoil::interrupted;
    int spoilt = 1;
};

TEST(socket_dump_refusals, an_interrupted_overflown_or_truncated_dump_is_made_again_without_duplicates) {
    const descriptor fd = bound_socket(AF_INET, SOCK_DGRAM);
    using enum spoilt_answers::spoil;
    for (const auto how : {interrupted, overflow, truncated}) {
        spoilt_answers calls;
        calls.how = how, calls.spoilt = 3;
        std::vector<socket_row> rows;
        EXPECT_EQ(dump_sockets(calls, false, port_of(fd), 1, rows), 0);
        EXPECT_TRUE(lists(rows, cookie_of(fd), 1)) << static_cast<int>(how);
    }
}

TEST(socket_dump_refusals, a_dump_that_never_comes_to_an_end_is_an_error) {
    spoilt_answers calls;
    calls.spoilt = 1000;
    std::vector<socket_row> rows;
    EXPECT_EQ(dump_sockets(calls, false, 1, 65535, rows), -EAGAIN);
    EXPECT_TRUE(rows.empty());
}

TEST(socket_dump_refusals, what_the_kernel_refuses_or_garbles_is_an_error_and_adds_no_row) {
    const descriptor fd = bound_socket(AF_INET, SOCK_DGRAM);
    std::vector<socket_row> rows(1);
    spoilt_answers calls;
    calls.how = spoilt_answers::spoil::refused;
    EXPECT_EQ(dump_sockets(calls, false, port_of(fd), 1, rows), -EPERM);
    EXPECT_EQ(rows.size(), 1u);
    calls.how = spoilt_answers::spoil::garbled, calls.spoilt = 1;
    EXPECT_EQ(dump_sockets(calls, false, port_of(fd), 1, rows), -EBADMSG);
    EXPECT_EQ(rows.size(), 1u);
}

// Fails the nth call of those that make or use something; counts descriptors and mappings that are left.
struct failing_nth : forwarding_calls {
    int step(int kept) noexcept {
        if (++calls == fail_at) return -ENOMEM;
        open += kept;
        return 0;
    }
    int socket(int f, int t, int p) noexcept override { return step(1) < 0 ? -ENOMEM : real_.socket(f, t, p); }
    int bpf(int command, bpf_attr& a) noexcept override { return step(1) < 0 ? -ENOMEM : real_.bpf(command, a); }
    int fstat(int fd, struct stat& s) noexcept override { return step(0) < 0 ? -ENOMEM : real_.fstat(fd, s); }
    void* map_shared(int fd, std::size_t n) noexcept override {
        return step(1) < 0 ? nullptr : real_.map_shared(fd, n);
    }
    int getsockopt(int fd, int level, int name, void* v, socklen_t* n) noexcept override {
        return step(0) < 0 ? -ENOMEM : real_.getsockopt(fd, level, name, v, n);
    }
    ssize_t send(int fd, const void* d, std::size_t n, int flags) noexcept override {
        return step(0) < 0 ? -ENOMEM : real_.send(fd, d, n, flags);
    }
    ssize_t recv(int fd, void* d, std::size_t n, int flags) noexcept override {
        return step(0) < 0 ? -ENOMEM : real_.recv(fd, d, n, flags);
    }
    int close(int fd) noexcept override {
        --open;
        return real_.close(fd);
    }
    int unmap(void* p, std::size_t n) noexcept override {
        --open;
        return real_.unmap(p, n);
    }
    int fail_at = 0, calls = 0, open = 0;
};

TEST(park_filter_refusals, at_every_call_of_load_nothing_is_left_behind) {
    if (!park_filter::permitted(linux_calls())) GTEST_SKIP() << "eBPF socket filters are not permitted here";
    for (int n = 1;; ++n) {
        failing_nth calls;
        calls.fail_at = n;
        int error = 0;
        auto filter = park_filter::load(calls, 1000, 10, error);
        const bool failed = calls.calls >= n;
        EXPECT_EQ(filter == nullptr, failed);
        EXPECT_EQ(error < 0, failed);
        filter.reset();
        EXPECT_EQ(calls.open, 0) << "at call " << n;
        if (!failed) break;
        ASSERT_LT(n, 10);
    }
}

TEST(socket_dump_refusals, at_every_call_no_descriptor_is_left_behind) {
    for (int n = 1;; ++n) {
        failing_nth calls;
        calls.fail_at = n;
        std::vector<socket_row> rows;
        const int r = dump_sockets(calls, true, 1, 65535, rows);
        const bool failed = calls.calls >= n;
        EXPECT_EQ(r, failed ? -ENOMEM : 0);
        EXPECT_EQ(calls.open, 0) << "at call " << n;
        if (!failed) break;
        ASSERT_LT(n, 100);
    }
}

TEST(option_audit_refusals, a_read_that_fails_condemns_wherever_it_fails) {
    const session_shape& shape = session_shapes[0];
    const descriptor fresh = make_session(shape);
    int error = 0;
    const auto audit = option_audit::capture(linux_calls(), fresh, shape.kind, error);
    ASSERT_NE(audit, nullptr);
    for (int n = 1;; ++n) {
        failing_nth calls;
        calls.fail_at = n;
        const verdict v = audit->restore(calls, fresh, port_of(fresh), cookie_of(fresh));
        if (calls.calls < n) {
            EXPECT_EQ(v, verdict::as_new);
            break;
        }
        EXPECT_EQ(v, verdict::condemned) << "call " << n;
        ASSERT_LT(n, 200);
    }
}

TEST(descriptor_scan_refusals, a_list_that_cannot_be_had_names_every_socket) {
    struct no_list : forwarding_calls {
        int list_descriptors(std::span<const int>, std::vector<int>&) noexcept override { return -EACCES; }
    } calls;
    std::vector<named_by> names;
    EXPECT_EQ(scan_descriptors(calls, {}, std::vector<std::uint64_t>{1, 2}, names), -EACCES);
    EXPECT_EQ(names, (std::vector<named_by>{named_by::descriptor, named_by::descriptor}));
}

}  // namespace
