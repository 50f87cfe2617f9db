// What is wrong around a process: privileges, families that are off, namespaces, numbers that run past the end.
#include "kernel_faults/faults_ground.hpp"
#include "reservation_core.hpp"

#include <berth/associate.hpp>

#include <sched.h>

#include <cstdlib>
#include <new>
#include <thread>
#include <utility>

namespace {

using namespace kernel_faults_test;

reservation_request udp_block(std::uint32_t count, berth::address_family family = berth::address_family::dual) {
    reservation_request r;
    r.block.count = count;
    r.family = family;
    return r;
}

// Every first port, with every count at which something changes; computed anew in 64 bits.
TEST(kernel_faults, start_and_count_past_the_last_port) {
    const auto is_good = [](std::uint64_t first, std::uint64_t count) {
        return count >= 1 && count <= 65'535 && first + count <= 65'536;
    };
    std::uint64_t wrong = 0;
    for (std::uint32_t first = 0; first <= 65'535; ++first) {
        const std::uint32_t left = 65'536 - first;
        for (const std::uint32_t count : {0u, 1u, left - 1, left, left + 1, 65'535u, 65'536u, 65'537u, 0u - first,
                                          1u - first, 0x7fff'ffffu, 0x8000'0000u, 0xffff'0000u, 0xffff'ffffu}) {
            auto r = udp_block(count);
            r.block.first = static_cast<std::uint16_t>(first);
            const auto f = berth::detail::check_request(r);
            const bool good = is_good(first, count);
            if (f ? good || f.code != errc::invalid_argument || f.what.empty() : !good) {
                if (++wrong < 10) ADD_FAILURE() << first << " + " << count << ": " << f.what;
            }
        }
    }
    EXPECT_EQ(wrong, 0u);
}

TEST(kernel_faults, ports_below_1024_without_privilege) {
    const auto attempt = [](std::uint16_t port) -> std::string {
        failure f;
        auto r = udp_block(1);
        r.block.first = port;
        const auto got = port_reservation::reserve(r, f);
        if (got) return "it was given";
        if (f.code == errc::block_unavailable) return "";  // somebody else's: another port is tried
        if (f.code != errc::permission_denied) return f.what;
        return says(f.what, "CAP_NET_BIND_SERVICE") && says(f.what, "ip_unprivileged_port_start") ? "denied" : f.what;
    };
    std::string said;
    int start = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> start;
    if (start < 1000) GTEST_SKIP() << "here ports from " << start << " on need no privilege";
    for (std::uint16_t port = 999; said.empty() && port > 900; --port) {
        said = in_forked_child([&]() -> std::string {
            if (::geteuid() == 0 && ::setresuid(54'321, 54'321, 54'321) != 0) return "no other user";
            return attempt(port);
        });
    }
    EXPECT_EQ(said, "denied");
}

TEST(kernel_faults, ipv6_switched_off) {
    BERTH_NEEDS_OWN_NAMESPACE();
    const auto said = in_forked_child([]() -> std::string {
        if (::unshare(CLONE_NEWNET) != 0) return "no namespace";
        const auto off = write_setting("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        if (!off.empty()) return off;
        failure f;
        for (const auto family :
             {berth::address_family::dual, berth::address_family::ipv4, berth::address_family::ipv6}) {
            auto any = port_reservation::reserve(udp_block(4, family), f);
            if (!any) return "any address: " + f.what;  // the wildcard can be bound all the same
            error_code ec;
            if (!any.take(ec)) return ec.message();
        }
        auto one = udp_block(1, berth::address_family::ipv6);
        one.address = asio::ip::address_v6::loopback();
        if (port_reservation::reserve(one, f)) return "::1 was given";
        return f.code == errc::address_mismatch && says(f.what, "::1") ? "" : f.what;
    });
    EXPECT_EQ(said, "");
}

TEST(kernel_faults, no_ipv6_in_the_kernel) {
    BERTH_NEEDS_FILTERS();
    const auto said = in_forked_child([]() -> std::string {
        if (!refuse(SYS_socket, EAFNOSUPPORT, AF_INET6)) return "no filter";
        failure f;
        static std::string noticed;
        berth::set_log_sink([](berth::log_level level, std::string_view line, void*) noexcept {
            if (level == berth::log_level::warning) noticed += line;
        });
        const auto before = open_descriptors();
        auto six = udp_block(4);
        six.address = asio::ip::address_v6::loopback();
        for (const auto& r : {udp_block(4, berth::address_family::ipv6), six}) {
            if (port_reservation::reserve(r, f)) return "a family that is not there was given";
            if (f.code != errc::family_mismatch || !says(f.what, "address_family::ipv4")) return f.what;
        }
        if (open_descriptors() != before) return "descriptors are left";
        if (!noticed.empty()) return "it is noticed before it is so: " + noticed;
        for (const auto family : {berth::address_family::ipv4, berth::address_family::dual}) {
            for (const auto protocol : {berth::transport::udp, berth::transport::tcp}) {
                auto r = udp_block(4, family);
                r.protocol = protocol;
                auto v4 = port_reservation::reserve(r, f);
                if (!v4) return "IPv4 alone: " + f.what;
                error_code ec;
                auto p = v4.take(ec);
                if (!p) return ec.message();
                p.give_back(ec);
                if (v4.statistics().ports.available != 4) return "a port did not come back";
            }
        }
        if (!says(noticed, "IPv4 alone")) return "dual-stack blocks fell back silently";
        berth::io_context context;
        auto r = udp_block(1);
        auto block = port_reservation::reserve(r);
        auto socket = block.take<berth::udp_socket>(context.get_executor());
        if (!socket->local_endpoint().address().is_v4()) return "a socket of another family";
        for (const auto& limit : berth::query_capabilities().limits) {
            if (says(limit, "IPv4 alone")) return "";
        }
        return "the capabilities do not say it";
    });
    EXPECT_EQ(said, "");
}

// A block is its namespace's; sockets of another one are told, and nothing of the block moves.
TEST(kernel_faults, network_namespace_changed) {
    BERTH_NEEDS_OWN_NAMESPACE();
    auto block = port_reservation::reserve(udp_block(2));
    std::string said = "did not run";
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            said = "no namespace";
            return;
        }
        said.clear();
        const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        error_code ec;
        berth::associate(fd, block.token(), ec);
        if (ec != errc::wrong_namespace) said += "associate: " + ec.message() + "; ";
        ::close(fd);
        auto port = block.take(ec);  // its sockets are where they were made
        if (!port) said += "take: " + ec.message() + "; ";
        port.give_back(ec);
        failure f;
        auto r = udp_block(2);
        r.block.first = block.block().first;
        if (!port_reservation::reserve(r, f)) said += "the same numbers here: " + f.what;
    }).join();
    EXPECT_EQ(said, "");
    EXPECT_EQ(block.statistics().ports.available, 2u);
    failure f;
    auto r = udp_block(2);
    r.block.first = block.block().first;
    EXPECT_FALSE(port_reservation::reserve(r, f)) << "the block is not held any more";
}

/// All that the heap has under the present limit, but for `left` pieces of 4 kB; the end gives it back.
class hoard {
public:
    explicit hoard(int left) {
        for (const std::size_t size : {std::size_t{1} << 20, std::size_t{4096}, std::size_t{512}, std::size_t{32}}) {
            while (void* const more = std::malloc(size)) {
                first_ = new (more) piece{first_, size};
            }
        }
        for (piece** at = &first_; *at != nullptr && left > 0;) {
            piece* const one = *at;
            if (one->size != 4096) {
                at = &one->next;
                continue;
            }
            *at = one->next;
            std::free(one);
            --left;
        }
    }
    hoard(const hoard&) = delete;
    hoard& operator=(const hoard&) = delete;
    ~hoard() {
        while (first_ != nullptr) std::free(std::exchange(first_, first_->next));
    }

private:
    struct piece {
        piece* next;
        std::size_t size;
    };
    piece* first_ = nullptr;
};

TEST(kernel_faults, address_space_runs_out) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer's memory is not the program's own";
#endif
    const auto said = in_forked_child([]() -> std::string {
        rlimit descriptors{};
        ::getrlimit(RLIMIT_NOFILE, &descriptors);
        const auto ports = static_cast<std::uint32_t>(std::min<rlim_t>(descriptors.rlim_cur / 4, 1024));
        port_reservation::reserve(udp_block(1)).release();  // what a process keeps open from its first reserve on
        const auto before = open_descriptors();
        rlim_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        int refused = 0;
        for (int more = 0; more <= 60; more += 4) {
            rlimit limit{}, old{};
            ::getrlimit(RLIMIT_AS, &old);
            limit = old;
            limit.rlim_cur = (pages + 2048) * 4096;
            ::setrlimit(RLIMIT_AS, &limit);
            failure f;
            {
                const hoard the_rest(more);
                auto got = port_reservation::reserve(udp_block(ports), f);
                error_code ec;
                if (got) static_cast<void>(got.take(ec));
                refused += !got;
            }
            ::setrlimit(RLIMIT_AS, &old);
            if (f && f.code != errc::no_memory && f.code != errc::too_many_files) return f.what;
            if (open_descriptors() != before) return "descriptors are left with " + std::to_string(more) + " pages";
        }
        failure f;
        if (!port_reservation::reserve(udp_block(ports), f)) return "with memory: " + f.what;
        return refused > 0 ? "" : "memory was never short: this shows nothing";
    });
    EXPECT_EQ(said, "");
}

TEST(kernel_faults, file_table_of_the_system_full) {
    BERTH_NEEDS_FILTERS();
    const auto said = in_forked_child([]() -> std::string {
        const auto before = open_descriptors();
        if (!refuse(SYS_socket, ENFILE)) return "no filter";
        failure f;
        if (port_reservation::reserve(udp_block(8), f)) return "it was given";
        if (open_descriptors() != before) return "descriptors are left";
        return f.code == errc::too_many_files && says(f.what, "fs.file-max") ? "" : f.what + " " + f.code.message();
    });
    EXPECT_EQ(said, "");
}

}  // namespace
