// What berth can do on this machine, asked at run time: a line for each fact, and a sentence for each promise that
// this system cannot keep in full. The README's table of systems is made of it.
//   what_works_here [asio]     asio: with the backend that is used where io_uring is refused
#include <berth/capabilities.hpp>
#include <berth/io_context.hpp>

#include <iostream>
#include <string_view>
#include <system_error>

namespace {

using berth::hold_method, berth::park_method;

const char* in_words(hold_method method) {
    switch (method) {
        case hold_method::repair: return "bind under TCP_REPAIR";
        case hold_method::reuse_toggle: return "bind, SO_REUSEADDR for an instant";
        case hold_method::interface_tags: return "bind with interface tags";
        case hold_method::runtime_reservation: return "the system's reservation";
        case hold_method::exclusive_bind: return "SO_EXCLUSIVEADDRUSE";
    }
    return "?";
}

const char* in_words(park_method method) {
    switch (method) {
        case park_method::none: return "nothing";
        case park_method::filter_map: return "one store (eBPF)";
        case park_method::interface_tag: return "an interface tag";
        case park_method::minimum_ttl: return "a minimum TTL";
        case park_method::emptied: return "emptied at take";
    }
    return "?";
}

const char* yes_or_no(bool yes) { return yes ? "yes" : "no"; }

bool has_a_handle(berth::io_context& context) {
    try {
        static_cast<void>(context.native_wait_handle());
        return true;
    } catch (const std::system_error&) {
        return false;
    }
}

}  // namespace

int main(int count, char** words) {
    berth::io_context_options options;
    if (count > 1 && std::string_view(words[1]) == "asio") options.backend = berth::backend_choice::asio;
    berth::io_context context(options);
    const auto facts = berth::query_capabilities();
    const auto say = [](const char* fact, const auto& value) { std::cout << fact << " | " << value << '\n'; };

    say("backend", context.backend());
    say("a handle for another loop", yes_or_no(has_a_handle(context)));
    say("blocks can be reserved", yes_or_no(facts.can_reserve));
    say("TCP ports are held by", in_words(facts.hold_tcp));
    say("UDP ports are held by", in_words(facts.hold_udp));
    say("a parked UDP socket is silenced by", in_words(facts.park_udp));
    say("a parked listener is silenced by", in_words(facts.park_tcp_listen));
    say("a client of a parked listener hears", facts.parked_listener_is_silent ? "nothing" : "a reset, later");
    say("the closing check sees bound TCP sockets", yes_or_no(facts.check_sees_bound_sockets));
    say("descriptors a port", facts.descriptors_per_port);
    say("ports pass to the next process", yes_or_no(facts.can_hand_over));
    say("persistent blocks now", facts.can_persist ? facts.keeper : "no");
    for (const auto& limit : facts.limits) std::cout << "limit: " << limit << '\n';
}
