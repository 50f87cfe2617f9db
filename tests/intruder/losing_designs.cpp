// How each losing design hands a port over, in the fewest calls. All but hold_ipv4_alone are dual-stack, so that what
// gets in got in by the hand-over and not past the wrong family.
#include "losing_designs.hpp"

#include "plain_sockets.hpp"

#include <unistd.h>

namespace berth::test {

losing_design::~losing_design() { close(held_); }

bind_over_guard::bind_over_guard(attacked what) : what_(what) {
    held_ = new_socket(AF_INET6, what);
    port_ = bind_anywhere(held_);
}

void bind_over_guard::hand_over_once() {
    const int worker = new_socket(AF_INET6, what_);
    set_flag(worker, SO_REUSEADDR, 1);
    set_flag(held_, SO_REUSEADDR, 1);
    const bool open = bind_port(worker, port_) && (what_ == attacked::udp || listen(worker, 8) == 0);
    set_flag(held_, SO_REUSEADDR, 0);
    const bool used = open && (what_ == attacked::tcp ? serve_one_client(worker, loopback::four, port_)
                                                      : receive_one_datagram(worker, loopback::four, port_));
    if (!used) ++own_failures_;
    close(worker);
}

listen_again::listen_again() {
    held_ = new_socket(AF_INET6, attacked::tcp);
    port_ = bind_anywhere(held_);
}

/// SO_REUSEADDR is on while it listens again, or its own old connections would refuse it. A client only comes to each
/// sixteenth opening: waiting for it costs a hundred times what opening does, and opening is where this design loses.
void listen_again::hand_over_once() {
    if (openings_ > 0) set_flag(held_, SO_REUSEADDR, 1);
    const bool listening = listen(held_, 8) == 0;
    set_flag(held_, SO_REUSEADDR, listening);
    if (!listening || (openings_ % 16 == 0 && !serve_one_client(held_, loopback::four, port_))) ++own_failures_;
    ++openings_;
    set_flag(held_, SO_REUSEADDR, 0);
    shutdown(held_, SHUT_RD);
}

connect_the_only_socket::connect_the_only_socket(attacked what) : what_(what) {
    held_ = new_socket(AF_INET6, what);
    port_ = bind_anywhere(held_);
    peer_ = new_socket(AF_INET6, what);
    peer_port_ = bind_anywhere(peer_);
    listen(peer_, 8);
}

connect_the_only_socket::~connect_the_only_socket() { close(peer_); }

void connect_the_only_socket::hand_over_once() {
    if (!connect_to(held_, loopback::mapped, peer_port_)) ++own_failures_;
    if (what_ == attacked::tcp) close(accept_soon(peer_));
    dissolve(held_);
}

bind_again::bind_again(attacked what) : what_(what) {
    held_ = new_socket(AF_INET6, what);
    port_ = bind_anywhere(held_);
}

void bind_again::hand_over_once() {
    close(held_);
    held_ = new_socket(AF_INET6, what_);
    if (what_ == attacked::tcp) set_flag(held_, SO_REUSEADDR, 1);
    const bool bound = bind_port(held_, port_);
    set_flag(held_, SO_REUSEADDR, 0);
    if (!bound) ++own_failures_;
}

hold_ipv4_alone::hold_ipv4_alone(attacked what) {
    held_ = new_socket(AF_INET, what);
    port_ = bind_anywhere(held_);
    if (what == attacked::tcp) listen(held_, 8);
}

void hold_ipv4_alone::hand_over_once() { usleep(1000); }

hold_both_families::hold_both_families(attacked what) {
    held_ = new_socket(AF_INET6, what);
    port_ = bind_anywhere(held_);
}

void hold_both_families::hand_over_once() { usleep(1000); }

}  // namespace berth::test
