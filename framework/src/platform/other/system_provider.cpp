// The provider of systems without one of their own.
#include "platform/refusing_provider.hpp"

namespace berth::platform {

port_provider& system_provider() noexcept {
    static refusing_provider provider;
    return provider;
}

}  // namespace berth::platform
