// A thread's last words for the library.
//
// Not the destructor of a thread_local object: mingw-w64's are called when the object's memory is gone.
#pragma once

namespace berth::platform {

/// `run(object)` when the calling thread ends, last come first served. Post: false: no memory, and it will not run.
bool at_thread_end(void (*run)(void*) noexcept, void* object) noexcept;

}  // namespace berth::platform
