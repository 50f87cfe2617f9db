// No berthd on this system; see service_channel.hpp.
#include "platform/service_channel.hpp"

namespace berth::platform {

service_channel::service_channel(std::string socket_path, std::chrono::milliseconds, failure& f)
    : socket_path_(std::move(socket_path)) {
    f = {errc::operation_not_supported, "there is no berthd for this system", 0, 0};
}

service_channel::~service_channel() = default;

std::size_t service_channel::exchange(std::span<const std::byte>, std::span<std::byte>, failure& f) {
    f = {errc::operation_not_supported, "there is no berthd for this system", 0, 0};
    return 0;
}

bool service_channel::send(std::span<const std::byte>) noexcept { return false; }

std::size_t service_channel::receive(std::span<std::byte>, std::vector<native_socket>&, failure& f) {
    f = {errc::operation_not_supported, "there is no berthd for this system", 0, 0};
    return 0;
}

void service_channel::wait(std::chrono::milliseconds) const noexcept {}
void service_channel::pause(std::chrono::milliseconds) noexcept {}
void service_channel::end() noexcept {}
void service_channel::abandon() noexcept {}
void close_socket(native_socket) noexcept {}

std::string service_socket_of_environment() { return {}; }

}  // namespace berth::platform
