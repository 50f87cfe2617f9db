// A service of a stranger's, against the installed package: options, log, metrics, and an end at once.
#include <berth/service/service.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
    berth::service::program program("consumer", "A service of a stranger's", "1.0");
    std::string name = "nobody";
    program.options().add_option("--name", name, "Who");
    if (const auto code = program.parse(argc, argv)) return *code;
    return berth::service::run(program, [&](berth::service::service& s) {
        s.log().info("hello", {{"name", name}});
        s.drain().begin();
        std::printf("consumer of service: %zu bytes of metrics\n", s.metrics().text().size());
        return 0;
    });
}
