// See thread_end.hpp. Fiber-local storage calls back with the value that a thread had.
#include "platform/thread_end.hpp"

#include <windows.h>

#include <new>

namespace berth::platform {
namespace {

struct last_word {
    void (*run)(void*) noexcept;
    void* object;
    last_word* before;
};

void WINAPI say_all(void* last) {
    for (auto* word = static_cast<last_word*>(last); word != nullptr;) {
        last_word* const said = word;
        word = word->before;
        said->run(said->object);
        delete said;
    }
}

}  // namespace

bool at_thread_end(void (*run)(void*) noexcept, void* object) noexcept {
    static const DWORD place = ::FlsAlloc(say_all);  // for the process's life
    if (place == FLS_OUT_OF_INDEXES) return false;
    auto* const before = static_cast<last_word*>(::FlsGetValue(place));
    auto* const word = new (std::nothrow) last_word{run, object, before};
    if (word != nullptr && ::FlsSetValue(place, word)) return true;
    delete word;
    return false;
}

}  // namespace berth::platform
