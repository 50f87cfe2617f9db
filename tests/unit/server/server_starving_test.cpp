// A server whose process has no descriptor left.
#include "unit/server/server_ground.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

namespace {

using namespace server_test;

class server_starving : public server_by_backend {};
BERTH_BY_BACKEND(server_starving);

double cpu_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// In a child, so that the limit is its own: clients in the parent, of which only some find a descriptor.
class starving_server {
public:
    enum class relief : std::uint8_t { sessions_end, others_close };
    starving_server(berth::backend_choice backend, relief by) {
        int ready[2], order[2];
        EXPECT_EQ(::pipe(ready) | ::pipe(order), 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ready[0]);
            ::close(order[1]);  // whoever waits for an order hears the parent's end
            ::_exit(live(backend, by, ready[1], order[0]));
        }
        ready_ = ready[0];
        order_ = order[1];
        ::close(ready[1]);
        ::close(order[0]);
    }
    ~starving_server() {
        ::close(ready_);
        ::close(order_);
        if (child_ > 0) ::waitpid(child_, nullptr, 0);
    }
    std::uint32_t hear() const {
        std::uint32_t number = 0;
        EXPECT_EQ(::read(ready_, &number, sizeof number), static_cast<ssize_t>(sizeof number));
        return number;
    }
    void tell() const { EXPECT_EQ(::write(order_, "x", 1), 1); }

private:
    static int live(berth::backend_choice backend, relief by, int ready, int order) {
        const auto say = [&](std::uint64_t number) {
            const auto n = static_cast<std::uint32_t>(number);
            return ::write(ready, &n, sizeof n) == static_cast<ssize_t>(sizeof n);
        };
        char told = 0;
        rlimit limit{};  // first: the ring accepts by the limit that an accept was submitted under
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 100;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
        berth::shards two({.count = 2, .context = {.backend = backend}});
        server one(two);
        const auto at = one.listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        one.start(echo);
        two.start();
        std::vector<int> filled;
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filled.push_back(fd);
        for (int i = 0; i < 3; ++i) ::close(filled[filled.size() - 1 - static_cast<std::size_t>(i)]);
        if (!say(at.port())) return 1;
        if (::read(order, &told, 1) != 1) return 1;  // the clients are connected
        const auto by_now = clock::now() + 2s;  // a crowded machine takes its time
        while (one.statistics().accept_backoffs == 0 && clock::now() < by_now) std::this_thread::sleep_for(1ms);
        const double before = cpu_seconds();
        std::this_thread::sleep_for(by == relief::sessions_end ? 500ms : 100ms);
        say(static_cast<std::uint64_t>((cpu_seconds() - before) * 1000));
        say(one.statistics().accepted);
        say(one.statistics().accept_backoffs);
        ::read(order, &told, 1);  // some are gone
        for (std::size_t i = 4; i < 8 && by == relief::others_close; ++i) ::close(filled[filled.size() - i]);
        const auto until = clock::now() + 5s;
        while (one.statistics().accepted < 6 && clock::now() < until) std::this_thread::sleep_for(1ms);
        say(one.statistics().accepted);
        ::read(order, &told, 1);  // all have heard their echo
        return 0;
    }

    pid_t child_ = -1;
    int ready_ = -1, order_ = -1;
};

TEST_P(server_starving, without_descriptors_the_loop_stays_free_and_accepts_when_one_is_closed) {
    const starving_server starving(GetParam(), starving_server::relief::sessions_end);
    const tcp::endpoint at(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(starving.hear()));
    std::vector<client> all;
    for (int i = 0; i < 6; ++i) all.emplace_back(at);
    for (const auto& c : all) c.say("hungry");
    starving.tell();
    EXPECT_LT(starving.hear(), 250u) << "milliseconds of processor in half a second: it does not spin";
    EXPECT_EQ(starving.hear(), 3u) << "accepted";
    EXPECT_GE(starving.hear(), 1u) << "back-offs";
    std::vector<client> waiting;  // the others go
    for (auto& c : all) {
        if (!system::wait_readable(c.socket(), 0ms)) waiting.push_back(std::move(c));
    }
    EXPECT_EQ(waiting.size(), 3u);
    all.clear();
    const auto start = clock::now();
    starving.tell();
    EXPECT_EQ(starving.hear(), 6u) << "all, in the end";
    EXPECT_LT(clock::now() - start, 900ms) << "woken by the ends, not by the longest delay";
    for (const auto& c : waiting) EXPECT_EQ(c.hear(6), "hungry");
    starving.tell();
}

// No session ends, so nothing but the pause's own end can bring the listener back.
TEST_P(server_starving, without_descriptors_it_tries_again_by_itself_when_the_program_closes_others) {
    const starving_server starving(GetParam(), starving_server::relief::others_close);
    const tcp::endpoint at(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(starving.hear()));
    std::vector<client> all;
    for (int i = 0; i < 6; ++i) all.emplace_back(at);
    for (const auto& c : all) c.say("hungry");
    starving.tell();
    EXPECT_LT(starving.hear(), 50u) << "milliseconds of processor in a tenth of a second";
    EXPECT_EQ(starving.hear(), 3u) << "accepted";
    EXPECT_GE(starving.hear(), 1u) << "back-offs";
    starving.tell();
    EXPECT_EQ(starving.hear(), 6u) << "all, in the end";
    for (const auto& c : all) EXPECT_EQ(c.hear(6), "hungry");
    starving.tell();
}

}  // namespace
