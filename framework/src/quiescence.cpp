// The list of pass records; see quiescence.hpp.
#include "quiescence.hpp"

#include <thread>

namespace berth::detail {
namespace {

std::atomic<pass_record*> all_records{nullptr};

struct lease_of_record {
    pass_record* record;

    lease_of_record() noexcept {
        for (record = all_records.load(); record != nullptr; record = record->next) {
            bool free = false;
            if (record->in_use.compare_exchange_strong(free, true)) return;
        }
        record = new pass_record;
        record->next = all_records.load();
        while (!all_records.compare_exchange_weak(record->next, record)) {}
    }
    ~lease_of_record() { record->in_use.store(false); }
};

}  // namespace

pass_record& this_threads_record() noexcept {
    thread_local lease_of_record lease;
    return *lease.record;
}

void wait_until_nobody_is_inside(const void* object) noexcept {
    for (auto* record = all_records.load(); record != nullptr; record = record->next) {
        while (record->inside.load() == object) std::this_thread::yield();
    }
}

}  // namespace berth::detail
