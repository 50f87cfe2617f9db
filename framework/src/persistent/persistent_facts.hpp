// What persistent reservations can do here, and what cannot be promised of them.
#pragma once

#include <berth/capabilities.hpp>

namespace berth::detail {

/// Fills in what a berthd at its usual place says.
void add_persistent_facts(capabilities& facts);

/// Where to ask: what the caller says, or the environment, or the usual place.
std::string service_socket(const std::string& asked);

}  // namespace berth::detail
