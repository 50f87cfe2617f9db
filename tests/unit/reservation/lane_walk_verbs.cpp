// The verbs of the walk: their names, which of them name a port, and in which state of the model each may be done.
#include "lane_walk.hpp"

#include <array>

namespace berth::test {

const char* name_of(verb v) {
    static constexpr std::array<const char*, verbs> names = {"take",
                                                             "take_all_fail",
                                                             "take_port",
                                                             "take_port_fails",
                                                             "take_pair",
                                                             "take_pair_odd_fails",
                                                             "give_back",
                                                             "give_back_lent",
                                                             "give_back_condemned",
                                                             "duplicate",
                                                             "close_duplicate",
                                                             "lose",
                                                             "bind_callers",
                                                             "bind_callers_refused",
                                                             "caller_closes",
                                                             "caller_gives_back",
                                                             "caller_gives_back_dup",
                                                             "event_queue",
                                                             "time_passes",
                                                             "packet",
                                                             "reclaim",
                                                             "reclaim_renew_fails",
                                                             "reclaim_condemns",
                                                             "release_refuse",
                                                             "release_detach"};
    return names[static_cast<std::size_t>(v)];
}

bool lane_walk::is_per_port(verb v) {
    switch (v) {
        case verb::take:
        case verb::take_all_fail:
        case verb::take_pair:
        case verb::take_pair_odd_fails:
        case verb::time_passes:
        case verb::reclaim:
        case verb::reclaim_renew_fails:
        case verb::reclaim_condemns:
        case verb::release_refuse:
        case verb::release_detach:
            return false;
        default:
            return true;
    }
}

bool lane_walk::is_last(verb v) {
    return v == verb::take || v == verb::take_all_fail || v == verb::take_pair || v == verb::take_pair_odd_fails;
}

bool lane_walk::allowed(move m) const {
    const auto& p = model_.ports[m.port];
    const bool with_worker = (p.at == place::open && !p.with_caller) || p.at == place::detached;
    switch (m.what) {
        case verb::give_back:
        case verb::give_back_lent:
            return with_worker;
        case verb::give_back_condemned:
            return with_worker && !p.exposed;
        case verb::lose:
            return with_worker && !p.named;
        case verb::duplicate:
            return with_worker && !p.named;
        case verb::close_duplicate:
            return out_[m.port].duplicate != -1;
        case verb::bind_callers:
        case verb::bind_callers_refused:
            return out_[m.port].callers == -1 && out_[m.port].duplicate == -1;
        case verb::caller_closes:
            return out_[m.port].callers != -1 && p.named;
        case verb::caller_gives_back:
            return p.at == place::open && p.with_caller && out_[m.port].duplicate == -1;
        case verb::caller_gives_back_dup:
            return p.at == place::open && p.with_caller && p.named;
        case verb::event_queue:
            return !model_.released && !p.queue && (p.exposed || p.with_caller);
        case verb::packet:
            return block_.rests && p.at == place::cooling && !p.noisy;
        case verb::time_passes:
            return block_.rests;
        default:
            return true;
    }
}

}  // namespace berth::test
