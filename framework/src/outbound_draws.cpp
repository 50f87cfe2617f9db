// Draws by destination, as the templates of include/berth/outbound.hpp ask for them.
#include <berth/detail/native_calls.hpp>
#include <berth/detail/outbound_draws.hpp>

#include "outbound/destination.hpp"
#include "platform/way_there.hpp"
#include "port_lane.hpp"
#include "reservation_core.hpp"

namespace berth::detail {
namespace {

using asio::ip::address_v6;

// IPv4 is IPv4 in whatever form it comes; a dual-stack socket wants it mapped.
bool convert(outbound_draws::endpoint& to, address_family family) {
    const auto address = to.address();
    const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
    const bool is_ipv4 = address.is_v4() || is_mapped;
    if (is_ipv4 ? family == address_family::ipv6 : family == address_family::ipv4) return false;
    if (family == address_family::ipv4 && is_mapped) {
        to.address(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()));
    } else if (family == address_family::dual && address.is_v4()) {
        to.address(asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()));
    }
    return true;
}

}  // namespace

error_code outbound_draws::suit(reservation_core* core, endpoint& destination) noexcept {
    if (core == nullptr) return errc::reservation_released;
    error_code ec;
    if (core->is_forked()) {
        core->fail(errc::forked, ec);
    } else if (core->lane(platform::port_kind::tcp_connect) == nullptr) {
        core->fail(errc::protocol_mismatch, ec);
    } else if (destination.port() == 0) {
        core->fail(errc::invalid_argument, ec);
    } else if (!convert(destination, core->request().family)) {
        core->fail(errc::family_mismatch, ec);
    }
    return ec;
}

bound_port outbound_draws::draw(reservation_core& core, const endpoint& destination, error_code& ec) noexcept {
    return core.lane(platform::port_kind::tcp_connect)->take_toward(outbound::destination(destination), ec);
}

bool outbound_draws::was_refused(bound_port& port, const endpoint& destination, const error_code& ec) noexcept {
    if (port.lane_ == nullptr || ec.category() != asio::error::get_system_category() || !is_taken_tuple(ec.value()) ||
        !platform::has_way_to(destination.data(), destination.size())) {
        return false;
    }
    port.lane_->refuse(port.index_);
    return true;
}

std::uint32_t outbound_draws::ports_of(const reservation_core& core) noexcept { return core.block().count; }

}  // namespace berth::detail
