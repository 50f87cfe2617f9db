// This system's provider: compiled apart, so that a test can link another in its place.
#include "platform/windows/windows_provider.hpp"

namespace berth::platform {

port_provider& system_provider() noexcept {
    static windows_provider provider(real_windows_calls());
    return provider;
}

}  // namespace berth::platform
