// The one provider of this process: Linux' kernel.
#include "platform/linux/linux_provider.hpp"

namespace berth::platform {

port_provider& system_provider() noexcept {
    static linux_provider provider(linux_calls());
    return provider;
}

}  // namespace berth::platform
