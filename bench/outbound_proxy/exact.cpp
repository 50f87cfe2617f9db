// See exact.hpp.
#include "outbound_proxy/exact.hpp"

#include "measure/clock.hpp"
#include "outbound_proxy/contestant.hpp"
#include "outbound_proxy/crowd.hpp"
#include "outbound_proxy/destinations.hpp"

#include <fmt/format.h>

#include <thread>

namespace berth::bench {
namespace {

class expectations {
public:
    void expect(bool holds, const std::string& what) {
        if (holds) return;
        fmt::print(stderr, "does not hold: {}\n", what);
        failed_ = true;
    }
    [[nodiscard]] int code() const noexcept { return failed_ ? 1 : 0; }

private:
    bool failed_ = false;
};

}  // namespace

int show_exactness(const exact_options& o) {
    expectations e;
    const std::uint32_t all = o.ports * o.destinations;
    destinations there(o.destinations);
    const std::uint16_t first = quiet_ports(o.ports), door = quiet_ports(1);
    const int refusal = o.words == speech::socks5 ? 1 : 503;
    contestant proxy("outbound_proxy",
                     {o.proxy, "--listen", fmt::format("127.0.0.1:{}", door), "--source",
                      fmt::format("127.0.0.1:{}-{}/{}", first, first + o.ports - 1, o.destinations), "--allow",
                      "loopback", "--http-ports", "1-65535", "--log-level", "warning"},
                     {o.words, {door}});
    crowd clients(proxy.at(), there.ports());

    const nanoseconds begun = now();
    const auto opened = clients.open(o.ports);
    const double seconds = static_cast<double>(now() - begun) / 1e9;
    seen s = there.look(first, o.ports);
    fmt::print("{} ports, {} destinations: {} of {} connections up in {:.2f} s\n", o.ports, o.destinations, opened.up,
               all, seconds);
    fmt::print("at the destinations: {} open, {} from the block, {} different ports, {} twice\n", s.open, s.of_block,
               s.ports, s.twice);
    for (const auto& [status, count] : opened.refused) fmt::print("refused with {}: {}\n", status, count);
    e.expect(opened.up == all, "each tuple is connected");
    e.expect(s.open == all && s.of_block == all, "each connection comes from the block");
    e.expect(s.ports == o.ports && s.twice == 0, "each port is connected to each destination, once");

    for (std::size_t d = 0; d < o.destinations; d += 9) {
        const auto more = clients.one(d, false);
        e.expect(more.status == refusal,
                 fmt::format("one more to destination {} is refused with {}, and not {}", d, refusal, more.status));
    }
    const std::size_t away = o.destinations;
    clients.close_one_of_each();
    for (int i = 0; i < 500 && there.look(first, o.ports).open != all - away; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // what the proxy has to do after that
    const auto again = clients.open(1);
    s = there.look(first, o.ports);
    fmt::print("{} closed and as many opened again: {} up, {} open, {} twice\n", away, again.up, s.open, s.twice);
    for (const auto& [status, count] : again.refused) fmt::print("refused with {}: {}\n", status, count);
    e.expect(again.up == away && s.of_block == all && s.twice == 0, "what is given back is there again");
    clients.close_all();
    for (int i = 0; i < 500 && there.look(first, o.ports).open != 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    e.expect(there.look(first, o.ports).open == 0, "nothing is left open");
    e.expect(proxy.stop() == 0, "the proxy ends by itself when it is asked to");
    return e.code();
}

}  // namespace berth::bench
