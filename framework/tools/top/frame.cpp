// See frame.hpp.
#include "frame.hpp"

#include "shown_text.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace berth::top {
namespace {

constexpr std::size_t bar_size = 20;

std::string clock_of(std::chrono::system_clock::time_point at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
    const std::chrono::hh_mm_ss time(seconds - std::chrono::floor<std::chrono::days>(seconds));
    return fmt::format("{:02}:{:02}:{:02} UTC", time.hours().count(), time.minutes().count(), time.seconds().count());
}

piece optional_piece(const std::optional<double>& value, std::string (*as)(double)) {
    return value ? piece{as(*value)} : piece{"-", paint::soft};
}

// Of whoever uses a part of it something is seen, however small the part: the ends are rounded up.
std::string bar_of(const block_figures& b) {
    const double parts[] = {b.ports[1] + b.ports[2], b.ports[3] + b.ports[4], b.ports[5]};
    constexpr char letters[] = {'#', '~', '!'};
    std::string out;
    double sum = 0;
    for (std::size_t i = 0; i < std::size(parts); ++i) {
        sum += parts[i];
        const double end = b.total > 0 ? std::ceil(bar_size * std::min(sum / b.total, 1.0)) : 0;
        if (static_cast<double>(out.size()) < end) out.resize(static_cast<std::size_t>(end), letters[i]);
    }
    out.resize(bar_size, '.');
    return out;
}

piece state_piece(std::size_t state, double count) {
    if (count == 0) return {"0", paint::soft};
    const paint how = state == 0 ? paint::good : state < 3 ? paint::strong : state < 5 ? paint::busy : paint::bad;
    return {fmt_count(count), how};
}

// The earlier figures of the same name, and the seconds between.
struct earlier {
    const endpoint_view& of;
    [[nodiscard]] double seconds() const {
        return of.before ? std::chrono::duration<double>(of.now->at - of.before->at).count() : 0;
    }
    template <class Figures>
    [[nodiscard]] std::optional<double> rate_of(const std::map<std::string, Figures> figures::*in,
                                                const std::string& name, std::optional<double> Figures::*what) const {
        if (!of.before) return std::nullopt;
        const auto& now = of.now->said.*in;
        const auto& then = of.before->said.*in;
        const auto found = then.find(name);
        if (found == then.end()) return std::nullopt;
        return rate(found->second.*what, now.at(name).*what, seconds());
    }
};

table blocks_of(const endpoint_view& view) {
    table out({{"BLOCK", 0, true},
               {"PORTS", 1},
               {"AVAIL", 0},
               {"TAKEN", 8},
               {"OPEN", 0},
               {"DRAIN", 7},
               {"COOL", 2},
               {"COND", 4},
               {"TAKES/S", 3},
               {"EXHAUSTED", 8},
               {"P50", 6},
               {"P99", 5},
               {"#out ~resting !condemned", 9, true}});
    for (const auto& [name, block] : view.now->said.blocks) {
        std::vector<piece> row{{shown(name), paint::strong}, {fmt_count(block.total)}};
        for (std::size_t i = 0; i < block.ports.size(); ++i) row.push_back(state_piece(i, block.ports[i]));
        row.push_back(optional_piece(earlier{view}.rate_of(&figures::blocks, name, &block_figures::takes), fmt_rate));
        row.push_back(optional_piece(block.exhausted, fmt_count));
        if (block.exhausted.value_or(0) > 0) row.back().how = paint::bad;
        row.push_back(optional_piece(quantile(block.take_seconds, 0.5), fmt_seconds));
        row.push_back(optional_piece(quantile(block.take_seconds, 0.99), fmt_seconds));
        row.push_back({bar_of(block)});
        out.add(std::move(row));
    }
    return out;
}

table servers_of(const endpoint_view& view) {
    table out({{"SERVER", 0, true}, {"CONNECTIONS", 0}, {"ACCEPTS/S", 1}, {"ACCEPTED", 2}, {"REFUSED", 2}});
    for (const auto& [name, server] : view.now->said.servers) {
        out.add({{shown(name), paint::strong},
                 optional_piece(server.connections, fmt_count),
                 optional_piece(earlier{view}.rate_of(&figures::servers, name, &server_figures::accepted), fmt_rate),
                 optional_piece(server.accepted, fmt_count),
                 optional_piece(server.refused, fmt_count)});
    }
    return out;
}

table kept_of(const figures& said) {
    table out({{"PERSISTENT BLOCK", 0, true}, {"PORTS", 1}, {"OUT", 0}, {"CONSUMERS", 2}, {"STATE", 0, true}});
    for (const auto& [name, kept] : said.kept) {
        out.add({{shown(name), paint::strong},
                 {fmt_count(kept.ports)},
                 {fmt_count(kept.out)},
                 {fmt_count(kept.consumers)},
                 kept.is_held ? piece{"held", paint::good} : piece{"not held", paint::bad}});
    }
    return out;
}

std::string backends_of(const figures& said) {
    std::string out;
    for (const auto& b : said.backends) {
        if (!out.empty()) out += "; ";
        out += shown(b.name);
        if (b.shards) out += fmt::format(", {} shard{}", fmt_count(*b.shards), *b.shards == 1 ? "" : "s");
    }
    return out;
}

void add_words(std::vector<line>& out, const std::string& words, paint how, std::size_t width) {
    for (const auto& one : wrapped(words, width > 2 ? width - 2 : 1)) out.push_back({{"  " + one, how}});
}

void add_endpoint(std::vector<line>& out, const endpoint_view& view, std::size_t width,
                  std::chrono::system_clock::time_point now) {
    line head{{shown(view.name), paint::strong}};
    if (!view.problem.empty()) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - view.gone_since).count();
        head.push_back({fmt::format("  {} since {} ({})", view.now ? "gone" : "no answer", clock_of(view.gone_since),
                                    fmt_age(age)),
                        paint::bad});
        out.push_back(std::move(head));
        return add_words(out, shown(view.problem), paint::bad, width);
    }
    if (!view.now) {
        head.push_back({"  not heard from yet", paint::soft});
        out.push_back(std::move(head));
        return;
    }
    const figures& said = view.now->said;
    if (!said.backends.empty()) head.push_back({"  " + backends_of(said)});
    if (said.is_draining) head.push_back({"  draining", paint::busy});
    out.push_back(std::move(head));
    if (said.daemon)
        add_words(
            out,
            fmt::format("{} blocks, {} held; {} ports, {} out with {} consumers", fmt_count(said.daemon->blocks),
                        fmt_count(said.daemon->held), fmt_count(said.daemon->ports), fmt_count(said.daemon->out),
                        fmt_count(said.daemon->consumers)),
            paint::plain, width);
    for (const auto& b : said.backends)  // of the best one the reason is that it is there
        if (b.name != "io_uring" && !b.reason.empty()) add_words(out, shown(b.reason), paint::soft, width);
    if (said.first_bad) {
        std::string what = fmt::format("line {}: {}", said.first_bad->number, words_of(said.first_bad->error));
        if (said.bad_count > 1) what += fmt::format(" (and {} more lines)", said.bad_count - 1);
        add_words(out, what, paint::bad, width);
    }
    if (said.blocks.empty() && said.servers.empty() && said.backends.empty() && !said.daemon)
        out.push_back({{"  it exposes nothing of berth's", paint::soft}});
    for (const table& t : {blocks_of(view), servers_of(view), kept_of(said)}) {
        if (t.is_empty()) continue;
        for (auto& one : t.lines(width)) out.push_back(std::move(one));
    }
}

}  // namespace

void note(endpoint_view& view, reading got) {
    view.before = view.problem.empty() ? std::move(view.now) : std::nullopt;
    view.now = std::move(got);
    view.problem.clear();
}

void note(endpoint_view& view, std::string problem, std::chrono::system_clock::time_point when) {
    if (view.problem.empty()) view.gone_since = when;
    view.problem = problem.empty() ? "gone" : std::move(problem);
}

std::vector<std::string> frame(std::span<const endpoint_view> endpoints, const look& how,
                               std::chrono::system_clock::time_point now) {
    std::vector<line> lines;
    line title{{"berth top", paint::strong}, {"  " + clock_of(now)}};
    if (how.is_live) title.push_back({"  q quits", paint::soft});
    lines.push_back(std::move(title));
    for (const auto& view : endpoints) {
        lines.push_back({});
        add_endpoint(lines, view, how.width, now);
    }
    const std::size_t all = lines.size();
    if (how.height != 0 && all > how.height) {
        lines.resize(how.height - 1);
        lines.push_back({{fmt::format("{} more lines", all - how.height + 1), paint::soft}});
    }
    std::vector<std::string> out;
    out.reserve(lines.size());
    for (const line& one : lines) out.push_back(render(one, how.width, how.colours));
    return out;
}

}  // namespace berth::top
