// Prometheus' text format: each line is a sample, or passed over, or named; what was read, written again, is the
// same.
#include "fuzz/fuzz.hpp"

#include "top/exposition.hpp"
#include "top/figures.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace {

using namespace berth::top;

std::string written(const sample& s) {
    std::string out = s.name + "{";
    for (const auto& [key, value] : s.with) {
        out += key + "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"' || c == '\n') out += '\\';
            out += c == '\n' ? 'n' : c;
        }
        out += "\",";
    }
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, s.value);
    return out + "} " + std::string(number, end.ptr) + "\n";
}

bool is_name(std::string_view text, bool colon) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               (colon && c == ':');
    });
}

bool is_share(std::optional<double> value) { return !value || !std::isnan(*value); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using berth::fuzz::require;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto read = parse(text);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    require(read.samples.size() + read.bad_count <= lines, "a line is one thing");
    require(read.first_bad.has_value() == (read.bad_count > 0), "what is bad is named");
    if (read.first_bad)
        require(read.first_bad->number >= 1 && read.first_bad->number <= lines, "a line that is there");
    std::string again;
    for (const sample& s : read.samples) {
        require(is_name(s.name, true), "a metric's name");
        for (const auto& [key, value] : s.with) require(is_name(key, false), "a label's name");
        again += written(s);
    }
    const auto same = parse(again);
    require(same.bad_count == 0 && same.samples.size() == read.samples.size(), "written again, all are samples");
    for (std::size_t i = 0; i < same.samples.size(); ++i) {
        const sample &a = read.samples[i], &b = same.samples[i];
        require(a.name == b.name && a.with == b.with, "the same name and labels");
        require(a.value == b.value || (std::isnan(a.value) && std::isnan(b.value)), "the same value");
    }
    for (const auto& [name, block] : figures_of(read).blocks) {
        require(block.total >= 0, "ports are counted");
        for (const double count : block.ports) require(count >= 0 && count <= block.total, "a part of all");
        require(is_share(quantile(block.take_seconds, 0.5)) && is_share(quantile(block.take_seconds, 0.99)),
                "a time");
    }
    return 0;
}
