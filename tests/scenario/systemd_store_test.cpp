// berthd under a service manager that keeps its descriptors: a manager of the test's own, which does what systemd
// says that it does. Killed and started again, the daemon has the very same sockets, and nothing else keeps them.
#include "platform/systemd_store.hpp"
#include "daemon_ground.hpp"

#include <berth/persistent_share.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using platform::descriptor;

/// Takes notifications on a thread of its own.
class service_manager {
public:
    explicit service_manager(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
        thread_ = std::thread([this] { serve(); });
    }
    ~service_manager() {
        stops_ = true;
        thread_.join();
        ::unsetenv("NOTIFY_SOCKET");
    }
    /// The canary apart, which is there for a moment.
    [[nodiscard]] std::size_t kept() {
        const std::lock_guard lock(mutex_);
        return kept_.size() - kept_.count("berthd-room");
    }
    /// FileDescriptorStoreMax, and nobody is told.
    void limit(std::size_t most) {
        const std::lock_guard lock(mutex_);
        most_ = most;
    }
    /// Lets go of all of this role.
    void lose(daemon::socket_role role) {
        const std::lock_guard lock(mutex_);
        std::erase_if(kept_, [&](const auto& one) {
            const auto key = daemon::key_of(one.first);
            return key && key->role == role;
        });
    }
    [[nodiscard]] bool is_ready() const { return ready_; }

    /// In the child, before exec: the descriptors from 3 on, and their names.
    void hand_over() {
        const int count = static_cast<int>(kept_.size());
        std::string names;
        std::vector<int> high;
        for (auto& [name, fd] : kept_) {
            names += (names.empty() ? "" : ":") + name;
            high.push_back(::fcntl(fd.get(), F_DUPFD, 3 + 2 * count + 64));
        }
        for (int i = 0; i < count; ++i)
            ::dup2(high[static_cast<std::size_t>(i)], 3 + i), ::close(high[static_cast<std::size_t>(i)]);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(count).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    }

private:
    void serve() {
        while (!stops_) {
            pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
            if (::poll(&waiting, 1, 20) <= 0) continue;
            std::byte bytes[512];
            std::size_t size = 0;
            std::vector<descriptor> received;
            ASSERT_EQ(platform::receive_message(socket_.get(), bytes, size, received), 0);
            note(std::string(reinterpret_cast<const char*>(bytes), size), received);
        }
    }
    void note(const std::string& words, std::vector<descriptor>& received) {
        const std::lock_guard lock(mutex_);
        const auto has = [&](const char* word) { return words.find(word) != std::string::npos; };
        const auto at = words.find("FDNAME=");
        const auto name = at == std::string::npos ? "" : words.substr(at + 7, words.find('\n', at) - at - 7);
        if (has("READY=1")) ready_ = true;
        if (has("FDSTORE=1")) {
            EXPECT_TRUE(has("FDPOLL=0")) << words;
            for (auto& fd : received) {
                if (kept_.size() < most_) kept_.emplace(name, std::move(fd));
            }
        }
        if (has("FDSTOREREMOVE=1")) kept_.erase(name);
    }

    descriptor socket_;
    std::mutex mutex_;
    std::size_t most_ = ~std::size_t{0};
    std::multimap<std::string, descriptor> kept_;
    std::atomic<bool> stops_{false}, ready_{false};
    std::thread thread_;
};

class systemd_store : public daemon_ground {
protected:
    void start_as_service() {
        start({"--keep-with", "systemd"}, true, [this] { manager_.hand_over(); });
    }
    service_manager manager_{(directory_ / "notify").string()};
};

TEST_F(systemd_store, a_daemon_started_again_gets_the_very_same_sockets) {
    start_as_service();
    EXPECT_TRUE(manager_.is_ready());
    failure f;
    const auto tcp = free_block(12, transport::tcp), udp = free_block(5, transport::udp);
    const auto token = create_persistent(tcp, transport::tcp, f, at());
    create_persistent(udp, transport::udp, f, at());
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(manager_.kept(), 34u);
    EXPECT_NE(persistent_status(f, at()).keeper.find("service manager"), std::string::npos);
    const auto sockets = inodes_on(transport::tcp, tcp);
    for (int i = 0; i < 5; ++i) {
        kill_daemon();
        expect_held(transport::tcp, tcp);
        start_as_service();
        EXPECT_EQ(inodes_on(transport::tcp, tcp), sockets);
        expect_held(transport::udp, udp);
        EXPECT_EQ(lookup_persistent(tcp, transport::tcp, f, at()), token);
        EXPECT_EQ(manager_.kept(), 34u) << "nothing is kept twice";
    }
    remove_persistent(tcp, transport::tcp, f, at());
    EXPECT_FALSE(f) << f.what;
    EXPECT_EQ(manager_.kept(), 10u);
    expect_free(transport::tcp, tcp);
    EXPECT_FALSE(std::filesystem::exists(state() + "/keeper.sock")) << "no other keeper";
}

TEST_F(systemd_store, consumers_do_not_notice_a_daemon_that_is_started_again) {
    start_as_service();
    failure f;
    const auto block = free_block(12, transport::udp);
    const auto token = create_persistent(block, transport::udp, f, at());
    share_options options;
    options.socket_path = socket();
    auto a = open_persistent(token, options), b = open_persistent(token, options);
    const auto before = a.take();
    EXPECT_EQ(manager_.kept(), 28u) << "two for each port, two for each share";
    for (int i = 0; i < 5; ++i) {
        kill_daemon();
        start_as_service();
        error_code ec;
        const auto one = a.take(ec);
        EXPECT_FALSE(ec) << ec.message();
        const auto other = b.take(ec);
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(std::set<std::uint16_t>({before.port(), one.port(), other.port()}).size(), 3u);
        EXPECT_EQ(persistent_status(f, at()).consumers, 2u);
        EXPECT_EQ(manager_.kept(), 28u);
    }
    b.release();
    for (int i = 0; i < 1000 && manager_.kept() != 26; ++i) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(manager_.kept(), 26u);
}

TEST_F(systemd_store, that_tells_its_limit_is_not_asked_for_more) {
    ::setenv("FDSTORE", "10", 1);
    start_as_service();
    ::unsetenv("FDSTORE");
    failure f;
    const auto block = free_block(6, transport::udp);
    create_persistent(block, transport::udp, f, at());
    EXPECT_EQ(f.code, errc::too_many_files);
    EXPECT_NE(f.what.find("FileDescriptorStoreMax"), std::string::npos) << f.what;
    EXPECT_EQ(manager_.kept(), 0u);
    expect_free(transport::udp, block);
    create_persistent({block.first, 5}, transport::udp, f, at());
    EXPECT_FALSE(f) << f.what;
}

TEST_F(systemd_store, that_drops_silently_what_is_beyond_its_limit_is_found_out) {
    manager_.limit(9);
    start_as_service();
    failure f;
    const auto block = free_block(6, transport::udp);
    create_persistent(block, transport::udp, f, at());
    EXPECT_EQ(f.code, errc::too_many_files);
    EXPECT_NE(f.what.find("FileDescriptorStoreMax"), std::string::npos) << f.what;
    EXPECT_EQ(manager_.kept(), 0u);
    expect_free(transport::udp, block);
    const port_block fits{block.first, 4};
    create_persistent(fits, transport::udp, f, at());
    ASSERT_FALSE(f) << f.what;
    const auto sockets = inodes_on(transport::udp, fits);
    kill_daemon();
    expect_held(transport::udp, fits);
    start_as_service();
    EXPECT_EQ(inodes_on(transport::udp, fits), sockets);
}

TEST_F(systemd_store, that_keeps_nothing_is_refused_at_the_start) {
    manager_.limit(0);
    const auto refused = run({"--keep-with", "systemd"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.said.find("FileDescriptorStoreMax"), std::string::npos) << refused.said;
}

TEST_F(systemd_store, that_lost_the_holders_costs_no_block) {
    start_as_service();
    failure f;
    for (const auto protocol : {transport::udp, transport::tcp}) {
        create_persistent(free_block(3, protocol), protocol, f, at());
        ASSERT_FALSE(f) << f.what;
    }
    kill_daemon();
    manager_.lose(daemon::socket_role::holder);
    start_as_service();
    for (const auto& block : list_persistent(f, at())) EXPECT_TRUE(block.is_held) << block.why_not_held;
    EXPECT_FALSE(f) << f.what;
    EXPECT_EQ(manager_.kept(), 12u);
}

TEST_F(systemd_store, names_are_read_as_they_are_made) {
    using daemon::kept_key;
    using daemon::socket_role;
    for (const auto& key :
         {kept_key{~std::uint64_t{0}, 65535, socket_role::other_holder}, kept_key{1, 0, socket_role::holder},
          kept_key{0x123456789abcdef0, 80, socket_role::session}, kept_key{2, 0, socket_role::connection},
          kept_key{2, 0, socket_role::ledger}}) {
        EXPECT_EQ(daemon::key_of(daemon::name_of(key)), key);
    }
    for (const char* name : {"", "stored", "berthd.socket", "0000000000000001-80", "0000000000000001-80-0",
                             "0000000000000001-80-6", "0000000000000001-65536-1", "1-80-1", "0000000000000001-080-1",
                             "0000000000000001-80-1 ", "000000000000000g-80-1"}) {
        EXPECT_FALSE(daemon::key_of(name)) << name;
    }
}

TEST_F(systemd_store, without_a_manager_the_daemon_says_so) {
    ::unsetenv("NOTIFY_SOCKET");
    const auto refused = run({"--keep-with", "systemd"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.said.find("NOTIFY_SOCKET"), std::string::npos) << refused.said;
}

}  // namespace
}  // namespace berth::test
