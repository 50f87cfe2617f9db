// The hijack matrix: what a stranger gets from each kind of holder, and that he gets nothing from a block of berth's.
//
// The facts are asked of this kernel with plain sockets, so that a kernel on which they changed is noticed; then the
// same attempts are made on a block, silent and in use, also after its user set flags on his socket.
#include "kernel_faults/faults_ground.hpp"

#include <netinet/in.h>

#include <cstring>
#include <vector>

namespace {

using namespace kernel_faults_test;

enum flags : unsigned { plain = 0, address = 1, port_too = 2 };
struct endpoint_of {
    sockaddr_storage name{};
    socklen_t size = 0;
};

endpoint_of at(int family, const char* what, std::uint16_t port) {
    endpoint_of e;
    if (family == AF_INET) {
        auto& a = reinterpret_cast<sockaddr_in&>(e.name);
        a.sin_family = AF_INET, a.sin_port = htons(port);
        a.sin_addr.s_addr = htonl(std::strcmp(what, "any") == 0      ? INADDR_ANY
                                  : std::strcmp(what, "second") == 0 ? INADDR_LOOPBACK + 1
                                                                     : INADDR_LOOPBACK);
        e.size = sizeof a;
    } else {
        auto& a = reinterpret_cast<sockaddr_in6&>(e.name);
        a.sin6_family = AF_INET6, a.sin6_port = htons(port);
        a.sin6_addr = std::strcmp(what, "any") == 0 ? in6addr_any : in6addr_loopback;
        e.size = sizeof a;
    }
    return e;
}

void set(int fd, int name, int value) { ::setsockopt(fd, SOL_SOCKET, name, &value, sizeof value); }

/// A socket with these flags, bound; -1 and errno.
int bound(int family, int type, unsigned with, const endpoint_of& to, bool v6only = false) {
    const int fd = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (family == AF_INET6) {
        const int yes = v6only ? 1 : 0;
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    }
    set(fd, SO_REUSEADDR, (with & address) != 0);
    set(fd, SO_REUSEPORT, (with & port_too) != 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&to.name), to.size) == 0) return fd;
    const int error = errno;
    ::close(fd);
    errno = error;
    return -1;
}
std::uint16_t port_of(int fd) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    return ntohs(a.sin_port);
}

/// Whether a stranger with these flags gets the port; as another user: in a child.
bool is_taken_by(int type, unsigned with, std::uint16_t port, bool other_user, bool listens = false) {
    const auto attempt = [&] {
        const int fd = bound(AF_INET, type, with, at(AF_INET, "any", port));
        const bool got = fd >= 0 && (!listens || ::listen(fd, 1) == 0);
        if (fd >= 0) ::close(fd);
        return got;
    };
    if (!other_user) return attempt();
    return in_forked_child([&] {
               if (::setresuid(54'321, 54'321, 54'321) != 0) return "no other user";
               return attempt() ? "taken" : "";
           }) == "taken";
}

struct row {
    const char* name;
    int type;
    unsigned holder;
    bool listens;
    unsigned attacker;
    bool same_user, other_user;  // whether he gets it
};
const std::vector<row> matrix = {
    {"hijack_plain_udp", SOCK_DGRAM, plain, false, address | port_too, false, false},
    {"hijack_plain_tcp_bound", SOCK_STREAM, plain, false, address | port_too, false, false},
    {"hijack_plain_tcp_listening", SOCK_STREAM, plain, true, address | port_too, false, false},
    {"hijack_reuseaddr_udp", SOCK_DGRAM, address, false, address, true, true},
    {"hijack_reuseaddr_tcp_bound", SOCK_STREAM, address, false, address, true, true},
    {"hijack_reuseaddr_tcp_listening", SOCK_STREAM, address, true, address, false, false},
    {"hijack_reuseport_udp", SOCK_DGRAM, port_too, false, port_too, true, false},
    {"hijack_reuseport_tcp", SOCK_STREAM, port_too, true, port_too, true, false},
    {"hijack_both_flags_udp", SOCK_DGRAM, address | port_too, false, address, true, true},
    {"hijack_both_flags_tcp_bound", SOCK_STREAM, address | port_too, false, address, true, true},
};
std::ostream& operator<<(std::ostream& out, const row& r) { return out << r.name; }

reservation_request request_of(int type, bool listens) {
    reservation_request r;
    r.block.count = 2;
    r.protocol = type == SOCK_STREAM ? berth::transport::tcp : berth::transport::udp;
    r.use = listens ? berth::tcp_use::listen : berth::tcp_use::connect;
    return r;
}

/// Every flag, address and family that there is, against one port; how many got in.
int attempts_that_get_in(int type, std::uint16_t port) {
    int in = 0;
    for (const unsigned with : {0u, 1u, 2u, 3u}) {
        for (const char* const to : {"any", "first", "second"}) {
            for (const auto& [family, v6only] : {std::pair{AF_INET, false}, {AF_INET6, false}, {AF_INET6, true}}) {
                const int fd = bound(family, type, with, at(family, to, port), v6only);
                if (fd >= 0) ++in, ::close(fd);
            }
        }
    }
    return in;
}
std::string from_both_users(int type, std::uint16_t first, const char* when) {
    std::string said;
    for (const std::uint16_t port : {first, static_cast<std::uint16_t>(first + 1)}) {
        if (const int in = attempts_that_get_in(type, port); in != 0)
            said += std::string(when) + ": " + std::to_string(in) + " attempts of the same user got in; ";
        if (::geteuid() != 0) continue;
        said += in_forked_child([&]() -> std::string {
            if (::setresuid(54'321, 54'321, 54'321) != 0) return "no other user";
            const int in = attempts_that_get_in(type, port);
            return in == 0 ? ""
                           : std::string(when) + ": " + std::to_string(in) + " attempts of another user got in; ";
        });
    }
    return said;
}

class kernel_faults_hijack : public testing::TestWithParam<row> {};
INSTANTIATE_TEST_SUITE_P(, kernel_faults_hijack, testing::ValuesIn(matrix),
                         [](const auto& i) { return std::string(i.param.name); });

TEST_P(kernel_faults_hijack, is_as_the_matrix_says_and_a_block_is_entered_by_nobody) {
    const row& r = GetParam();
    const int holder = bound(AF_INET, r.type, r.holder, at(AF_INET, "any", 0));
    ASSERT_GE(holder, 0);
    if (r.listens) {
        ASSERT_EQ(::listen(holder, 8), 0);
    }
    const bool wants_to_listen = r.type == SOCK_STREAM && r.same_user;
    EXPECT_EQ(is_taken_by(r.type, r.attacker, port_of(holder), false, wants_to_listen), r.same_user) << "same user";
    if (::geteuid() == 0) {
        EXPECT_EQ(is_taken_by(r.type, r.attacker, port_of(holder), true, wants_to_listen && r.other_user),
                  r.other_user)
            << "another user";
    }
    ::close(holder);

    auto block = port_reservation::reserve(request_of(r.type, r.listens));
    const auto first = block.block().first;
    EXPECT_EQ(from_both_users(r.type, first, "silent"), "");
    auto port = block.take(), lent = block.take();
    const int fd = static_cast<int>(lent.native_handle());  // its user does what the holder of this row did
    set(fd, SO_REUSEADDR, (r.holder & address) != 0);
    if (r.type == SOCK_STREAM) set(fd, SO_REUSEPORT, (r.holder & port_too) != 0);  // UDP: hijack_joined_by_invitation
    EXPECT_EQ(from_both_users(r.type, first, "in use"), "");
    error_code ec;
    lent.give_back(ec), port.give_back(ec);
    EXPECT_EQ(from_both_users(r.type, first, "given back"), "");
    block.reclaim();
    EXPECT_EQ(block.statistics().ports.available, 2u);
}

TEST(kernel_faults, hijack_flag_after_bind) {
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        const int holder = bound(AF_INET, type, plain, at(AF_INET, "any", 0));
        const auto port = port_of(holder);
        EXPECT_FALSE(is_taken_by(type, address | port_too, port, false));
        set(holder, SO_REUSEADDR, 1);
        EXPECT_TRUE(is_taken_by(type, address, port, false)) << "a flag that is set later opens the door as well";
        set(holder, SO_REUSEADDR, 0);
        EXPECT_FALSE(is_taken_by(type, address | port_too, port, false)) << "cleared, it is shut again";
        ::close(holder);
    }
    // Of a group nobody shuts the door while another member is in it.
    const int one = bound(AF_INET, SOCK_DGRAM, port_too, at(AF_INET, "any", 0));
    const int two = bound(AF_INET, SOCK_DGRAM, port_too, at(AF_INET, "any", port_of(one)));
    ASSERT_GE(two, 0);
    set(one, SO_REUSEPORT, 0);
    EXPECT_FALSE(is_taken_by(SOCK_DGRAM, plain, port_of(one), false));
    ::close(one), ::close(two);
}

// Who lets others of his user into his UDP port has them beside him, and they do not outlive his session: the port
// waits for their end, and then the next owner hears every datagram. A limit: who clears the flag before the give
// back.
TEST(kernel_faults, hijack_joined_by_invitation) {
    reservation_request r;
    r.block.count = 1;
    auto block = port_reservation::reserve(r);
    const auto number = block.block().first;
    error_code ec;
    for (int turn = 0; turn < 2; ++turn) {
        auto port = block.take();
        set(static_cast<int>(port.native_handle()), SO_REUSEPORT, 1);
        const int guest = bound(AF_INET6, SOCK_DGRAM, port_too, at(AF_INET6, "any", number));
        ASSERT_GE(guest, 0) << "on this kernel a flag that is set later opens no UDP port: then it needs no rule";
        if (::geteuid() == 0) {
            EXPECT_FALSE(is_taken_by(SOCK_DGRAM, port_too, number, true)) << "another user";
        }
        port.give_back(ec);
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(block.reclaim(), 0u);
        EXPECT_FALSE(block.take(ec)) << "it was lent while a guest was in it";
        ::close(guest);
        EXPECT_EQ(block.reclaim(), 1u);
        port = block.take(ec);
        ASSERT_TRUE(port) << ec.message();
        const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const auto to = at(AF_INET, "first", number);
        int came = 0;
        for (int i = 0; i < 200; ++i) {
            char byte = 0;
            ::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to.name), to.size);
            came += ::recv(port.io_handle(), &byte, 1, MSG_DONTWAIT) == 1;
        }
        EXPECT_EQ(came, 200) << "some datagrams were another socket's";
        ::close(sender);
        port.give_back(ec);
    }
}

TEST(kernel_faults, hijack_neighbouring_address) {
    const int holder = bound(AF_INET, SOCK_DGRAM, plain, at(AF_INET, "first", 0));
    const int beside = bound(AF_INET, SOCK_DGRAM, plain, at(AF_INET, "second", port_of(holder)));
    EXPECT_GE(beside, 0) << "a holder of one address holds no other";
    ::close(beside), ::close(holder);
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {  // berth's block on one address is held on all of them
        auto r = request_of(type, true);
        r.family = berth::address_family::ipv4;
        r.address = asio::ip::address_v4::loopback();
        auto block = port_reservation::reserve(r);
        EXPECT_EQ(from_both_users(type, block.block().first, "one address"), "");
    }
}

}  // namespace
