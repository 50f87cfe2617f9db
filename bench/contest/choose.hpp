// What a command line names, out of a table of things with names.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace berth::bench {

template <class Entry>
std::string names_of(const std::vector<Entry>& all) {
    std::string names;
    for (const Entry& entry : all) names += fmt::format("{}{}", names.empty() ? "" : ", ", entry.name);
    return names;
}

/// Those of `all` that are named, in the order of `all`; all if none is.
template <class Entry>
bool choose(const std::vector<Entry>& all, const std::vector<std::string>& named, std::vector<const Entry*>& out) {
    for (const std::string& name : named)
        if (std::none_of(all.begin(), all.end(), [&](const Entry& entry) { return entry.name == name; })) {
            fmt::print(stderr, "there is no '{}'. There are: {}\n", name, names_of(all));
            return false;
        }
    for (const Entry& entry : all)
        if (named.empty() || std::find(named.begin(), named.end(), entry.name) != named.end()) out.push_back(&entry);
    return true;
}

}  // namespace berth::bench
