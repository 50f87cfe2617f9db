// The service with a descriptor store that fails at any call: what it answers is what holds, in all three places.
#include "block_service.hpp"
#include "store_ground.hpp"
#include "support/free_block.hpp"

#include <berth/port_reservation.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <optional>

namespace berth::daemon::test {
namespace {

using berth::test::free_block;
using detail::request_kind;
using detail::service_answer;

/// Keeps duplicates in this process; from the call that was chosen on it fails, until it is renewed.
class frail_keeper final : public descriptor_store {
public:
    ~frail_keeper() override { forget_all(); }
    void put(std::span<const kept_socket> sockets, failure& f) override {
        if (fails(f)) return;
        for (const auto& s : sockets) {
            if (kept.contains(s.key)) ::close(kept[s.key]);
            kept[s.key] = ::dup(s.fd);
        }
    }
    void fetch(std::vector<kept_socket>& out, failure& f) override {
        if (fails(f)) return;
        for (const auto& [key, fd] : kept) out.push_back({key, ::dup(fd)});
    }
    void remove(std::span<const kept_key> keys, failure& f) override {
        if (fails(f)) return;
        for (const auto& key : keys) ::close(kept[key]), kept.erase(key);
    }
    void remove_block(std::uint64_t block, failure& f) override {
        if (fails(f)) return;
        std::erase_if(kept, [&](const auto& s) { return s.first.block == block && ::close(s.second) == 0; });
    }
    [[nodiscard]] int handle() const noexcept override { return -1; }
    bool renew(failure& f) override {
        f = {};
        if (!is_broken) return false;
        is_broken = false;
        forget_all();
        return true;
    }
    [[nodiscard]] std::string describe() const override { return "a keeper that fails"; }

    void forget_all() {
        for (const auto& [key, fd] : kept) ::close(fd);
        kept.clear();
    }
    bool fails(failure& f) {
        f = {};
        if (fails_at != 0 && ++calls >= fails_at) is_broken = true;
        if (is_broken) f = {errc::system_failure, "the keeper fails", 0, 0};
        return is_broken;
    }

    std::map<kept_key, int> kept;
    int calls = 0, fails_at = 0;
    bool is_broken = false;
};

class no_list final : public reserved_ports {
public:
    std::optional<port_set> read(failure& f) override {
        f = {errc::system_failure, "there is no list", 0, 0};
        return std::nullopt;
    }
    void write(const port_set&, failure&) override {}
};

class block_service_test : public store_ground {
protected:
    void begin() {
        failure f;
        store_ = open();
        service_.emplace(platform::system_provider(), *store_, keeper_, list_);
        service_->start({1, 1}, f);
        ASSERT_FALSE(f) << f.what;
    }
    /// The daemon dies: its descriptors go, the keeper's and the file stay.
    void die() {
        service_.reset();
        store_.reset();
    }
    service_answer ask(request_kind kind, const port_block& block) {
        return service_->answer({.kind = kind, .protocol = transport::udp, .block = block});
    }
    static bool is_held(const port_block& block) {
        failure f;
        reservation_request request;
        request.block = block;
        const auto probe = port_reservation::reserve(request, f);
        return f.code == errc::block_unavailable;
    }
    /// Writes beyond it fail with EFBIG.
    static void limit_file_size(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    [[nodiscard]] std::size_t kept() const { return keeper_.kept.size(); }

    no_list list_;
    frail_keeper keeper_;
    std::unique_ptr<block_store> store_;
    std::optional<block_service> service_;
};

TEST_F(block_service_test, a_create_that_the_keeper_fails_holds_nothing) {
    const auto block = free_block(3, transport::udp);
    for (int at = 1; at <= 3; ++at) {
        begin();
        keeper_.calls = 0;
        keeper_.fails_at = at;
        const auto out = ask(request_kind::create, block);
        const bool failed = at == 1;  // the one call that a create makes
        EXPECT_EQ(out.error != errc{}, failed) << out.text;
        EXPECT_EQ(is_held(block), !failed);
        EXPECT_EQ(store_->contents().blocks.size(), failed ? 0u : 1u);
        keeper_.fails_at = 0;
        service_->look_after();
        EXPECT_FALSE(service_->has_more_to_do());
        EXPECT_EQ(kept(), failed ? 0u : 6u);
        EXPECT_EQ(ask(request_kind::remove, block).error, failed ? errc::no_such_reservation : errc{});
        EXPECT_FALSE(is_held(block));
        EXPECT_EQ(kept(), 0u);
        die();
    }
}

TEST_F(block_service_test, a_remove_that_the_keeper_fails_is_finished_later) {
    const auto block = free_block(3, transport::udp);
    begin();
    ASSERT_EQ(ask(request_kind::create, block).error, errc{});
    keeper_.is_broken = true;
    EXPECT_EQ(ask(request_kind::remove, block).error, errc{}) << "it is on the disk";
    EXPECT_TRUE(service_->has_more_to_do());
    service_->look_after();
    EXPECT_FALSE(service_->has_more_to_do());
    EXPECT_EQ(kept(), 0u);
    EXPECT_FALSE(is_held(block));
}

TEST_F(block_service_test, a_keeper_that_lost_everything_gets_everything_again) {
    const auto a = free_block(3, transport::udp);
    begin();
    ASSERT_EQ(ask(request_kind::create, a).error, errc{});
    keeper_.is_broken = true;
    service_->renew_keeper();
    EXPECT_EQ(kept(), 6u);
    die();
    EXPECT_TRUE(is_held(a));
    begin();
    EXPECT_EQ(ask(request_kind::lookup, a).is_held, true);
}

TEST_F(block_service_test, a_death_between_keeper_and_store_leaves_nothing) {
    const auto block = free_block(3, transport::udp);
    begin();
    ASSERT_EQ(ask(request_kind::create, block).error, errc{});
    const auto token = ask(request_kind::lookup, block).token;
    die();
    fs::remove(path());
    fs::remove(path() + "-wal");
    EXPECT_TRUE(is_held(block)) << "the keeper has it";
    begin();  // one block that the store does not name
    EXPECT_EQ(kept(), 0u);
    EXPECT_FALSE(is_held(block));
    EXPECT_TRUE(token);
}

TEST_F(block_service_test, a_store_that_cannot_be_written_changes_nothing) {
    const auto a = free_block(3, transport::udp);
    begin();
    ASSERT_EQ(ask(request_kind::create, a).error, errc{});
    const auto before = store_->contents();
    limit_file_size(1);
    const auto b = free_block(3, transport::udp);
    EXPECT_EQ(ask(request_kind::create, b).error, errc::system_failure);
    EXPECT_EQ(ask(request_kind::remove, a).error, errc::system_failure);
    limit_file_size(RLIM_INFINITY);
    EXPECT_EQ(store_->contents(), before);
    EXPECT_FALSE(is_held(b));
    EXPECT_TRUE(is_held(a));
    EXPECT_EQ(kept(), 6u);
    if (service_->must_end()) {
        die();
        begin();
    }
    EXPECT_EQ(ask(request_kind::create, b).error, errc{});
    EXPECT_EQ(ask(request_kind::remove, a).error, errc{});
}

}  // namespace
}  // namespace berth::daemon::test
