// relay_load PORT USER REALM PASSWORD: honest calls through a relay that is there already, and newcomers who allocate
// and leave, until SIGTERM. For soaks; says at its end what arrived.
#include "relay/calls.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>

namespace {

using namespace berth::bench;

constexpr nanoseconds one_second = 1'000'000'000;
constexpr nanoseconds permission = 280 * one_second;  // a permission lasts five minutes, and is not renewed here
constexpr std::uint32_t callers = 20;

volatile std::sig_atomic_t is_over = 0;

struct totals {
    std::uint64_t sent = 0, arrived = 0, tried = 0, made = 0;
};

void newcomer(turn_clients& clients, totals& all) {
    ++all.tried;
    try {
        const client_range who = clients.newcomers(1);
        all.made +=
            clients.challenge(who).done == 1 && clients.allocate(who).done == 1 && clients.release(who).done == 1;
    } catch (const server_silent&) {
    }
}

void talk(std::uint16_t port, const account& who, totals& all) {
    calls some(port, who, callers);
    turn_clients guests(port, who, 2 * one_second);
    some.start_counting();
    const nanoseconds begun = now();
    for (nanoseconds next = begun; is_over == 0 && now() - begun < permission;) {
        some.turn();
        if (now() >= next) {
            newcomer(guests, all);
            next = now() + one_second / 20;
        }
        ::usleep(1000);
    }
    some.hang_up();
    all.sent += some.sent(), all.arrived += some.arrived();
}

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    if (argc == 5) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port);
    if (port == 0) return fmt::print(stderr, "relay_load PORT USER REALM PASSWORD\n"), 2;
    std::signal(SIGTERM, [](int) { is_over = 1; });
    totals all;
    try {
        while (is_over == 0) talk(port, account(argv[2], argv[3], argv[4]), all);
    } catch (const std::exception& problem) {
        fmt::print(stderr, "relay_load: {}\n", problem.what());
        return 1;
    }
    fmt::print("{} of {} datagrams of calls arrived, {} of {} newcomers allocated\n", all.arrived, all.sent, all.made,
               all.tried);
    return all.made * 100 >= all.tried * 95 && all.arrived * 100 >= all.sent * 90 ? 0 : 1;
}
