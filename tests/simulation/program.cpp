// Programs: drawn, written down, read again.
#include "simulation/program.hpp"

#include "simulation/seeded_random.hpp"

#include <sstream>

namespace berth::simulation {

program draw_program(std::uint64_t seed, std::span<const step_kind> kinds, std::size_t longest) {
    seeded_random random(seed);
    std::uint32_t sum = 0;
    for (const auto& kind : kinds) sum += kind.weight;
    program p{seed, {}};
    // One in four is short: what goes wrong early is found by a program that one can read.
    const auto most = static_cast<std::uint32_t>(random.chance(250) ? longest / 8 + 1 : longest);
    p.steps.resize(1 + random.below(most));
    for (auto& s : p.steps) {
        std::uint32_t at = random.below(sum);
        while (at >= kinds[s.what].weight) at -= kinds[s.what++].weight;
        for (auto& argument : s.with) argument = static_cast<std::uint16_t>(random.below(65536));
        s.seed = static_cast<std::uint32_t>(random.next());
    }
    return p;
}

std::string told(const program& p, std::span<const step_kind> kinds) {
    std::ostringstream text;
    text << p.seed;
    for (const auto& s : p.steps) {
        text << ' ' << kinds[s.what].name << ':' << s.with[0] << ',' << s.with[1] << ',' << s.with[2] << '@'
             << s.seed;
    }
    return text.str();
}

std::string read_program(const std::string& text, std::span<const step_kind> kinds, program& out) {
    std::istringstream words(text);
    out = {};
    if (!(words >> out.seed)) return "a program begins with its seed, a number: '" + text.substr(0, 40) + "'";
    for (std::string word; words >> word;) {
        const auto colon = word.find(':');
        step s;
        while (s.what < kinds.size() && word.compare(0, colon, kinds[s.what].name) != 0) ++s.what;
        if (s.what == kinds.size()) return "no such step: '" + word + "'";
        std::istringstream numbers(colon == std::string::npos ? "" : word.substr(colon + 1));
        char comma = 0, second = 0, at = 0;
        numbers >> s.with[0] >> comma >> s.with[1] >> second >> s.with[2] >> at >> s.seed;
        if (!numbers || comma != ',' || second != ',' || at != '@') {
            return "a step is written name:number,number,number@seed, not '" + word + "'";
        }
        out.steps.push_back(s);
    }
    return {};
}

}  // namespace berth::simulation
