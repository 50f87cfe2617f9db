// What persistent reservations can do here, and what cannot be promised of them.
#pragma once

#include <berth/capabilities.hpp>

namespace berth::detail {

/// Fills in what a berthd at its usual place says.
void add_persistent_facts(capabilities& facts);

}  // namespace berth::detail
