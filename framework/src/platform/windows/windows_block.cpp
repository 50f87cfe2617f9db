// A block's making and its end; see windows_block.hpp.
#include "platform/windows/windows_block.hpp"

namespace berth::platform {

windows_block::windows_block(windows_calls& os, socket_identities& identities, const hold_request& request,
                             const windows_methods& methods)
    : os_(os),
      identities_(identities),
      request_(request),
      methods_(methods),
      reservation_(os, family(), request.kind != port_kind::udp),
      slots_(std::make_unique<port_slot[]>(request.block.count)) {
    if (request.drawn_from != 0) reservation_.draw_from(request.drawn_from, request.block);
    identities_.add(*this);
}

windows_block::~windows_block() {
    identities_.remove(*this);
    for (std::uint32_t i = 0; i < request_.block.count; ++i) drop(i);
}

// Native, a port leaves the block when the whole block does: with the last port, or when the lane says so.
void windows_block::drop(std::uint32_t index) noexcept {
    auto& slot = slots_[index];
    end_session(index);
    if (slot.other_family >= 0) os_.close(std::exchange(slot.other_family, -1));
    const std::lock_guard lock(drawing_);
    if (slot.spare >= 0) os_.close(std::exchange(slot.spare, -1));
    if (++dropped_ == request_.block.count) reservation_.release();
}

// Sockets that workers still have keep their ports by themselves.
void windows_block::let_go() noexcept {
    const std::lock_guard lock(drawing_);
    reservation_.release();
}

// There is no fork.
void windows_block::abandon() noexcept {}

std::uint32_t windows_block::bytes_per_port() const noexcept { return sizeof(port_slot); }

}  // namespace berth::platform
