// A caller's own socket gets the session socket's place under the caller's descriptor number.
//
// Pre: the caller's socket is unbound and of the block's protocol and family (associate has checked). Options that can
// be read and undone are carried onto the session socket first; one that cannot refuses, and then nothing changed.
#include "platform/linux/linux_block.hpp"
#include "platform/linux/os_failure.hpp"

namespace berth::platform {

void linux_block::hand_over(std::uint32_t index, native_socket target, failure& f) {
    const int onto = static_cast<int>(target);
    auto& port = ports_[index];
    carrier_->carry(os_, onto, port.session, f);
    if (f) return;
    if (const int r = os_.dup3(port.session, onto); r < 0) {
        f.code = code_of(r);
        f.what = "descriptor " + std::to_string(onto) + " could not be given the block's socket: " +
                 f.code.message();
    }
}

}  // namespace berth::platform
