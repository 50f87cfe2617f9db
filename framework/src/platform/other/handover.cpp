// Sockets do not pass between processes on this system yet; see handover_line.hpp and handover_board.hpp.
#include "platform/handover_board.hpp"
#include "platform/handover_line.hpp"

namespace berth::platform {
namespace {

failure unsupported() {
    return {errc::operation_not_supported, "ports cannot be handed over to another process on this system", 0, 0};
}

}  // namespace

std::shared_ptr<handover_board> handover_board::make(std::uint32_t, failure& f) {
    f = unsupported();
    return nullptr;
}
std::shared_ptr<handover_board> handover_board::open(native_socket, std::uint32_t) { return nullptr; }
handover_board::~handover_board() = default;

handed_descriptor::~handed_descriptor() = default;
std::shared_ptr<handover_line> handover_line::connect(const std::string&, failure& f,
                                                      std::chrono::steady_clock::time_point) {
    f = unsupported();
    return nullptr;
}
line_state handover_line::send(std::span<const std::byte>, std::span<const native_socket>,
                               std::chrono::steady_clock::time_point) noexcept {
    return line_state::failed;
}
line_state handover_line::receive(handover_message&, std::chrono::steady_clock::time_point) {
    return line_state::failed;
}
bool handover_line::is_closed() const noexcept { return true; }
void handover_line::hang_up() noexcept {}
bool predecessor_is_dead(native_socket) noexcept { return false; }
void count_descriptors(std::uint64_t& open, std::uint64_t& limit) noexcept { open = 0, limit = ~std::uint64_t{0}; }

std::unique_ptr<handover_door> handover_door::open(const std::string&, failure& f) {
    f = unsupported();
    return nullptr;
}
std::unique_ptr<handover_door> handover_door::take(handed_descriptor&, const std::string&, failure& f) {
    f = unsupported();
    return nullptr;
}
handover_door::~handover_door() = default;
handover_door::event handover_door::next(handover_message&, failure&) { return event::none; }
line_state handover_door::answer(std::span<const std::byte>, std::span<const native_socket>) noexcept {
    return line_state::gone;
}
void handover_door::patience(std::chrono::milliseconds) noexcept {}
void handover_door::hang_up() noexcept {}
void handover_door::close_behind() noexcept {}

}  // namespace berth::platform
