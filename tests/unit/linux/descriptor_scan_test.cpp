// Every way in which this process can still name a socket is found, and only those.
#include "platform/linux/descriptor_scan.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "unit/linux/kernel_sockets.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;

named_by who_names(std::uint64_t inode, std::vector<int> own) {
    std::sort(own.begin(), own.end());
    std::vector<named_by> names;
    EXPECT_EQ(scan_descriptors(linux_calls(), own, std::vector<std::uint64_t>{inode}, names), 0);
    return names.at(0);
}

bool is_named(std::uint64_t inode, std::vector<int> own) {
    return who_names(inode, std::move(own)) != named_by::nobody;
}

TEST(descriptor_scan, a_socket_that_only_its_own_descriptor_names_is_not_named) {
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM), other = bound_socket(AF_INET, SOCK_DGRAM);
    EXPECT_FALSE(is_named(inode_of(own), {own}));
    EXPECT_TRUE(is_named(inode_of(other), {own}));
}

// Dense stretches, lone numbers and wide gaps, with runs of the caller's own in between: each way of looking is used.
TEST(descriptor_scan, the_list_has_every_open_descriptor_but_those_excepted) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int highest = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 4096)) - 1;
    const descriptor any(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<descriptor> mine;
    for (const int from : {20, 20, 21, 40, 56, 57, 74, 200, 201, 202, 203, 900, 901, highest}) {
        mine.emplace_back(::fcntl(any, F_DUPFD_CLOEXEC, from));
    }
    std::vector<int> own;
    for (std::size_t i = 0; i < mine.size(); i += i == 7 ? 1 : 2) own.push_back(mine[i]);
    std::sort(own.begin(), own.end());

    std::vector<int> expected, listed;
    for (int fd = 0; fd <= highest; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0 && !std::binary_search(own.begin(), own.end(), fd)) expected.push_back(fd);
    }
    ASSERT_EQ(linux_calls().list_descriptors(own, listed), 0);
    EXPECT_EQ(listed, expected);
    ASSERT_EQ(linux_calls().list_descriptors(listed), 0);
    EXPECT_EQ(listed.size(), expected.size() + own.size());
}

TEST(descriptor_scan, a_dup_names_the_socket_until_it_is_closed) {
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM);
    descriptor copy(::dup(own));
    EXPECT_TRUE(is_named(inode_of(own), {own}));
    copy.close();
    EXPECT_FALSE(is_named(inode_of(own), {own}));
}

TEST(descriptor_scan, an_epoll_registration_whose_descriptor_is_closed_still_names_the_socket) {
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM);
    const descriptor queue(::epoll_create1(EPOLL_CLOEXEC));
    descriptor copy(::dup(own));
    epoll_event event{};
    ASSERT_EQ(::epoll_ctl(queue, EPOLL_CTL_ADD, copy, &event), 0);
    EXPECT_EQ(who_names(inode_of(own), {own}), named_by::descriptor);
    copy.close();
    EXPECT_EQ(who_names(inode_of(own), {own}), named_by::event_queue) << "nobody can use it, or remove it";
}

TEST(descriptor_scan, a_removed_epoll_registration_does_not_name_the_socket) {
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM);
    const descriptor queue(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    ASSERT_EQ(::epoll_ctl(queue, EPOLL_CTL_ADD, own, &event), 0);
    EXPECT_TRUE(is_named(inode_of(own), {own}));
    ASSERT_EQ(::epoll_ctl(queue, EPOLL_CTL_DEL, own, nullptr), 0);
    EXPECT_FALSE(is_named(inode_of(own), {own}));
}

TEST(descriptor_scan, answers_for_many_sockets_in_one_pass) {
    std::vector<descriptor> sockets;
    std::vector<std::uint64_t> inodes;
    std::vector<int> own;
    for (int i = 0; i < 200; ++i) {
        sockets.push_back(bound_socket(AF_INET, SOCK_DGRAM));
        inodes.push_back(inode_of(sockets.back()));
        if (i % 3 != 0) own.push_back(sockets.back());
    }
    std::sort(own.begin(), own.end());
    std::vector<named_by> names;
    ASSERT_EQ(scan_descriptors(linux_calls(), own, inodes, names), 0);
    for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(names[i] == named_by::descriptor, i % 3 == 0);
}

TEST(descriptor_scan, finds_the_dup_in_a_table_that_was_once_much_bigger) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM);
    descriptor remote_end(::fcntl(own, F_DUPFD, static_cast<int>(limit.rlim_cur) - 2));  // grows the table for good
    ASSERT_GE(remote_end, 0);
    EXPECT_TRUE(is_named(inode_of(own), {own}));
    remote_end.close();
    EXPECT_FALSE(is_named(inode_of(own), {own}));
    const descriptor local_end(::dup(own));
    EXPECT_TRUE(is_named(inode_of(own), {own}));
}

// Not the clock on the wall: other tests run beside this one.
double processor_milliseconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

TEST(descriptor_scan, of_20000_descriptors_takes_milliseconds) {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 21000);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    const int most = static_cast<int>(limit.rlim_cur) - 200;
    const descriptor own = bound_socket(AF_INET, SOCK_DGRAM);
    std::vector<descriptor> many;
    for (int i = 0; i < most && i < 20000; ++i) {
        many.emplace_back(::dup(own));
        ASSERT_GE(many.back(), 0);
    }
    std::vector<int> ours{own};
    for (const auto& d : many) ours.push_back(d);
    ours.pop_back();  // the last one is a stranger's
    std::sort(ours.begin(), ours.end());
    const std::vector<std::uint64_t> inodes{inode_of(own)};
    const auto timed = [&](std::span<const int> known) {
        std::vector<named_by> names;
        const double start = processor_milliseconds();
        EXPECT_EQ(scan_descriptors(linux_calls(), known, inodes, names), 0);
        EXPECT_EQ(names[0], named_by::descriptor);
        const double took = processor_milliseconds() - start;
        std::printf("%zu descriptors, %zu known as own: %.2f ms\n", many.size(), known.size(), took);
        return took;
    };
    (void)timed(ours);  // the first pass makes the entries of /proc/self/fd
    EXPECT_LT(timed(ours), 200);
    EXPECT_LT(timed({}), 200);
}

}  // namespace
