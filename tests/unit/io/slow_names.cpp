// See slow_names.hpp.
#include "unit/io/slow_names.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

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

answer ask(std::string_view name) {
    {
        const std::lock_guard lock(gate);
        ++all;
    }
    if (name.starts_with("none")) return answer::no_such_name;
    if (name.starts_with("later")) return answer::try_again;
    if (!name.starts_with("slow")) return answer::as_the_system_says;

    std::unique_lock lock(gate);
    most = std::max(most, ++waiting_now);
    changed.wait(lock, [] { return !is_held; });
    --waiting_now;
    return answer::loopback;
}

}  // namespace io_test::slow_names
