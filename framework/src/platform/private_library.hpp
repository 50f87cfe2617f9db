// A shared library opened at run time for ourselves: none of its symbols is seen by the program.
#pragma once

#include <string>

namespace berth::platform {

/// nullptr and why_not if it cannot be had. It is never closed. is_programs_own: the program had loaded it before us,
/// perhaps for all to see.
void* open_private_library(const char* name, bool& is_programs_own, std::string& why_not);

/// nullptr: not there.
void* find_symbol(void* library, const char* name) noexcept;

}  // namespace berth::platform
