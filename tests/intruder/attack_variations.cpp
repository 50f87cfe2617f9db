// The list of variations, built from small tables.
#include "attack_variations.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <array>
#include <utility>

namespace berth::test {
namespace {

struct target_address {
    std::string text;
    int family;
    unsigned scope = 0;
};

constexpr int multipath_tcp = 262;

constexpr std::array always{
    attack_extra::none,      attack_extra::device_name, attack_extra::device_index,    attack_extra::device_unused,
    attack_extra::free_bind, attack_extra::transparent, attack_extra::address_no_port, attack_extra::port_range};

constexpr std::array own_choices{attack_way::bind_zero, attack_way::connect, attack_way::connect_late,
                                 attack_way::listen_or_send};

const char* name_of(attack_way w) {
    constexpr std::array names{"bind", "bind(0)", "connect", "bind address, connect", "listen or sendto"};
    return names[static_cast<std::size_t>(w)];
}

const char* name_of(attack_extra e) {
    constexpr std::array names{"",          " device lo",   " device index",    " unused device",
                               " freebind", " transparent", " address-no-port", " port range",
                               " v6only",   " defer-accept"};
    return names[static_cast<std::size_t>(e)];
}

/// This machine's own addresses besides loopback: one of each sort is enough.
void add_own_addresses(std::vector<target_address>& out) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return;
    bool have_v4 = false, have_v6 = false, have_link_local = false;
    for (const ifaddrs* i = list; i; i = i->ifa_next) {
        if (!i->ifa_addr) continue;
        char text[INET6_ADDRSTRLEN] = "";
        if (i->ifa_addr->sa_family == AF_INET) {
            const auto& a = *reinterpret_cast<const sockaddr_in*>(i->ifa_addr);
            if ((ntohl(a.sin_addr.s_addr) >> 24) == 127 || std::exchange(have_v4, true)) continue;
            out.push_back({inet_ntop(AF_INET, &a.sin_addr, text, sizeof text), AF_INET});
        } else if (i->ifa_addr->sa_family == AF_INET6) {
            const auto& a = *reinterpret_cast<const sockaddr_in6*>(i->ifa_addr);
            if (IN6_IS_ADDR_LOOPBACK(&a.sin6_addr)) continue;
            const bool link_local = IN6_IS_ADDR_LINKLOCAL(&a.sin6_addr);
            if (std::exchange(link_local ? have_link_local : have_v6, true)) continue;
            out.push_back({inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text), AF_INET6,
                           link_local ? if_nametoindex(i->ifa_name) : 0});
        }
    }
    freeifaddrs(list);
}

std::vector<target_address> target_addresses() {
    std::vector<target_address> out{{"0.0.0.0", AF_INET},
                                    {"127.0.0.1", AF_INET},
                                    {"127.0.0.2", AF_INET},
                                    {"224.0.0.251", AF_INET},
                                    {"255.255.255.255", AF_INET},
                                    {"198.51.100.7", AF_INET},
                                    {"::", AF_INET6},
                                    {"::1", AF_INET6},
                                    {"::ffff:0.0.0.0", AF_INET6},
                                    {"::ffff:127.0.0.1", AF_INET6},
                                    {"::ffff:127.0.0.2", AF_INET6},
                                    {"2001:db8::9", AF_INET6}};
    add_own_addresses(out);
    return out;
}

void set_address(attack_variation& v, const target_address& a) {
    v.address_text = a.text;
    if (a.family == AF_INET) {
        auto& s = reinterpret_cast<sockaddr_in&>(v.address);
        s.sin_family = AF_INET;
        inet_pton(AF_INET, a.text.c_str(), &s.sin_addr);
        v.address_size = sizeof s;
    } else {
        auto& s = reinterpret_cast<sockaddr_in6&>(v.address);
        s.sin6_family = AF_INET6;
        s.sin6_scope_id = a.scope;
        inet_pton(AF_INET6, a.text.c_str(), &s.sin6_addr);
        v.address_size = sizeof s;
    }
}

bool is_sharp(const attack_variation& v, attacked what) {
    if (v.way != attack_way::bind || v.protocol != 0 || (!v.reuse_address && !v.reuse_port)) return false;
    if (v.address_text != "0.0.0.0" && v.address_text != "::" && v.address_text != "127.0.0.2") return false;
    if (v.extra == attack_extra::device_index) return what == attacked::udp;
    return v.extra == attack_extra::none || v.extra == attack_extra::v6_only;
}

}  // namespace

std::string attack_variation::describe() const {
    return std::string(protocol ? "mptcp " : "") + name_of(way) + " " + address_text +
           (reuse_address ? " reuseaddr" : "") + (reuse_port ? " reuseport" : "") + name_of(extra);
}

std::vector<attack_variation> attack_variations(attacked what) {
    std::vector<attack_variation> out;
    const std::vector<target_address> addresses = target_addresses();
    const std::vector<int> protocols = what == attacked::tcp ? std::vector{0, multipath_tcp} : std::vector{0};
    for (int protocol : protocols)
        for (const target_address& a : addresses)
            for (unsigned flags = 0; flags < 4; ++flags) {
                attack_variation v;
                v.protocol = protocol, v.reuse_address = flags & 1, v.reuse_port = flags & 2;
                set_address(v, a);
                auto add = [&](attack_way way, attack_extra extra) {
                    v.way = way, v.extra = extra;
                    v.sharp = is_sharp(v, what);
                    out.push_back(v);
                };
                for (attack_extra e : always) add(attack_way::bind, e);
                if (a.family == AF_INET6) add(attack_way::bind, attack_extra::v6_only);
                if (what == attacked::tcp) add(attack_way::bind, attack_extra::defer_accept);
                const bool local = a.text == "0.0.0.0" || a.text == "127.0.0.1" || a.text == "127.0.0.2" ||
                                   a.text == "::" || a.text == "::1" || a.text == "::ffff:127.0.0.1";
                for (attack_way w : own_choices)
                    if (local) add(w, attack_extra::port_range);
            }
    return out;
}

}  // namespace berth::test
