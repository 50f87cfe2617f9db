// See options.hpp.
#include "relay/options.hpp"

#include "contest/choose.hpp"
#include "contest/contest_flags.hpp"

namespace berth::bench {
namespace {

relay_pace pace_of(const std::string& mode) {
    if (mode == "full") return {41, 200'000'000, 3'000'000'000, 8000};
    if (mode == "smoke") return {2, 3'000'000, 3'000'000'000, 4000};
    return {15, 60'000'000, 2'000'000'000, 8000};
}

}  // namespace

bool read_relay_command_line(int argc, char** argv, relay_options& out, int& exit_code) {
    CLI::App app{
        "Measures a TURN server, berth's relay beside coturn: allocations, how long they take while the ports run "
        "out, "
        "and relayed datagrams. Servers take turns on one core, all clients and peers run on another. All figures of "
        "one run are comparable with each other and with nothing else."};
    contest_flags flags;
    bool no_namespace = false;
    std::uint32_t ports = 0;
    std::vector<std::string> scenes;
    flags.add_to(app, {"a minute or two", "some ten minutes", "seconds"}, names_of(all_turn_servers()),
                 "a slice of media");
    app.add_option("--scenes", scenes, "some of: " + names_of(all_relay_scenes()))->delimiter(',');
    app.add_option("--ports", ports, "relayed ports of each server")->check(CLI::Range(1000, 8000));
    app.add_flag("--no-namespace", no_namespace, "on the machine's own ports");
    if (!contest_flags::parse(app, argc, argv, exit_code)) return false;
    out.mode = flags.mode();
    out.json = flags.json, out.html = flags.html;
    out.speed = flags.adjusted(pace_of(out.mode));
    if (ports > 0) out.speed.ports = ports;
    out.own_namespace = !no_namespace;
    auto contestants = flags.contestants;
    if (out.mode == "smoke" && scenes.empty()) scenes = {"allocate", "voice_50"};
    if (out.mode == "smoke" && contestants.empty()) contestants = {"coturn", "berth"};
    exit_code = 2;
    return choose(all_relay_scenes(), scenes, out.scenes) && choose(all_turn_servers(), contestants, out.contestants);
}

}  // namespace berth::bench
