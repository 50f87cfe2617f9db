// All signals are blocked before the thread is made: it inherits the mask.
#include "platform/quiet_thread.hpp"

#include <csignal>
#include <thread>

namespace berth::platform {

void start_quiet_thread(void (*body)()) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread(body).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace berth::platform
