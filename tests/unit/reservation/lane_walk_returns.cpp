// The verbs of a port that is out: it is duplicated, closed, lost, given back, or its reservation is released.
#include "lane_walk.hpp"

#include <deque>
#include <utility>

namespace berth::test {

void lane_walk::close(native_socket& socket) {
    if (socket != -1) kernel_.close(socket);
    socket = -1;
}

void lane_walk::give_back(std::uint32_t i, bool condemns) {
    error_code ec;
    with_switch(
        &simulated_port::park_condemns,
        [&] {
            if (!condemns) sim(i).park_condemns = false;
            out_[i].handle->give_back(ec);
        },
        i);
    out_[i].handle.reset();
    model_.give_back(i, condemns);
}

// Only bound<> can lose a socket; a handle is told so by its lane, so it is left behind here without a give back.
void lane_walk::lose(std::uint32_t i) {
    static auto& left_behind = *new std::deque<bound_port*>;  // reachable to the end: not a leak
    left_behind.push_back(new bound_port(std::move(*out_[i].handle)));
    out_[i].handle.reset();
    kernel_.close(sim(i).session);
    lane_->give_back(i, true, model_.ports[i].exposed, true);
    model_.lose(i);
}

std::string lane_walk::duplicate(std::uint32_t i) {
    error_code ec;
    out_[i].duplicate = out_[i].handle->duplicate(ec);
    model_.ports[i].exposed = model_.ports[i].named = true;
    return expect(ec, errc{});
}

void lane_walk::close_duplicate(std::uint32_t i) {
    close(out_[i].duplicate);
    model_.ports[i].named = out_[i].callers != -1;
}

void lane_walk::caller_closes(std::uint32_t i) {
    close(out_[i].callers);
    model_.ports[i].named = false;
}

void lane_walk::caller_gives_back(std::uint32_t i, bool copied) {
    if (copied) {
        out_[i].duplicate = std::exchange(out_[i].callers, -1);  // closed, but a copy is about
    } else {
        caller_closes(i);
    }
    lane_->callers_socket_closed(i);
    model_.caller_closed(i);
}

std::string lane_walk::release(if_taken policy) {
    failure f;
    core_->release(f, policy);
    if (model_.released) return expect(f.code, errc::reservation_released);
    if (policy == if_taken::refuse && model_.out() != 0) model_.reclaim(true);  // it looks before it refuses
    const std::uint32_t out = model_.out();
    if (policy == if_taken::refuse && out != 0) {
        if (f.count != out) return "counted " + std::to_string(f.count) + " ports out";
        return expect(f.code, errc::reservation_busy);
    }
    model_.release();
    return expect(f.code, errc{});
}

}  // namespace berth::test
