// The public object over reservation_core; see include/berth/port_reservation.hpp.
#include <berth/port_reservation.hpp>

#include "guarded.hpp"
#include "reservation_core.hpp"
#include "say.hpp"

namespace berth::inline v0_1 {

using detail::reservation_core;

port_reservation::port_reservation(std::shared_ptr<reservation_core> core) noexcept : core_(std::move(core)) {}
port_reservation::port_reservation(port_reservation&&) noexcept = default;

port_reservation& port_reservation::operator=(port_reservation&& other) noexcept {
    if (this != &other) {
        const port_reservation old(std::move(*this));
        core_ = std::move(other.core_);
    }
    return *this;
}

port_reservation::~port_reservation() {
    if (!core_ || core_->is_forked() || core_->now() == detail::phase::released) return;
    const auto counts = core_->statistics().ports;
    if (const auto out = counts.open + counts.taken; out != 0) {
        detail::log_words(log_level::warning, [&] {
            return "a reservation of " + std::to_string(core_->block().count) + " ports from " +
                   std::to_string(core_->block().first) + " ends while " + std::to_string(out) +
                   " of its sockets are out; they are detached";
        });
    }
    failure ignored;
    core_->release(ignored, if_taken::detach);
}

port_reservation port_reservation::reserve(const reservation_request& request, failure& f) noexcept {
    return detail::guarded(
        f, [&] { return port_reservation(reservation_core::make(platform::system_provider(), request, f)); });
}

port_reservation port_reservation::reserve(const reservation_request& request) {
    failure f;
    auto r = reserve(request, f);
    if (f) throw reservation_error(f);
    return r;
}

port_reservation::operator bool() const noexcept { return core_ && core_->now() == detail::phase::held; }
port_block port_reservation::block() const noexcept { return *this ? core_->block() : port_block{0, 0}; }
reservation_token port_reservation::token() const noexcept { return *this ? core_->token() : reservation_token{}; }

bound_port port_reservation::take(error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, bound_port();
    if (auto* lane = core_->only_lane()) return lane->take(ec);
    core_->fail(errc::invalid_argument, ec);  // a block with both protocols: which one?
    return {};
}

bound_port port_reservation::take(transport protocol, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, bound_port();
    if (auto* lane = core_->lane(protocol)) return lane->take(ec);
    core_->fail(errc::protocol_mismatch, ec);
    return {};
}

bound_port port_reservation::take() {
    error_code ec;
    auto p = take(ec);
    if (ec) throw std::system_error(ec, "berth: take");
    return p;
}

bound_port port_reservation::take_port(std::uint16_t port, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, bound_port();
    if (auto* lane = core_->only_lane()) return lane->take_port(port, ec);
    core_->fail(errc::invalid_argument, ec);
    return {};
}

bound_port port_reservation::take_port(std::uint16_t port, transport protocol, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, bound_port();
    if (auto* lane = core_->lane(protocol)) return lane->take_port(port, ec);
    core_->fail(errc::protocol_mismatch, ec);
    return {};
}

std::array<bound_port, 2> port_reservation::take_pair(error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, std::array<bound_port, 2>();
    if (auto* lane = core_->only_lane()) return lane->take_pair(ec);
    core_->fail(errc::invalid_argument, ec);
    return {};
}

std::array<bound_port, 2> port_reservation::take_pair(transport protocol, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, std::array<bound_port, 2>();
    if (auto* lane = core_->lane(protocol)) return lane->take_pair(ec);
    core_->fail(errc::protocol_mismatch, ec);
    return {};
}

bool port_reservation::take_run(std::span<bound_port> out, std::uint32_t alignment, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, false;
    if (auto* lane = core_->only_lane()) return lane->take_run(out, alignment, ec);
    return core_->fail(errc::invalid_argument, ec);
}

bool port_reservation::take_run(std::span<bound_port> out, std::uint32_t alignment, transport protocol,
                                error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, false;
    if (auto* lane = core_->lane(protocol)) return lane->take_run(out, alignment, ec);
    return core_->fail(errc::protocol_mismatch, ec);
}

bool port_reservation::take_run_for(std::span<bound_port> out, std::uint32_t alignment, socket_use use,
                                    error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, false;
    if (auto* lane = core_->lane(static_cast<platform::port_kind>(use))) return lane->take_run(out, alignment, ec);
    return core_->fail(errc::protocol_mismatch, ec);
}

bound_port port_reservation::take_for(socket_use use, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, bound_port();
    if (auto* lane = core_->lane(static_cast<platform::port_kind>(use))) return lane->take(ec);
    core_->fail(errc::protocol_mismatch, ec);
    return {};
}

std::array<bound_port, 2> port_reservation::take_pair_for(socket_use use, error_code& ec) noexcept {
    if (!core_) return ec = errc::reservation_released, std::array<bound_port, 2>();
    if (auto* lane = core_->lane(static_cast<platform::port_kind>(use))) return lane->take_pair(ec);
    core_->fail(errc::protocol_mismatch, ec);
    return {};
}

bool port_reservation::sockets_are_ipv4() const noexcept {
    return core_ && core_->request().family == address_family::ipv4;
}

void port_reservation::release(failure& f, if_taken policy) noexcept {
    if (!core_) {
        f.code = errc::reservation_released;
        return detail::say(f, [] { return "nothing is reserved"; });
    }
    core_->release(f, policy);
}

bool port_reservation::release_some(failure& f, std::uint32_t most) noexcept {
    if (core_) return core_->release_some(f, most);
    f.code = errc::reservation_released;
    return false;
}

void port_reservation::release(if_taken policy) {
    failure f;
    release(f, policy);
    if (f) throw reservation_error(f);
}

std::uint32_t port_reservation::reclaim() noexcept { return core_ ? core_->reclaim() : 0; }

std::uint32_t port_reservation::available() const noexcept { return core_ ? core_->available() : 0; }

reservation_statistics port_reservation::statistics() const noexcept {
    return core_ ? core_->statistics() : reservation_statistics{};
}

}  // namespace berth::v0_1
