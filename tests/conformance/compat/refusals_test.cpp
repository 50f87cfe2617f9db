// The rows of the documents' error tables: each is provoked, and nothing is held or released by it.
#include <gtest/gtest.h>

#include "ground.hpp"
#include "user_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <initializer_list>
#include <vector>

using namespace compat_test;

namespace {

constexpr DWORD ours[] = {SIO_ACQUIRE_PORT_RESERVATION, SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION};

/// Two pages, of which the second cannot be touched and the first is as `protection` says.
class edge {
public:
    explicit edge(int protection) {
        both_ = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        ::mprotect(both_ + 4096, 4096, PROT_NONE);
        ::mprotect(both_, 4096, protection);
    }
    edge(const edge&) = delete;
    edge& operator=(const edge&) = delete;
    ~edge() { ::munmap(both_, 8192); }
    [[nodiscard]] void* start() const { return both_; }
    [[nodiscard]] void* beyond() const { return both_ + 4096; }
    [[nodiscard]] void* across() const { return both_ + 4094; }

private:
    char* both_;
};

struct call_of {
    DWORD code;
    void* in;
    DWORD in_size;
    void* out;
    DWORD out_size;
};

}  // namespace

class compat_refusals : public testing::Test {
protected:
    compat_refusals() : acquiring(SOCK_DGRAM), got(acquire(acquiring, 2)) {}
    ~compat_refusals() override {
        EXPECT_TRUE(documents::all_held(SOCK_DGRAM, got.first, 2)) << "a refused call changed something";
    }
    /// A right call of each operation.
    std::vector<call_of> right_calls() {
        return {{ours[0], &range, sizeof range, &instance, sizeof instance},
                {ours[1], &got.token, sizeof got.token, nullptr, 0},
                {ours[2], &got.token, sizeof got.token, nullptr, 0}};
    }
    const own_socket acquiring;
    block got;
    INET_PORT_RANGE range{0, 2};
    INET_PORT_RESERVATION_INSTANCE instance{};
};

TEST_F(compat_refusals, what_is_not_a_socket) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    for (const SOCKET s :
         {INVALID_SOCKET, static_cast<SOCKET>(ends[0]), static_cast<SOCKET>(99999), static_cast<SOCKET>(1) << 40}) {
        for (const auto& c : right_calls())
            EXPECT_EQ(control(s, c.code, c.in, c.in_size, c.out, c.out_size).error, WSAENOTSOCK);
        EXPECT_EQ(closesocket(s), SOCKET_ERROR);
        EXPECT_EQ(WSAGetLastError(), WSAENOTSOCK);
        EXPECT_EQ(control(s, SIO_FLUSH, nullptr, 0, nullptr, 0).error, WSAENOTSOCK);
    }
    EXPECT_EQ(::close(ends[0]), 0) << "closesocket closed what is no socket";
    ::close(ends[1]);
}

TEST_F(compat_refusals, a_socket_other_than_tcp_or_udp) {
    for (const auto& other : documents::neither_tcp_nor_udp())
        for (const auto& c : right_calls())
            EXPECT_EQ(control(static_cast<SOCKET>(other.fd()), c.code, c.in, c.in_size, c.out, c.out_size).error,
                      WSAEOPNOTSUPP)
                << other.describe();
}

TEST_F(compat_refusals, a_code_that_is_no_command) {
    for (const DWORD code : {0u, 0x12345u, IOC_VENDOR | 100u, IOC_IN | IOC_VOID | IOC_VENDOR | 100u, 0xFFFFFFFFu}) {
        const auto a = control(acquiring, code, &range, sizeof range, &instance, sizeof instance);
        EXPECT_EQ(a.error, WSAEINVAL) << std::hex << code;
        EXPECT_EQ(a.bytes, 0u);
    }
}

TEST_F(compat_refusals, a_command_that_is_not_supported) {
    for (const DWORD code : {_WSAIOW(IOC_VENDOR, 4), _WSAIO(IOC_WS2, 2), _WSAIORW(IOC_WS2, 6), _WSAIOR(IOC_UNIX, 1)})
        EXPECT_EQ(control(acquiring, code, &range, sizeof range, &instance, sizeof instance).error, WSAEOPNOTSUPP)
            << std::hex << code;
}

TEST_F(compat_refusals, pointers_that_cannot_be_read_or_written) {
    const edge all(PROT_READ | PROT_WRITE);
    const edge fixed(PROT_READ);
    const std::initializer_list<void*> nowhere = {nullptr, all.beyond(), all.across(),
                                                  reinterpret_cast<void*>(0x8000000000000000u),
                                                  reinterpret_cast<void*>(~std::uintptr_t{0})};
    for (const auto& c : right_calls()) {
        for (void* const bad : nowhere) {
            const auto a = control(acquiring, c.code, bad, c.in_size, c.out, c.out_size);
            EXPECT_EQ(a.error, WSAEFAULT) << "input " << bad;
            EXPECT_EQ(a.bytes, 0u);
            if (c.out_size != 0) {
                EXPECT_EQ(control(acquiring, c.code, c.in, c.in_size, bad, c.out_size).error, WSAEFAULT) << bad;
            }
            WSASetLastError(0);
            EXPECT_EQ(WSAIoctl(acquiring, c.code, c.in, c.in_size, c.out, c.out_size, static_cast<LPDWORD>(bad),
                               nullptr, nullptr),
                      SOCKET_ERROR);
            EXPECT_EQ(WSAGetLastError(), WSAEFAULT) << "bytes returned " << bad;
        }
        if (c.out_size != 0) {
            EXPECT_EQ(control(acquiring, c.code, c.in, c.in_size, fixed.start(), c.out_size).error, WSAEFAULT);
        }
        EXPECT_EQ(WSAIoctl(acquiring, c.code, c.in, c.in_size, c.out, c.out_size, static_cast<LPDWORD>(fixed.start()),
                           nullptr, nullptr),
                  SOCKET_ERROR);
        EXPECT_EQ(WSAGetLastError(), WSAEFAULT) << "bytes returned, read-only";
        EXPECT_EQ(control(acquiring, c.code, all.start(), 4097, c.out, c.out_size).error, WSAEFAULT)
            << "an input that ends beyond the memory there is";
    }
}

TEST_F(compat_refusals, an_overlapped_or_a_routine_that_is_not_there) {
    const edge all(PROT_READ | PROT_WRITE);
    const auto routine = reinterpret_cast<LPWSAOVERLAPPED_COMPLETION_ROUTINE>(all.beyond());
    const auto right = [](DWORD, DWORD, LPWSAOVERLAPPED, DWORD) {};
    WSAOVERLAPPED overlapped{};
    for (const auto& c : right_calls()) {
        for (void* const bad : {all.beyond(), all.across()}) {
            const auto a =
                control(acquiring, c.code, c.in, c.in_size, c.out, c.out_size, static_cast<LPWSAOVERLAPPED>(bad));
            EXPECT_EQ(a.error, WSAEFAULT);
        }
        EXPECT_EQ(control(acquiring, c.code, c.in, c.in_size, c.out, c.out_size, &overlapped, routine).error,
                  WSAEFAULT);
        EXPECT_EQ(control(acquiring, c.code, c.in, c.in_size, c.out, c.out_size, nullptr, right).error, WSAEFAULT)
            << "a routine asks for an overlapped call, which needs its structure";
    }
}

TEST_F(compat_refusals, memory_is_asked_for_through_a_pipe_where_a_sandbox_forbids_the_other_way) {
    using namespace berth::compat;
    const edge all(PROT_READ | PROT_WRITE);
    const edge fixed(PROT_READ);
    for (const auto calls : {memory_calls::best, memory_calls::pipe_only}) {
        int from = 7;
        int to = 0;
        EXPECT_TRUE(copy_in(&to, &from, sizeof to, calls));
        EXPECT_EQ(to, 7);
        EXPECT_FALSE(copy_in(&to, nullptr, sizeof to, calls));
        EXPECT_TRUE(can_read(all.start(), 4096, calls));
        EXPECT_FALSE(can_read(all.start(), 4097, calls));
        EXPECT_FALSE(can_read(all.across(), 4, calls));
        EXPECT_TRUE(can_read(fixed.start(), 4096, calls));
        EXPECT_FALSE(can_write(fixed.start(), 1, calls));
        EXPECT_TRUE(can_write(all.start(), 4096, calls));
        EXPECT_TRUE(can_read(nullptr, 0, calls));
        EXPECT_FALSE(can_read(reinterpret_cast<void*>(~std::uintptr_t{0}), 2, calls)) << "past the end of all memory";
        const int nine = 9;
        EXPECT_TRUE(copy_out(all.start(), &nine, sizeof nine, calls));
        EXPECT_EQ(*static_cast<int*>(all.start()), 9);
        EXPECT_FALSE(copy_out(fixed.start(), &nine, sizeof nine, calls));
        EXPECT_FALSE(copy_out(all.across(), &nine, sizeof nine, calls));
    }
}

TEST_F(compat_refusals, a_block_that_cannot_be) {
    EXPECT_EQ(acquire(acquiring, 0).from.error, WSAEINVAL) << "no ports";
    EXPECT_EQ(acquire(acquiring, 0, 5000).from.error, WSAEINVAL);
    EXPECT_EQ(acquire(acquiring, 2, 65535).from.error, WSAEINVAL) << "past port 65535";
    EXPECT_EQ(acquire(acquiring, 65535, 2).from.error, WSAEINVAL);
    EXPECT_EQ(acquire(acquiring, 0).from.bytes, 0u);
}

TEST_F(compat_refusals, a_block_in_use) {
    const own_socket other(SOCK_DGRAM);
    EXPECT_EQ(acquire(other, 2, got.first).from.error, WSAEADDRINUSE);
    EXPECT_EQ(acquire(other, 2, static_cast<std::uint16_t>(got.first + 1)).from.error, WSAEADDRINUSE);
}

TEST_F(compat_refusals, a_privileged_port) {
    if (::geteuid() == 0) GTEST_SKIP() << "this user may have any port";
    EXPECT_EQ(acquire(acquiring, 1, 1).from.error, WSAEACCES);
}

TEST_F(compat_refusals, tokens_that_name_nothing) {
    const own_socket socket(SOCK_DGRAM);
    for (const auto& token : {INET_PORT_RESERVATION_TOKEN{0}, INET_PORT_RESERVATION_TOKEN{got.token.Token ^ 1},
                              INET_PORT_RESERVATION_TOKEN{got.token.Token ^ (1ull << 63)}}) {
        EXPECT_EQ(release(socket, token).error, WSAEINVAL);
        EXPECT_EQ(release(socket, token).bytes, 0u);
    }
    EXPECT_EQ(associate(socket, INET_PORT_RESERVATION_TOKEN{0}).error, WSAEINVAL);
    const auto gone = acquire(socket, 1);
    ASSERT_EQ(release(socket, gone.token).result, 0);
    EXPECT_EQ(release(socket, gone.token).error, WSAEINVAL) << "released already";
    EXPECT_EQ(associate(socket, gone.token).error, WSAEINVAL);
}

TEST_F(compat_refusals, a_socket_of_the_other_protocol_or_family_or_bound_already) {
    const own_socket tcp(SOCK_STREAM);
    EXPECT_EQ(associate(tcp, got.token).error, WSAEINVAL);
    const own_socket v6(SOCK_DGRAM, AF_INET6);
    EXPECT_EQ(associate(v6, got.token).error, WSAEINVAL);
    const own_socket bound(SOCK_DGRAM);
    ASSERT_EQ(bind_to(bound), 0);
    EXPECT_EQ(associate(bound, got.token).error, WSAEINVAL);
}

TEST_F(compat_refusals, a_bind_that_the_block_has_nothing_for) {
    const own_socket socket(SOCK_DGRAM);
    ASSERT_EQ(associate(socket, got.token).result, 0);
    EXPECT_EQ(bind_to(socket, static_cast<std::uint16_t>(got.first + 2)), WSAEINVAL) << "a port outside";
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<SOCKADDR*>(&loopback), sizeof loopback), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEADDRNOTAVAIL) << "the block is of all addresses";
    EXPECT_EQ(bind(socket.get(), nullptr, sizeof loopback), SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
}

TEST_F(compat_refusals, a_forked_child) {
    EXPECT_EQ(documents::in_child([&] {
                  const own_socket socket(SOCK_DGRAM);
                  if (associate(socket, got.token).error != WSAEINVAL) return "a forked child associates";
                  if (release(socket, got.token).error != WSAEINVAL) return "a forked child releases";
                  return "";
              }),
              "");
}
