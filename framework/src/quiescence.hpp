// Who may still be inside an object that is about to go: one published pointer a thread.
//
// A give_back may finish after the reservation's owner destroyed it. It enters a pass before its first atomic step on
// the object, and the object's destructor waits until no thread is inside. Entering is one store; the compare-exchange
// that follows it in every user orders it. Records are never freed, threads that end leave theirs to the next.
#pragma once

#include <atomic>

namespace berth::detail {

struct pass_record {
    std::atomic<const void*> inside{nullptr};
    std::atomic<bool> in_use{true};
    pass_record* next = nullptr;
};

pass_record& this_threads_record() noexcept;

class pass {
public:
    explicit pass(const void* object) noexcept : record_(this_threads_record()), before_(record_.inside.load()) {
        record_.inside.store(object, std::memory_order_seq_cst);
    }
    ~pass() { record_.inside.store(before_, std::memory_order_release); }
    pass(const pass&) = delete;
    pass& operator=(const pass&) = delete;

private:
    pass_record& record_;
    const void* before_;
};

/// Waits until no other thread is inside `object`. Passes last as long as a give_back: microseconds.
void wait_until_nobody_is_inside(const void* object) noexcept;

}  // namespace berth::detail
