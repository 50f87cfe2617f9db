// The provider of a system that berth has not been brought to yet: it refuses, and says so.
//
// The template of the next port: each verb with the least that its contract asks for. Nothing is ever held, so the
// verbs that work on a held block have no sibling here.
#include "platform/refusing_provider.hpp"

namespace berth::platform {

capabilities refusing_provider::facts(parking) {
    capabilities c;
    c.provider = "none";
    c.limits.emplace_back("berth has no port provider for this system: every reserve is refused");
    return c;
}

std::unique_ptr<held_block> refusing_provider::prepare(const hold_request&, failure& f) {
    f.code = errc::operation_not_supported;
    f.what = "berth cannot reserve ports on this system; see capabilities().limits";
    return nullptr;
}

std::unique_ptr<port_survey> refusing_provider::begin_survey(port_kind) {
    struct nothing_to_see final : port_survey {
        bool look(port_map&) override { return false; }
    };
    return std::make_unique<nothing_to_see>();
}

std::uint64_t refusing_provider::network_namespace(error_code& ec) noexcept {
    ec = {};
    return 0;
}

error_code refusing_provider::inspect(native_socket, socket_facts&) noexcept {
    return errc::operation_not_supported;
}

error_code refusing_provider::recognise(native_socket, socket_facts&) noexcept {
    return errc::operation_not_supported;
}

std::uint64_t refusing_provider::inode_of(native_socket) noexcept { return 0; }

bool refusing_provider::is_named(std::uint64_t, native_socket&, native_socket) noexcept { return false; }

void refusing_provider::find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) {
    named.assign(inodes.size(), true);
}

error_code refusing_provider::close(native_socket) noexcept { return errc::operation_not_supported; }

}  // namespace berth::platform
