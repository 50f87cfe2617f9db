// Reserve, draw, give back, release: each way to hold ports, each call of each operation failing once.
#include "faults/reservation_stages.hpp"
#include "support/free_block.hpp"
#include "support/ways_to_reserve.hpp"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::test {
namespace {

class releasing final : public stage {
public:
    releasing(const reservation_request& r, bool by_destructor) : request_(r), by_destructor_(by_destructor) {
        held_ = port_reservation::reserve(r);
    }
    outcome act() override {
        if (!held_) held_ = port_reservation::reserve(request_);
        failure f;
        if (by_destructor_) {
            const port_reservation last = std::move(held_);
        } else {
            held_.release(f);
        }
        return of(f);
    }
    [[nodiscard]] port_block ports() const override { return request_.block; }

private:
    const reservation_request request_;
    const bool by_destructor_;
    port_reservation held_;
};

/// Its owner goes while a port is out: the warning too needs memory.
class detaching final : public stage {
public:
    explicit detaching(const reservation_request& r) : request_(r) { prepare(); }
    outcome act() override {
        if (!held_) prepare();
        const port_reservation last = std::move(held_);
        return {};
    }
    void undo() override {
        error_code ec;
        port_.give_back(ec);
    }
    [[nodiscard]] port_block ports() const override { return request_.block; }

private:
    void prepare() {
        held_ = port_reservation::reserve(request_);
        port_ = held_.take();
    }
    const reservation_request request_;
    port_reservation held_;
    bound_port port_;
};

class asking final : public stage {
public:
    outcome act() override {
        const auto facts = query_capabilities();
        EXPECT_TRUE(facts.can_reserve);
        return {};
    }
};

constexpr const char* no_need = "it takes no memory, whatever happens";
constexpr const char* only_closes = "it closes what it has, and that cannot be refused";

std::vector<way> deeper_ways() {
    auto ways = all_ways();
    ways.push_back({"listener_ipv4", transport::tcp, tcp_use::listen, parking::best, address_family::ipv4});
    ways.push_back({"outbound_of_several", transport::tcp, tcp_use::connect, parking::best, address_family::dual, 2});
    return ways;
}
/// TCP's closing check walks the kernel's tables: milliseconds for each reserve.
bool is_for_the_night(const way& w) {
    return w.protocol == transport::tcp_and_udp || w.sessions > 1 ||
           (w.protocol == transport::tcp && w.family == address_family::ipv4);
}

std::vector<scenario> all_scenarios() {
    static const bool is_night = std::getenv("BERTH_ALL_ERRORS") != nullptr;
    std::vector<scenario> all;
    const auto block = std::make_shared<port_block>(port_block{0, 0});
    const auto some = [block] {
        if (block->count == 0) *block = free_block(2);
        return *block;
    };
    for (const way& w : deeper_ways()) {
        const auto r = [=] { return request_for(w, some()); };
        const std::string name = w.name;
        if (is_night || !is_for_the_night(w)) {
            all.push_back({.name = "reserve_" + name, .make = [=] { return std::make_unique<reserving>(r()); }});
        }
        if (w.protocol == transport::tcp_and_udp) continue;
        const auto add = [&](const std::string& what, auto make, const char* no_memory = "") {
            all.push_back({.name = what + name, .make = make, .no_memory = no_memory, .stays = true});
        };
        add("take_", [=] { return std::make_unique<taking>(r(), draw::any); }, no_need);
        add("give_back_", [=] { return std::make_unique<giving_back>(r(), use::own); }, no_need);
        add("give_back_lent_", [=] { return std::make_unique<giving_back>(r(), use::lent); }, no_need);
        add("renew_", [=] { return std::make_unique<renewing>(r()); });
    }
    const auto udp = [=] { return request_for(all_ways()[0], some()); };
    const auto tcp = [=] { return request_for(all_ways()[3], some()); };
    const auto add = [&](const std::string& what, auto make, const char* no_calls = "", const char* no_memory = no_need) {
        all.push_back({.name = what, .make = make, .no_calls = no_calls, .no_memory = no_memory, .stays = true});
    };
    add("take_port", [=] { return std::make_unique<taking>(udp(), draw::given); });
    all.back().also = {{errc::port_taken}, "its socket did not open, so it is condemned, and no other will do"};
    add("take_pair", [=] { return std::make_unique<taking>(udp(), draw::pair); });
    add("take_run", [=] { return std::make_unique<taking>(udp(), draw::run); });
    add("give_back_exposed", [=] { return std::make_unique<giving_back>(udp(), use::exposed); }, "it is only set aside");
    add("give_back_closed", [=] { return std::make_unique<giving_back>(udp(), use::closed); });
    add("reclaim_exposed", [=] { return std::make_unique<reclaiming>(udp()); }, "", "");
    add("duplicate", [=] { return std::make_unique<duplicating>(udp()); });
    const auto add_end = [&](const std::string& what, auto make, const char* no_memory = no_need) {
        all.push_back({.name = what, .make = make, .no_calls = only_closes, .no_memory = no_memory});
    };
    add_end("release", [=] { return std::make_unique<releasing>(tcp(), false); });
    add_end("end_of_reservation", [=] { return std::make_unique<releasing>(udp(), true); });
    add_end("end_of_reservation_while_out", [=] { return std::make_unique<detaching>(udp()); }, "");
    all.push_back({.name = "query_capabilities", .make = [] { return std::make_unique<asking>(); }});
    return all;
}

BERTH_FAULTS(all_scenarios());

}  // namespace
}  // namespace berth::test
