// getaddrinfo of this program; see slow_names.hpp.
#include "unit/io/slow_names.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace io_test::slow_names {
namespace {

std::mutex gate;
std::condition_variable changed;
bool is_held = false;
int waiting_now = 0, most = 0, all = 0;

}  // namespace

void hold() {
    const std::lock_guard lock(gate);
    is_held = true;
    most = 0;
    all = 0;
}
void let_go() {
    const std::lock_guard lock(gate);
    is_held = false;
    changed.notify_all();
}
int waiting() noexcept {
    const std::lock_guard lock(gate);
    return waiting_now;
}
int most_at_once() noexcept {
    const std::lock_guard lock(gate);
    return most;
}
int asked() noexcept {
    const std::lock_guard lock(gate);
    return all;
}

static void wait_until_let_go() {
    std::unique_lock lock(gate);
    most = std::max(most, ++waiting_now);
    changed.wait(lock, [] { return !is_held; });
    --waiting_now;
}
static void count() {
    const std::lock_guard lock(gate);
    ++all;
}

}  // namespace io_test::slow_names

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
    using namespace io_test::slow_names;
    const auto next = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    const std::string_view name = host == nullptr ? "" : host;
    if ((hints->ai_flags & AI_NUMERICHOST) != 0) return next(host, service, hints, found);
    count();
    if (name.starts_with("none")) return EAI_NONAME;
    if (name.starts_with("later")) return EAI_AGAIN;
    if (!name.starts_with("slow")) return next(host, service, hints, found);
    wait_until_let_go();
    return next("127.0.0.1", service, hints, found);
}
