// What a run found, before anybody prints it: table, JSON and page are three views of this one value.
#pragma once

#include "measure/ratio.hpp"
#include "report/machine.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

/// The figure that contestants are compared by.
enum class headline : std::uint8_t { processor_time, median_latency, tail_latency, memory };

struct shown_contestant {
    std::string_view name;   // in JSON
    std::string_view label;  // for people
    int colour = 0;          // of the page: 0 to 5 for others, 6 to 9 for berth
};

struct shown_scene {
    std::string_view name;     // in JSON
    std::string_view meaning;  // one sentence: what happens
    std::string_view unit;     // of work: "request"
    std::size_t size = 0;      // bytes of a message
    unsigned connections = 1;  // that were wanted
};

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
    shown_contestant shown;
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
    shown_scene what;
    std::string title;
    headline figure = headline::processor_time;
    unsigned connections = 0;  // as many as the descriptors allowed
    std::vector<contestant_result> contestants;
};

/// What a ratio was to be, and whether it was.
struct target_result {
    std::string what;      // "TCP echo, 64 B, 50 connections: berth, its own calls"
    std::string goal;      // "at most 1.03x raw io_uring"
    std::string measured;  // "1.01x (0.99..1.03), A/A 1.00"
    bool is_reached = false;
};

struct report {
    std::string program;   // "loopback"
    std::string question;  // that its page answers
    machine_facts where;
    std::string mode;
    int server_core = 0, load_core = 0;
    std::size_t rounds = 0;
    double slice_seconds = 0;
    double seconds = 0;
    std::vector<scene_result> scenes;
    std::vector<target_result> targets;
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
