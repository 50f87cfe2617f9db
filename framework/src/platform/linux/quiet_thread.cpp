// All signals are blocked before the thread is made: it inherits the mask.
#include "platform/quiet_thread.hpp"

#include <pthread.h>

#include <csignal>
#include <thread>

namespace berth::platform {

void start_quiet_thread(void (*body)()) {
    start_quiet_thread([](void* work) { reinterpret_cast<void (*)()>(work)(); }, reinterpret_cast<void*>(body));
}

void start_quiet_thread(void (*body)(void*), void* argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread(body, argument).detach();
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void name_this_thread(const char* name) noexcept { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace berth::platform
