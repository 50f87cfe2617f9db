// A ring that is refused or small, and rights that a ring must not carry around: filters, limits, users.
//
// Each is a child's. The backend falls to epoll and says why; asked for by name, the refusal is thrown.
#include "kernel_faults/faults_ground.hpp"

#include <berth/tcp_acceptor.hpp>
#include <berth/tcp_socket.hpp>

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <linux/io_uring.h>
#include <sys/mman.h>

#include <array>
#include <filesystem>

namespace {

using namespace kernel_faults_test;
using asio::ip::tcp;

/// A connection, a word and its echo on the context. Empty: it works.
std::string serve_one(berth::io_context& context) {
    berth::tcp_acceptor door(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    berth::tcp_socket client(context), served(context);
    std::string said = "nothing came";
    std::array<char, 4> word{};
    door.async_accept([&](error_code ec, berth::tcp_socket s) {
        if (ec) return void(said = "accept: " + ec.message());
        served = std::move(s);
        asio::async_write(served, asio::buffer("word", 4), [&](error_code e, std::size_t) {
            if (e) said = "write: " + e.message();
        });
    });
    client.async_connect(door.local_endpoint(), [&](error_code ec) {
        if (ec) return void(said = "connect: " + ec.message());
        client.async_receive(asio::buffer(word), [&](error_code e, std::size_t) { said = e ? e.message() : ""; });
    });
    context.run_for(5s);
    context.restart();
    return said;
}

std::string falls_back_and_says(const char* why) {
    berth::io_context best;
    if (best.backend() != "asio") return "the backend is " + std::string(best.backend());
    if (!says(best.backend_reason(), why)) return best.backend_reason();
    try {
        berth::io_context strict({.backend = berth::backend_choice::io_uring});
        return "a ring was asked for by name and is not there";
    } catch (const berth::reservation_error& e) {
        if (!says(e.what(), why)) return e.what();
    }
    return serve_one(best);
}

TEST(kernel_faults, ring_denied_by_a_filter) {
    BERTH_NEEDS_FILTERS();
    EXPECT_EQ(in_forked_child([]() -> std::string {
                  return refuse(SYS_io_uring_setup, EPERM) ? falls_back_and_says("EPERM") : "no filter";
              }),
              "");
}

TEST(kernel_faults, ring_unknown_to_the_kernel) {
    BERTH_NEEDS_FILTERS();
    EXPECT_EQ(in_forked_child([]() -> std::string {
                  return refuse(SYS_io_uring_setup, ENOSYS) ? falls_back_and_says("ENOSYS") : "no filter";
              }),
              "");
}

TEST(kernel_faults, ring_flags_unknown_to_the_kernel) {
    BERTH_NEEDS_FILTERS();
    EXPECT_EQ(in_forked_child([]() -> std::string {
                  return refuse(SYS_io_uring_setup, EINVAL) ? falls_back_and_says("too old") : "no filter";
              }),
              "");
}

// Memory that the kernel locks for a ring counts as its user's, who is another one here for each limit.
TEST(kernel_faults, ring_within_locked_memory) {
    for (const rlim_t kilobytes : {0, 16, 64, 128, 1024}) {
        const auto said = in_forked_child([&]() -> std::string {
            const auto stranger = static_cast<uid_t>(200'000 + ::getpid() % 50'000);
            if (::geteuid() == 0 && ::setresuid(stranger, stranger, stranger) != 0) return "no other user";
            const rlimit limit{kilobytes * 1024, kilobytes * 1024};
            if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return "";  // the limit is lower already
            berth::io_context context;
            if (context.backend() == "asio" && !says(context.backend_reason(), "ulimit -l") &&
                !says(context.backend_reason(), "io_uring"))
                return "no reason: " + context.backend_reason();
            return serve_one(context);
        });
        EXPECT_EQ(said, "") << kilobytes << " KiB";
    }
}

/// 0, or what the ring's own bind answered: without the system call of that name. -ENOSYS: no ring, or no such entry.
int bind_by_ring(int socket, const sockaddr_in& to) {
    ::io_uring_params p{};
    const int ring = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &p));
    if (ring < 0) return -ENOSYS;
    const auto map = [&](std::size_t size, long long at) {
        return static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, at));
    };
    char* const sq = map(p.sq_off.array + p.sq_entries * 4, IORING_OFF_SQ_RING);
    char* const cq = map(p.cq_off.cqes + p.cq_entries * sizeof(::io_uring_cqe), IORING_OFF_CQ_RING);
    auto* const entries =
        reinterpret_cast<::io_uring_sqe*>(map(p.sq_entries * sizeof(::io_uring_sqe), IORING_OFF_SQES));
    constexpr std::uint8_t op_bind = 56;
    entries[0] = {};
    entries[0].opcode = op_bind, entries[0].fd = socket;
    entries[0].addr = reinterpret_cast<std::uintptr_t>(&to), entries[0].off = sizeof to;
    reinterpret_cast<unsigned*>(sq + p.sq_off.array)[0] = 0;
    __atomic_store_n(reinterpret_cast<unsigned*>(sq + p.sq_off.tail), 1u, __ATOMIC_RELEASE);
    int result = -ENOSYS;
    if (::syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) == 1)
        result = reinterpret_cast<::io_uring_cqe*>(cq + p.cq_off.cqes)[0].res;
    ::close(ring);
    return result;
}

// A ring's bind passes a filter that denies bind(2). berth makes no use of it: what the filter denies is denied.
TEST(kernel_faults, ring_bind_passes_a_filter) {
    BERTH_NEEDS_FILTERS();
    const auto said = in_forked_child([]() -> std::string {
        auto before = port_reservation::reserve({});
        const auto descriptors = open_descriptors();
        if (!refuse(SYS_bind, EACCES)) return "no filter";
        failure f;
        for (const auto protocol : {berth::transport::udp, berth::transport::tcp}) {
            reservation_request r;
            r.block.count = 4, r.protocol = protocol;
            if (port_reservation::reserve(r, f)) return "a block was bound past the filter";
            if (f.code != errc::permission_denied) return f.what;
        }
        if (open_descriptors() != descriptors) return "descriptors are left";
        error_code ec;  // what was reserved before serves on: nothing on the way of a port binds
        auto port = before.take(ec);
        if (!port) return "take: " + ec.message();
        port.give_back(ec);
        if (before.statistics().ports.available != 1) return "give back: " + ec.message();
        const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        if (::bind(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0)
            return "the filter denies nothing";
        const int by_ring = bind_by_ring(socket, to);
        ::close(socket);
        if (by_ring == -ENOSYS || by_ring == -EINVAL) return "";  // this kernel's rings do not bind
        return by_ring == 0 ? "" : "a ring's bind does not pass a filter any more: " + std::to_string(by_ring);
    });
    EXPECT_EQ(said, "");
}

// A ring of a kernel thread would keep its maker's rights; berth's rings have none, and use those of who enters.
TEST(kernel_faults, ring_made_before_privileges_went) {
    if (::geteuid() != 0) GTEST_SKIP() << "it gives up root's rights";
    const auto said = in_forked_child([]() -> std::string {
        berth::io_context context;
        if (const auto first = serve_one(context); !first.empty()) return first;
        if (::setresuid(54'321, 54'321, 54'321) != 0) return "no other user";
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // or /proc/self is root's
        if (const auto then = serve_one(context); !then.empty()) return then;
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);)
                if (line.starts_with("SqThread:") && !says(line, "-1")) return "a kernel thread polls: " + line;
        }
        reservation_request r;
        r.block = {990, 1};
        failure f;
        if (port_reservation::reserve(r, f)) return "a privileged port was given";
        return f.code == errc::permission_denied || f.code == errc::block_unavailable ? "" : f.what;
    });
    EXPECT_EQ(said, "");
}

}  // namespace
