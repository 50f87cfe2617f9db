// Facts from the provider that is linked.
#include <berth/capabilities.hpp>

#include "platform/port_provider.hpp"

namespace berth {

capabilities query_capabilities(parking preference) { return platform::system_provider().facts(preference); }

}  // namespace berth
