// Unpredictable bytes, and word of a fork: what the draw of a port needs from the system.
//
// A port drawn at random keeps off-path attackers guessing only if the bytes come from the system's own generator
// (RFC 6056), and only if a forked child does not go on where its parent's buffered bytes stand: hence both here.
#pragma once

#include <cstddef>

namespace berth::platform {

/// Fills `size` bytes from the system's generator. Post: all are unpredictable; ends the process if the system has
/// none, because going on with guessable ports would be a silent loss.
void random_bytes(void* bytes, std::size_t size) noexcept;

/// From now on `forget` runs in every forked child, on the thread that forked, before fork() returns there. Not for
/// children of vfork or a bare clone. Pre: `forget` does nothing that is not async-signal-safe.
void in_forked_child(void (*forget)()) noexcept;

}  // namespace berth::platform
