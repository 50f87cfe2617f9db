// The list of pass records; see quiescence.hpp.
#include "quiescence.hpp"

#include "platform/thread_end.hpp"

#include <thread>

namespace berth::detail {
namespace {

std::atomic<pass_record*> all_records{nullptr};

pass_record* borrow_record() noexcept {
    pass_record* record = all_records.load();
    for (bool free = false; record != nullptr; record = record->next, free = false) {
        if (record->in_use.compare_exchange_strong(free, true)) break;
    }
    if (record == nullptr) {
        record = new pass_record;
        record->next = all_records.load();
        while (!all_records.compare_exchange_weak(record->next, record)) {}
    }
    const auto give_back = [](void* borrowed) noexcept { static_cast<pass_record*>(borrowed)->in_use.store(false); };
    platform::at_thread_end(give_back, record);
    return record;
}

}  // namespace

pass_record& this_threads_record() noexcept {
    static constinit thread_local pass_record* mine = nullptr;
    if (mine == nullptr) mine = borrow_record();
    return *mine;
}

void wait_until_nobody_is_inside(const void* object) noexcept {
    for (auto* record = all_records.load(); record != nullptr; record = record->next) {
        while (record->inside.load() == object) std::this_thread::yield();
    }
}

}  // namespace berth::detail
