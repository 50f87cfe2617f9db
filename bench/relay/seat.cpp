// See seat.hpp.
#include "relay/seat.hpp"

#include "contest/measured_slice.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

namespace berth::bench {
namespace {

constexpr nanoseconds rest_of_a_port = 1'200'000'000;  // coturn: 1.0 s after Refresh 0, seen on 4.6.1
constexpr unsigned window_of_preparations = 32;

}  // namespace

seat::seat(const turn_entry& entry, const relay_scene& what, const turn_order& order, const account& who, int core,
           nanoseconds patience)
    : what_(&what),
      server_(words_for(entry, order, who), order, who, core,
              entry.is_berth ? words_of_child::errors_alone : words_of_child::dropped),
      clients_(order.port, who, patience),
      free_ports_(order.relay_ports) {
    const std::uint32_t taken = order.relay_ports * what.occupancy / 100;
    if (what.work == relay_work::pairs)
        fill_with_pairs(taken / 2);
    else if (taken > 0)
        fill(taken);
    if (what.work != relay_work::media) return;
    const client_range talkers = challenged(what.clients);
    if (clients_.allocate(talkers).done != what.clients) throw std::runtime_error("allocations refused");
    media_ = std::make_unique<media>(clients_, talkers, what.size, what.window);
}

client_range seat::challenged(std::uint32_t count) {
    const client_range who = clients_.newcomers(count);
    clients_.set_window(window_of_preparations);
    if (clients_.challenge(who).done != count) throw std::runtime_error("it did not challenge");
    return who;
}

void seat::fill(std::uint32_t ports) {
    const exchange_outcome filled = clients_.allocate(challenged(ports));
    if (filled.done != ports) throw std::runtime_error("it did not give its ports: " + filled.complaints());
    free_ports_ -= ports;
}

void seat::fill_with_pairs(std::uint32_t pairs) {
    const client_range firsts = challenged(pairs), seconds = challenged(pairs);
    const exchange_outcome first = clients_.allocate(firsts, true);
    const exchange_outcome second = clients_.claim(firsts, seconds);
    if (first.done + second.done != 2 * std::uint64_t{pairs})
        throw std::runtime_error("it did not give its pairs: " + first.complaints() + second.complaints());
    free_ports_ -= 2 * pairs;
}

void seat::wait_for_ports(std::uint32_t wanted) {
    std::uint32_t away = 0;
    for (const released& r : resting_) away += r.ports;
    while (!resting_.empty() && away + wanted > free_ports_ / 4 * 3) {
        while (now() - resting_.front().at < rest_of_a_port) ::usleep(2000);
        away -= resting_.front().ports;
        resting_.pop_front();
    }
}

void seat::end_of(client_range who, std::uint32_t ports) {
    clients_.set_window(window_of_preparations);
    (void)clients_.release(who);
    resting_.push_back({now(), ports});
}

seat::outcome seat::note(const exchange_outcome& one) {
    outcome sum{one.done, 0};
    for (const auto& [number, times] : one.refused) {
        seen_.refused[number] += times;
        sum.lost += times;
    }
    return sum;
}

seat::outcome seat::work(client_range who, client_range seconds, recorder& latency) {
    clients_.set_window(what_->window);
    if (what_->work == relay_work::ping) return note(clients_.ping(who, &latency));
    if (what_->work == relay_work::allocate) return note(clients_.allocate(who, false, &latency));
    if (what_->work == relay_work::pairs) {
        const outcome first = note(clients_.allocate(who, true, &latency));
        const outcome second = note(clients_.claim(who, seconds, &latency));
        return {first.done, first.lost + second.lost};
    }
    (void)clients_.challenge(who);
    const outcome sum = note(clients_.allocate(who, false, &latency));
    (void)clients_.release(who);
    return sum;
}

slice_figures seat::slice(nanoseconds duration) {
    if (media_) return measure_slice(server_.process(), [&](recorder& r) { return media_->run(duration, r); });
    const bool is_pairs = what_->work == relay_work::pairs;
    const std::uint32_t ports_each = is_pairs ? 2 : 1;
    std::vector<client_range> crews, seconds;
    const std::uint32_t ports = what_->clients * what_->repetitions * ports_each;
    wait_for_ports(ports);
    const bool is_known = what_->work == relay_work::allocate || is_pairs;
    for (unsigned i = 0; i < what_->repetitions; ++i) {
        crews.push_back(is_known ? challenged(what_->clients) : clients_.newcomers(what_->clients));
        seconds.push_back(is_pairs ? challenged(what_->clients) : client_range{crews.back().first, 0});
    }
    server_.process().settle();
    const slice_figures figures = measure_slice(server_.process(), [&](recorder& latency) {
        outcome sum;
        for (std::size_t i = 0; i < crews.size(); ++i) {
            const outcome one = work(crews[i], seconds[i], latency);
            sum.done += one.done;
            sum.lost += one.lost;
        }
        return sum;
    });
    for (std::size_t i = 0; i < crews.size() && is_known; ++i) {
        end_of(crews[i], crews[i].count);
        if (is_pairs) end_of(seconds[i], seconds[i].count);
    }
    if (what_->work == relay_work::session) resting_.push_back({now(), ports});
    return figures;
}

}  // namespace berth::bench
