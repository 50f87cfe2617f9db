// A detached thread of the library's own that no signal of the program is delivered to.
#pragma once

namespace berth::platform {

void start_quiet_thread(void (*body)());

}  // namespace berth::platform
