// A detached thread of the library's own that no signal of the program is delivered to.
#pragma once

namespace berth::platform {

/// Throws std::system_error if the system has no thread for it.
void start_quiet_thread(void (*body)());
void start_quiet_thread(void (*body)(void*), void* argument);

/// What tools that list threads call the calling one: at most 15 characters.
void name_this_thread(const char* name) noexcept;

}  // namespace berth::platform
