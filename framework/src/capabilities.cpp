// Facts from the provider that is linked, and from the daemon that is there.
#include <berth/capabilities.hpp>

#include "persistent/persistent_facts.hpp"
#include "platform/port_provider.hpp"

namespace berth::inline v0_1 {

capabilities query_capabilities(parking preference) {
    auto facts = platform::system_provider().facts(preference);
    detail::add_persistent_facts(facts);
    return facts;
}

}  // namespace berth::v0_1
