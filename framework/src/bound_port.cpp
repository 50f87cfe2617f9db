// The handle's few words to its lane; see include/berth/bound_port.hpp.
#include <berth/bound_port.hpp>

#include "port_lane.hpp"
#include "reservation_core.hpp"

namespace berth::inline v0_1 {

std::uint16_t bound_port::port() const noexcept { return lane_ != nullptr ? lane_->port_at(index_) : 0; }

native_handle_type bound_port::io_handle() const noexcept {
    return lane_ != nullptr ? static_cast<native_handle_type>(lane_->session(index_)) : native_handle_type(-1);
}

native_handle_type bound_port::native_handle() noexcept {
    uses_ |= lent;
    return io_handle();
}

native_handle_type bound_port::duplicate(error_code& ec) noexcept {
    if (lane_ == nullptr || lane_->core().is_forked()) {
        ec = lane_ == nullptr ? errc::not_associated : errc::forked;
        return native_handle_type(-1);
    }
    uses_ |= lent | exposed;
    return static_cast<native_handle_type>(lane_->duplicate(index_, ec));
}

native_handle_type bound_port::duplicate() {
    error_code ec;
    const auto handle = duplicate(ec);
    if (ec) throw std::system_error(ec, "berth: duplicate");
    return handle;
}

void bound_port::put_back() noexcept {
    lane_->give_back(index_, (uses_ & lent) != 0, (uses_ & exposed) != 0, (uses_ & lost) != 0);
    lane_ = nullptr;
    uses_ = io_only;
}

void bound_port::give_back(error_code& ec) noexcept {
    ec = {};
    if (lane_ == nullptr) return;
    if (lane_->core().is_forked()) ec = errc::forked;
    put_back();
}

}  // namespace berth::v0_1
