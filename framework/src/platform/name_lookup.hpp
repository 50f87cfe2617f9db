// The system's resolver.
#pragma once

#include <berth/detail/name_lookup.hpp>

namespace berth::platform {

/// Blocks, as long as the system's configuration has it.
detail::lookup_answer look_up_name(const detail::lookup_question& question);

/// Answers if there is nothing to look up: the host and the service are numbers or empty. Never blocks.
bool look_up_numbers(const detail::lookup_question& question, detail::lookup_answer& answer);

}  // namespace berth::platform
