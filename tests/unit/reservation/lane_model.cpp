// The specification's verbs; see lane_model.hpp.
#include "lane_model.hpp"

#include <algorithm>
#include <stdexcept>

namespace berth::test {
namespace {

// The drawing, one letter a state. Without a rest `cooling` takes no time; release ends every state.
bool is_arrow(place from, place to) {
    static const std::vector<std::string> arrows = {"ua", "at", "to", "od", "dc", "da", "ca", "cc",
                                                    "xa", "xc", "tx", "ox", "dx", "cx", "ax", "oD"};
    if (to == place::unreserved) return true;
    const std::string arrow{static_cast<char>(from), static_cast<char>(to)};
    return std::find(arrows.begin(), arrows.end(), arrow) != arrows.end();
}

}  // namespace

lane_model::lane_model(std::uint32_t count, std::uint16_t first, bool rests)
    : ports(count), first_(first), rests_(rests) {
    for (std::uint32_t i = 0; i < count; ++i) step(i, place::available);
}

void lane_model::step(std::uint32_t i, place to) {
    auto& p = ports[i];
    if (!is_arrow(p.at, to)) {
        throw std::logic_error(std::string("no arrow from ") + static_cast<char>(p.at) + " to " +
                               static_cast<char>(to));
    }
    if (to == place::condemned) ++condemned;
    p.at = to;
}

std::vector<std::uint32_t> lane_model::available() const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        if (ports[i].at == place::available) out.push_back(i);
    }
    return out;
}

void lane_model::wake() {
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        auto& p = ports[i];
        if (p.at != place::cooling || !p.due) continue;
        step(i, p.noisy ? place::cooling : place::available);
        p.due = p.noisy = false;
    }
}

model_draw lane_model::draw(bool may_look) {
    if (released) return {errc::reservation_released, {}};
    wake();
    if (available().empty() && may_look) reclaim(true);
    auto free = available();
    return {free.empty() ? errc::block_exhausted : errc{}, free};
}

model_draw lane_model::draw_given(std::uint32_t i) {
    if (released) return {errc::reservation_released, {}};
    wake();
    if (ports[i].at != place::available) reclaim(true);
    if (ports[i].at != place::available) return {errc::port_taken, {}};
    return {errc{}, {i}};
}

model_draw lane_model::draw_pair(bool may_look) {
    if (released) return {errc::reservation_released, {}};
    const auto whole = [&] {
        std::vector<std::uint32_t> out;
        for (std::uint32_t i = first_ % 2; i + 1 < ports.size(); i += 2) {
            if (ports[i].at == place::available && ports[i + 1].at == place::available) out.push_back(i);
        }
        return out;
    };
    wake();
    if (whole().empty() && may_look) reclaim(true);
    auto pairs = whole();
    return {pairs.empty() ? errc::block_exhausted : errc{}, pairs};
}

void lane_model::drawn(std::uint32_t i) {
    step(i, place::taken);
    step(i, place::open);
    ++takes;
}

void lane_model::fails_open(std::uint32_t i) {
    step(i, place::taken);
    step(i, place::condemned);
}

void lane_model::rest(std::uint32_t i) {
    step(i, rests_ ? place::cooling : place::available);
    ports[i].due = ports[i].noisy = false;
}

void lane_model::settle(std::uint32_t i, bool condemns) {
    if (condemns) {
        step(i, place::condemned);
    } else {
        rest(i);
    }
}

void lane_model::give_back(std::uint32_t i, bool condemns) {
    auto& p = ports[i];
    if (p.at == place::detached) {
        step(i, place::unreserved);
        return;
    }
    step(i, place::draining);
    if (p.exposed) {
        p.exposed = false;  // and waits until nobody names it
    } else {
        settle(i, condemns);
    }
}

void lane_model::lose(std::uint32_t i) {
    ports[i].exposed = ports[i].named = false;
    step(i, ports[i].at == place::detached ? place::unreserved : place::condemned);
}

void lane_model::look_for_closed(bool park_condemns) {
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        auto& p = ports[i];
        if (p.named || !(p.at == place::draining || (p.at == place::open && p.with_caller))) continue;
        if (p.at == place::open) step(i, place::draining);
        p.with_caller = false;
        settle(i, p.queue || park_condemns);
    }
}

void lane_model::reclaim(bool renew_works, bool park_condemns) {
    if (released) return;
    wake();
    look_for_closed(park_condemns);
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        if (ports[i].at != place::condemned || !renew_works) continue;
        ports[i].queue = false;
        rest(i);
    }
}

void lane_model::caller_closed(std::uint32_t i) {
    auto& p = ports[i];
    if (released || p.at != place::open || !p.with_caller) return;
    step(i, place::draining);
    p.with_caller = false;
    look_for_closed(false);  // one look serves all
}

void lane_model::release() {
    for (std::uint32_t i = 0; i < ports.size(); ++i) {
        const bool workers = ports[i].at == place::open && !ports[i].with_caller;
        step(i, workers ? place::detached : place::unreserved);
    }
    released = true;
}

void lane_model::time_passes() {
    for (auto& p : ports) p.due = p.at == place::cooling;
}

std::uint32_t lane_model::out() const {
    return static_cast<std::uint32_t>(
        std::count_if(ports.begin(), ports.end(), [](const auto& p) { return p.at == place::open; }));
}

std::uint64_t lane_model::gives_back() const {
    const auto gone =
        std::count_if(ports.begin(), ports.end(), [](const auto& p) { return p.at == place::detached; });
    return takes - out() - static_cast<std::uint64_t>(gone);
}

port_counts lane_model::counts() const {
    port_counts c;
    for (const auto& p : ports) {
        switch (p.at) {
            case place::available:
                ++c.available;
                break;
            case place::taken:
                ++c.taken;
                break;
            case place::open:
                ++c.open;
                break;
            case place::draining:
                ++c.draining;
                break;
            case place::cooling:
                ++c.cooling;
                break;
            case place::condemned:
                ++c.condemned;
                break;
            case place::unreserved:
            case place::detached:
                break;
        }
    }
    return c;
}

bool lane_model::audible(std::uint32_t i) const {
    const place at = ports[i].at;
    return at == place::open || at == place::draining || at == place::detached;
}

std::string lane_model::key() const {
    std::string k(1, released ? 'R' : 'H');
    for (const auto& p : ports) {
        k += static_cast<char>(p.at);
        k += static_cast<char>('0' + p.with_caller + 2 * p.exposed + 4 * p.named + 8 * p.queue);
        k += static_cast<char>('0' + p.due + 2 * p.noisy);
    }
    return k;
}

}  // namespace berth::test
