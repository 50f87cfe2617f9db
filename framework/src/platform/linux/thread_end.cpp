// See thread_end.hpp.
#include "platform/thread_end.hpp"

#include <new>

namespace berth::platform {
namespace {

struct last_word {
    void (*run)(void*) noexcept;
    void* object;
    last_word* before;
};

struct last_words {
    last_word* last = nullptr;
    ~last_words() {
        while (last != nullptr) {
            last_word* const word = last;
            last = word->before;
            word->run(word->object);
            delete word;
        }
    }
};

}  // namespace

bool at_thread_end(void (*run)(void*) noexcept, void* object) noexcept {
    thread_local last_words mine;
    auto* const word = new (std::nothrow) last_word{run, object, mine.last};
    if (word == nullptr) return false;
    mine.last = word;
    return true;
}

}  // namespace berth::platform
