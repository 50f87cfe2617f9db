// A caller's own socket gets a port of the block: it is bound in the place of the session socket, which gives way.
//
// A Windows descriptor cannot be made to name another socket, so the caller's socket itself becomes the session
// socket, and the block keeps a duplicate of it. It cannot be bound twice: native, every other port that is free in
// the block is drawn first, so that the one of the session socket is the only one left.
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

namespace berth::platform {
namespace {

failure refused(std::intptr_t r, std::uint16_t port, const char* what) {
    return {code_of(r), "port " + std::to_string(port) + ": " + what + " (" + name_of_error(r) + ")", 0, port};
}

}  // namespace

// Post: no port of the block is free for a draw. Under drawing_.
int windows_block::fill_spares() noexcept {
    for (;;) {
        std::uint32_t drawn = 0;
        bool none_left = false;
        if (const int r = draw_any(drawn, none_left); r < 0) return none_left ? 0 : r;
    }
}

void windows_block::hand_over(std::uint32_t index, native_socket target, failure& f) {
    f = {};
    const std::uint16_t port = port_at(index);
    if (get_flag(os_, target, SOL_SOCKET, SO_REUSEADDR) == 1) {
        f = {errc::option_refused,
             "SO_REUSEADDR is on: others could bind the socket's port as well; clear it before bind, or bind without "
             "a reservation",
             0, port};
        return;
    }
    const native_socket own = os_.duplicate(target);
    if (own < 0) {
        f = refused(own, port, "the socket cannot be duplicated");
        return;
    }
    int r = 0;
    bool gave_way = false;
    {
        const std::lock_guard lock(drawing_);
        r = methods_.is_native ? reservation_.associate(target)
                               : set_flag(os_, target, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, true);
        if (r >= 0 && methods_.is_native) r = fill_spares();
        gave_way = r >= 0;
        if (gave_way) {
            end_session(index);
            const std::uint16_t wanted = methods_.is_native ? std::uint16_t{0} : port;
            r = bind_socket(target, family(), request_.address, wanted);
        }
    }
    std::uint16_t got = 0;
    if (r >= 0) r = local_port(os_, target, got);
    // Another worker's socket was closed between the last draw and this bind.
    if (r >= 0 && got != port) r = -WSAEADDRNOTAVAIL;
    if (r >= 0 && is_listener()) r = os_.listen(target, request_.backlog);
    if (r < 0) {
        f = refused(r, port,
                    got == 0 ? "the socket cannot be bound to it" : "the socket is bound and not usable: close it");
        os_.close(own);
        if (gave_way && renew(index) == renewal::renewed) {
            std::uint32_t ignored = 0;
            static_cast<void>(open(index, ignored));
        }
        return;
    }
    identities_.forget(target);
    slots_[index].cookie = socket_identities::new_cookie();
    slots_[index].session = own;
}

}  // namespace berth::platform
