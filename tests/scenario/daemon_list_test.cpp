// The daemon's blocks in net.ipv4.ip_local_reserved_ports, the real one, in a network namespace of the test's own.
#include "daemon_ground.hpp"
#include "platform/reserved_ports_sysctl.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>

namespace berth::test {
namespace {

using daemon::port_set;

class daemon_list : public daemon_ground {
protected:
    void SetUp() override {
        daemon_ground::SetUp();
        if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr)
            GTEST_SKIP() << "no namespace of its own: the list is shared";
        failure f;
        port_set none;
        list_.write(none, f);
        if (f) GTEST_SKIP() << f.what;
    }
    [[nodiscard]] std::string listed() {
        failure f;
        const auto ports = list_.read(f);
        EXPECT_TRUE(ports) << f.what;
        return daemon::print_port_list(ports.value_or(port_set{}));
    }
    void put(std::string_view text) {
        failure f;
        list_.write(daemon::parse_port_list(text).value(), f);
        EXPECT_FALSE(f) << f.what;
    }
    void create(const port_block& block, transport protocol) {
        failure f;
        create_persistent(block, protocol, f, at());
        ASSERT_FALSE(f) << f.what;
    }
    void remove(const port_block& block, transport protocol) {
        failure f;
        remove_persistent(block, protocol, f, at());
        ASSERT_FALSE(f) << f.what;
    }

    /// Ports of a run of sixteen that are free: in text by their places, as "{0},{4}-{6}", and as blocks.
    [[nodiscard]] std::string with(const char* text) const {
        std::string out;
        for (const char* at = text; *at != '\0'; ++at) {
            if (*at != '{') {
                out += *at;
                continue;
            }
            char* end = nullptr;
            out += std::to_string(first_ + std::strtol(at + 1, &end, 10));
            at = end;
        }
        return out;
    }
    [[nodiscard]] port_block part(std::uint16_t from, std::uint32_t count) const {
        return {static_cast<std::uint16_t>(first_ + from), count};
    }

    daemon::reserved_ports_sysctl list_;
    std::uint16_t first_ = free_block(16, transport::tcp_and_udp).first;
};

TEST_F(daemon_list, a_list_longer_than_a_page_is_written_and_read_whole) {
    port_set odd;
    for (std::size_t port = 1; port < 65536; port += 2) odd.set(port);
    failure f;
    list_.write(odd, f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_TRUE(list_.read(f) == odd) << f.what;
    put("");
    EXPECT_EQ(listed(), "");
}

TEST_F(daemon_list, blocks_come_and_go_and_others_entries_stay) {
    put(with("{0},{4}-{6},{12}"));
    start();
    create(part(1, 5), transport::tcp);
    EXPECT_EQ(listed(), with("{0}-{6},{12}"));
    create(part(2, 8), transport::udp);
    EXPECT_EQ(listed(), with("{0}-{9},{12}"));
    remove(part(1, 5), transport::tcp);
    EXPECT_EQ(listed(), with("{0},{2}-{9},{12}"));
    put(with("{0},{2}-{9},{12},{14}"));
    remove(part(2, 8), transport::udp);
    EXPECT_EQ(listed(), with("{0},{4}-{6},{12},{14}"));
}

TEST_F(daemon_list, whose_entries_are_whose_is_known_after_a_death) {
    put(with("{2}"));
    start();
    create(part(1, 3), transport::tcp);
    for (int i = 0; i < 3; ++i) {
        kill_daemon();
        put(i == 1 ? with("{2},{9}") : with("{1}-{3},{9}"));  // somebody set the list anew
        start();
        EXPECT_EQ(listed(), with("{1}-{3},{9}"));
    }
    remove(part(1, 3), transport::tcp);
    EXPECT_EQ(listed(), with("{2},{9}"));
}

TEST_F(daemon_list, that_cannot_be_written_is_reported_and_nothing_fails) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
        GTEST_SKIP() << "no mount namespace of its own";
    }
    start();
    create(part(0, 3), transport::tcp);
    expect_held(transport::tcp, part(0, 3));
    failure f;
    EXPECT_NE(persistent_status(f, at()).keeper.find("Read-only file system"), std::string::npos);
    EXPECT_NE(log().find("ports_not_listed"), std::string::npos) << log();
    remove(part(0, 3), transport::tcp);
    ::umount("/proc/sys");
}

}  // namespace
}  // namespace berth::test
