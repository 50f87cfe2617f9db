// What a run found, before anybody prints it: table, JSON and page are three views of this one value.
#pragma once

#include "loopback/registry.hpp"
#include "loopback/scenario.hpp"
#include "measure/ratio.hpp"
#include "report/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::bench {

/// One turn of one contestant.
struct slice_figures {
    double units = 0;                                   // requests, connections or datagrams
    double lost = 0;                                    // datagrams without an answer
    double seconds = 0;                                 // that it lasted
    double server_ns = 0;                               // processor time of the server in it
    double server_waited_ns = 0, client_waited_ns = 0;  // ready, but another program had the core
    double p50 = 0, p99 = 0;                            // nanoseconds that a client waited
};

struct contestant_result {
    const contestant_entry* entry = nullptr;
    std::vector<std::optional<slice_figures>> rounds;  // nothing: it had failed by then
    std::string reason;                                // why it did not run, or stopped
    bool failed = false;                               // and that is not to be expected of it
    double bytes = 0;                                  // user memory per connection, headline::memory alone

    // From the rounds, by finish(): lower quartiles; 0 if there are none.
    double figure = 0;  // nanoseconds, or bytes
    ratio_estimate ratio;
    double server_ns = 0, p50 = 0, p99 = 0;
    double units_per_second = 0, lost_share = 0;  // of all rounds together
    double busy = 0;                              // share of its core that the server used
};

/// One table: the same load on all that take part, compared by one figure.
struct scene_result {
    const scenario* what = nullptr;
    std::string title;
    headline figure = headline::processor_time;
    unsigned connections = 0;  // as many as the descriptors allowed
    std::vector<contestant_result> contestants;
};

struct report {
    machine_facts where;
    std::string mode;
    int server_core = 0, load_core = 0;
    std::size_t rounds = 0;
    double slice_seconds = 0;
    double seconds = 0;
    std::vector<scene_result> scenes;
};

/// Fills in all that follows from the rounds; the first contestant with figures is the yardstick of the ratios.
void finish(scene_result& scene);

/// Its figure in every round, in order; not a number where it has none.
[[nodiscard]] std::vector<double> figures_of(headline what, const contestant_result& c);

/// The contestant that ratios of this scene are against; nothing if none ran.
[[nodiscard]] const contestant_result* yardstick(const scene_result& scene);

/// Share of all slices that the servers, or the clients if that is more, waited for their core.
[[nodiscard]] double waited_share(const report& r);

/// A figure of this scene as people read it: "3.21 us", "80 B".
[[nodiscard]] std::string fmt_figure(const scene_result& scene, double figure);

/// What the figure is: "processor time per request", "time to an echo, median" ...
[[nodiscard]] std::string figure_name(const scene_result& scene);

}  // namespace berth::bench
