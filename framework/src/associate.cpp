// associate, bind and their kin for callers' own sockets; see include/berth/associate.hpp.
#include <berth/associate.hpp>

#include "acquiring_sockets.hpp"
#include "association_table.hpp"
#include "guarded.hpp"
#include "persistent/block_share.hpp"
#include "reservation_core.hpp"
#include "token_table.hpp"

namespace berth::inline v0_1 {
namespace {

using detail::acquiring_sockets;
using detail::association_table;
using detail::guarded;
using detail::reservation_core;
using detail::token_table;

platform::native_socket native(native_handle_type socket) noexcept {
    return static_cast<platform::native_socket>(socket);
}

failure refused(errc code, std::string what) { return {code, std::move(what), 0, 0}; }

asio::ip::address plain(const asio::ip::address& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, a.to_v6());
    return a;
}

// `asks`: whether to ask berthd for a token that the process does not know. Of several shares of one block one stays,
// and whoever has found another one meanwhile looks again.
error_code find_core(reservation_token token, std::shared_ptr<reservation_core>& core, bool asks = false) {
    error_code denied = errc::invalid_token;
    core = token_table::instance().find(token);
    if (!core && asks && token) core = detail::share_for_associate(token, denied);
    for (const reservation_core* before = nullptr; core && core.get() != before;) {
        acquiring_sockets::instance().look(core.get());  // a token ends with its acquiring socket, at once
        if (core->now() == detail::phase::held) return {};
        before = core.get();
        if (auto other = token_table::instance().find(token)) core = std::move(other);
    }
    return denied == errc::invalid_token && token_table::is_parents(token) ? errc::forked : denied;
}

detail::port_lane* lane_for(reservation_core& core, bool is_tcp) noexcept {
    return core.lane(is_tcp ? transport::tcp : transport::udp);
}

error_code check_family(const reservation_core& core, const platform::socket_facts& facts) noexcept {
    const auto family = core.request().family;
    const bool fits = family == address_family::ipv4   ? !facts.is_ipv6
                      : family == address_family::ipv6 ? facts.is_ipv6
                                                       : facts.is_ipv6 && !facts.is_ipv6_only;
    return fits ? error_code() : error_code(errc::family_mismatch);
}

void check_endpoint(const reservation_core& core, const bind_endpoint& endpoint, failure& f) {
    const auto asked = plain(endpoint.address);
    const auto& reserved = core.request().address;
    const auto family = core.request().family;
    if ((asked.is_v4() && !asked.is_unspecified() && family == address_family::ipv6) ||
        (asked.is_v6() && family == address_family::ipv4)) {
        f = refused(errc::family_mismatch, "bind asks for " + asked.to_string() + ", which is not of the block's family");
        return;
    }
    const bool same = reserved.is_unspecified() ? asked.is_unspecified() : asked == reserved;
    if (!same) {
        f = refused(errc::address_mismatch,
                    "bind asks for " + asked.to_string() + ", the block was reserved on " +
                        (reserved.is_unspecified() ? std::string("all addresses") : reserved.to_string()) +
                        "; bind to that, or reserve a block on the address");
    } else if (endpoint.port != 0 && !core.block().contains(endpoint.port)) {
        f = refused(errc::port_outside_block,
                    "port " + std::to_string(endpoint.port) + " is not one of the " +
                        std::to_string(core.block().count) + " ports from " + std::to_string(core.block().first) +
                        "; ask for 0 to get any of them");
    }
}

/// The token may be one of a block that the system itself keeps.
error_code associate_drawn(native_handle_type socket, const platform::socket_facts& facts, reservation_token token) {
    auto& provider = platform::system_provider();
    if (!token || facts.is_bound) return facts.is_bound ? errc::already_bound : errc::invalid_token;
    const std::uint64_t inode = provider.inode_of(native(socket));
    if (const auto ec = provider.associate_drawn(native(socket), token.value())) return ec;
    association_table::instance().associate(facts.cookie, {token, inode, facts.is_tcp, true});
    return {};
}

void bind_associated(native_handle_type socket, const bind_endpoint& endpoint, failure& f) {
    auto& table = association_table::instance();
    platform::socket_facts facts;
    if ((f.code = platform::system_provider().recognise(native(socket), facts))) return;
    const auto known = table.find(facts.cookie);
    if (facts.is_bound || !known.token) {
        f = refused(facts.is_bound ? errc::already_bound : errc::not_associated,
                    facts.is_bound ? "the socket is bound already" : "associate the socket with a reservation first");
        return;
    }
    if (known.is_drawn) {
        platform::system_provider().bind_drawn(native(socket), endpoint.address, endpoint.port, f);
        if (!f) table.forget(facts.cookie);
        return;
    }
    std::shared_ptr<reservation_core> core;
    if ((f.code = find_core(known.token, core))) {
        if (f.code == errc::invalid_token) f.code = errc::reservation_released;
        return;
    }
    check_endpoint(*core, endpoint, f);
    if (f) return core->count_failure(f.code);
    auto* const lane = lane_for(*core, known.is_tcp);
    association_table::place place(table);
    std::uint32_t index = 0;
    std::uint64_t cookie = 0;
    auto& acquiring = acquiring_sockets::instance();
    acquiring.about_to_replace(known.inode);
    try {
        lane->bind_callers(native(socket), endpoint.port, index, cookie, f);
    } catch (...) {
        acquiring.kept(known.inode);
        throw;
    }
    if (f) return acquiring.kept(known.inode);
    table.forget(facts.cookie);
    table.bound(cookie, {core, lane, index}, place);
    acquiring.replaced(native(socket), known.inode, lane->session(index));
}

void release_core(const std::shared_ptr<reservation_core>& core, failure& f) {
    acquiring_sockets::instance().forget(*core);
    core->release(f, if_taken::detach);
    association_table::instance().forget(core->token());
}

}  // namespace

void associate(native_handle_type socket, reservation_token token, error_code& ec) noexcept {
    failure f;
    guarded(f, [&] {
        platform::socket_facts facts;
        if ((f.code = platform::system_provider().inspect(native(socket), facts))) return;
        std::shared_ptr<reservation_core> core;
        if ((f.code = find_core(token, core, true))) {
            if (f.code == errc::invalid_token) f.code = associate_drawn(socket, facts, token);
        } else if (facts.is_bound) {
            f.code = errc::already_bound;
        } else if (lane_for(*core, facts.is_tcp) == nullptr) {
            f.code = errc::protocol_mismatch;
        } else if (facts.network != core->network()) {
            f.code = errc::wrong_namespace;
        } else if (!(f.code = check_family(*core, facts))) {
            const std::uint64_t inode = core->provider().inode_of(native(socket));
            association_table::instance().associate(facts.cookie, {token, inode, facts.is_tcp});
        }
    });
    ec = f.code;
}

void bind(native_handle_type socket, const bind_endpoint& endpoint, failure& f) noexcept {
    guarded(f, [&] { bind_associated(socket, endpoint, f); });
}

void bind(native_handle_type socket, const bind_endpoint& endpoint, error_code& ec) noexcept {
    failure f;
    bind(socket, endpoint, f);
    ec = f.code;
}

void give_back(native_handle_type socket, error_code& ec) noexcept {
    failure f;
    guarded(f, [&] {
        platform::socket_facts facts;
        if ((f.code = platform::system_provider().recognise(native(socket), facts))) return;
        const auto port = association_table::instance().unbind(facts.cookie);
        const auto core = port.core.lock();
        if (port.lane == nullptr) {
            f.code = errc::not_associated;
        } else if (core && core->is_forked()) {  // parking would silence the parent's socket: it is the same one
            f.code = errc::forked;
        } else if (!(f.code = platform::system_provider().close(native(socket))) && core) {
            port.lane->callers_socket_closed(port.index);
        }
    });
    ec = f.code;
}

}  // namespace berth::v0_1

namespace berth::detail {

bool is_ipv6(native_handle_type socket, error_code& ec) noexcept {
    platform::socket_facts facts;
    ec = platform::system_provider().inspect(native(socket), facts);
    return facts.is_ipv6;
}

void put_away(native_handle_type socket, bool is_bound) noexcept {
    error_code ec = errc::not_associated;
    if (is_bound) give_back(socket, ec);
    if (ec) static_cast<void>(platform::system_provider().close(native(socket)));
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

reservation_instance reserve_on(native_handle_type socket, const port_block& block, failure& f, tcp_use use) noexcept {
    return guarded(f, [&]() -> reservation_instance {
        platform::socket_facts facts;
        if ((f.code = platform::system_provider().inspect(native(socket), facts))) return {};
        acquiring_sockets::instance().look();
        reservation_request request{.block = block, .use = use};
        request.protocol = facts.is_tcp ? transport::tcp : transport::udp;
        request.family = !facts.is_ipv6       ? address_family::ipv4
                         : facts.is_ipv6_only ? address_family::ipv6
                                              : address_family::dual;
        const auto core = reservation_core::make(platform::system_provider(), request, f);
        if (!core) return {};
        acquiring_sockets::instance().watch(native(socket), core);  // if it throws, the block goes with the core
        return {core->block(), core->token()};
    });
}

void release(native_handle_type socket, reservation_token token, failure& f) noexcept {
    guarded(f, [&] {
        platform::socket_facts facts;
        if ((f.code = platform::system_provider().inspect(native(socket), facts))) return;
        std::shared_ptr<reservation_core> core;
        if ((f.code = find_core(token, core))) return;
        if (!core->is_persistent()) return release_core(core, f);
        f = {errc::invalid_token,
             "this token is a persistent reservation's, which is removed (remove_persistent) and not released", 0, 0};
    });
}

}  // namespace berth::v0_1
