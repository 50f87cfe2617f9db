// Systems without POSIX signals: a plain detached thread.
#include "platform/quiet_thread.hpp"

#include <thread>

namespace berth::platform {

void start_quiet_thread(void (*body)()) { std::thread(body).detach(); }

void start_quiet_thread(void (*body)(void*), void* argument) { std::thread(body, argument).detach(); }

void name_this_thread(const char*) noexcept {}

}  // namespace berth::platform
