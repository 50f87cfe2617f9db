// See siege.hpp.
#include "relay/siege.hpp"

#include "measure/distribution.hpp"
#include "process/cores.hpp"
#include "relay/calls.hpp"
#include "relay/certificate_files.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace berth::bench {
namespace {

constexpr std::uint32_t honest_calls = 20;
constexpr std::uint32_t relay_ports = 1000;
constexpr nanoseconds one_second = 1'000'000'000;

/// One who comes, allocates and leaves, again and again.
class newcomers {
public:
    newcomers(std::uint16_t port, const account& who) : clients_(port, who, 2 * one_second) {}
    void one() {
        ++tried_;
        try {
            const client_range who = clients_.newcomers(1);
            made_ += clients_.challenge(who).done == 1 && clients_.allocate(who).done == 1 &&
                     clients_.release(who).done == 1;
        } catch (const server_silent&) {
        }
    }
    [[nodiscard]] std::uint64_t tried() const { return tried_; }
    [[nodiscard]] std::uint64_t made() const { return made_; }

private:
    turn_clients clients_;
    std::uint64_t tried_ = 0, made_ = 0;
};

void go_on(calls& honest, newcomers& guests, besieger* attack, nanoseconds duration) {
    constexpr nanoseconds tick = 1'000'000, between_newcomers = 50'000'000;
    const nanoseconds start = now();
    nanoseconds next_guest = start;
    for (nanoseconds at = start; at - start < duration; at = now()) {
        honest.turn();
        if (attack != nullptr) attack->turn(at - start);
        honest.turn();
        if (at >= next_guest) {
            guests.one();
            next_guest = at + between_newcomers;
        }
        if (const nanoseconds spent = now() - at; spent < tick)
            ::usleep(static_cast<useconds_t>((tick - spent) / 1000));
    }
}

struct size_of_server {
    std::int64_t bytes, descriptors;
};

size_of_server measure(turn_server& server) {
    return {static_cast<std::int64_t>(server.process().anonymous_bytes()),
            static_cast<std::int64_t>(server.process().descriptors())};
}

/// Ports rest for a second, connections end by themselves: the smallest that it comes to within some seconds.
size_of_server come_to_rest(turn_server& server, calls& honest, newcomers& guests, std::int64_t wanted) {
    size_of_server size = measure(server);
    for (int i = 0; i < 40 && size.descriptors > wanted; ++i) {
        go_on(honest, guests, nullptr, one_second / 10);
        size = measure(server);
    }
    return size;
}

}  // namespace

std::vector<std::string> run_siege(const siege_entry& what, double seconds, const siege_bounds& most) {
    const account honest("honest", "berth.example", "of no importance");
    const turn_order order{free_port(), 0, relay_ports};
    const std::uint16_t tls_port = free_port();
    const turn_entry berth{"berth", "berth's relay", 8, true, what.arguments};
    std::vector<std::string> words = words_for(berth, order, honest);
    const certificate_files files;
    words.insert(words.end(), {fmt::format("--tls-listen=127.0.0.1:{}", tls_port),
                               "--certificate=" + files.certificate, "--key=" + files.key});
    turn_server server(words, order, honest, choose_cores().server, words_of_child::errors_alone);
    stay_on(choose_cores().load);
    calls talk(order.port, honest, honest_calls);
    newcomers guests(order.port, honest);
    const siege_ground ground{server, tls_port, honest};

    auto first = what.begin(ground);
    go_on(talk, guests, first.get(), static_cast<nanoseconds>(what.warm_up * 1e9));
    first.reset();
    go_on(talk, guests, nullptr, one_second + one_second / 5);
    const size_of_server before = measure(server);

    talk.start_counting();
    auto attack = what.begin(ground);
    go_on(talk, guests, attack.get(), static_cast<nanoseconds>(std::max(seconds, what.shortest) * 1e9));
    const std::string deeds = attack->deeds(), complaint = attack->complaint();
    talk.hang_up();
    const std::uint64_t sent = talk.sent(), arrived = talk.arrived();
    std::vector<std::uint32_t> samples;
    talk.latency().pour_into(samples);
    const distribution waited = summarize(std::move(samples));
    attack.reset();
    const size_of_server after = come_to_rest(server, talk, guests, before.descriptors + most.descriptors);

    const double lost = 1 - static_cast<double>(arrived) / static_cast<double>(std::max<std::uint64_t>(sent, 1));
    const std::int64_t bytes = after.bytes - before.bytes, descriptors = after.descriptors - before.descriptors;
    fmt::print("{}: {}\n", what.name, what.meaning);
    fmt::print("  the besieger:      {}\n", deeds);
    fmt::print("  honest datagrams:  {} sent, {} arrived ({:.2f} % lost), p50 {}, p99 {}\n", sent, arrived,
               lost * 100, fmt_time(waited.p50), fmt_time(waited.p99));
    fmt::print("  newcomers:         {} of {} allocated\n", guests.made(), guests.tried());
    fmt::print("  left behind:       {:+.1f} kB of {:.1f} MB, {:+} of {} descriptors\n",
               static_cast<double>(bytes) / 1e3, static_cast<double>(before.bytes) / 1e6, descriptors,
               before.descriptors);

    std::vector<std::string> wrong;
    if (!complaint.empty()) wrong.push_back(complaint);
    if (sent < honest_calls) wrong.push_back("honest clients hardly spoke");
    if (lost > most.lost) wrong.push_back(fmt::format("{:.2f} % of honest datagrams lost", lost * 100));
    if (waited.p99 > static_cast<double>(most.p99)) wrong.push_back("honest datagrams took too long");
    if (guests.made() != guests.tried()) wrong.push_back("newcomers were kept out");
    if (bytes > most.memory) wrong.push_back(fmt::format("{} bytes of memory stay", bytes));
    if (descriptors > most.descriptors) wrong.push_back(fmt::format("{} descriptors stay", descriptors));
    if (!server.process().is_running()) wrong.push_back("the relay is dead");
    return wrong;
}

}  // namespace berth::bench
