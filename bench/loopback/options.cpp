// See options.hpp.
#include "loopback/options.hpp"

#include "contest/choose.hpp"
#include "contest/contest_flags.hpp"

namespace berth::bench {
namespace {

pace pace_of(const std::string& mode) {
    if (mode == "full") return {31, 200'000'000, 3'000'000'000, 100'000};
    if (mode == "smoke") return {2, 2'000'000, 3'000'000'000, 64};
    return {19, 35'000'000, 2'000'000'000, 100'000};
}

}  // namespace

bool read_command_line(int argc, char** argv, options& out, int& exit_code) {
    CLI::App app{
        "Measures what it costs a server to echo over loopback: bare io_uring, bare epoll, Asio and libuv take turns "
        "on one core, clients run on another. All figures of one run are comparable with each other and with nothing "
        "else."};
    contest_flags flags;
    std::vector<std::string> scenarios;
    flags.add_to(app, {"under a minute", "some six minutes", "under 5 s"}, names_of(all_contestants()), "a slice");
    app.add_option("--scenarios", scenarios, "some of: " + names_of(all_scenarios()))->delimiter(',');
    if (!contest_flags::parse(app, argc, argv, exit_code)) return false;
    out.mode = flags.mode();
    out.json = flags.json, out.html = flags.html;
    out.speed = flags.adjusted(pace_of(out.mode));
    exit_code = 2;
    return choose(all_scenarios(), scenarios, out.scenarios) &&
           choose(all_contestants(), flags.contestants, out.contestants);
}

}  // namespace berth::bench
