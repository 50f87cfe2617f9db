// Taking and putting, and who does: see recycled_memory.hpp.
#include "backend/recycled_memory.hpp"

#include "backend/loop_parts.hpp"

#include <new>

namespace berth::detail {
namespace {

constexpr std::uint16_t most_kept = 256;  // of a size

}  // namespace

recycled_memory::~recycled_memory() {
    for (block* b : free_) {
        while (b != nullptr) source_.free(std::exchange(b, b->next));
    }
}

const void* recycled_memory::this_thread() noexcept {
    thread_local const char mark = 0;
    return &mark;
}

void recycled_memory::enter_heap() noexcept {
    if (!source_.has_heaps || heap_ != nullptr) return;
    heap_ = source_.make_heap();
    heap_thread_ = this_thread();
}

void recycled_memory::leave_heap() noexcept {
    heap_thread_ = nullptr;
    if (heap_ != nullptr) source_.delete_heap(std::exchange(heap_, nullptr));
}

void* recycled_memory::draw(std::size_t size) {
    if (heap_thread_ != this_thread() || heap_ == nullptr) return source_.allocate(size);
    void* const memory = source_.allocate_from(heap_, size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void* recycled_memory::take(std::size_t size) {
    const std::size_t n = class_of(size);
    if (n >= free_.size() || free_[n] == nullptr) return draw(rounded(size));
    --kept_[n];
    return std::exchange(free_[n], free_[n]->next);
}

void recycled_memory::put(void* memory, std::size_t size) noexcept {
    const std::size_t n = class_of(size);
    if (n >= free_.size() || kept_[n] == most_kept) return source_.free(memory);
    ++kept_[n];
    free_[n] = new (memory) block{free_[n]};
}

void attachment::operator delete(attachment* socket, std::destroying_delete_t) noexcept {
    socket->home != nullptr ? socket->home->destroy(*socket) : the_memory_source().free(socket);
}

void* event_loop::allocate(std::size_t size) {
    return is_here() ? parts_->memory.take(size) : the_memory_source().allocate(recycled_memory::rounded(size));
}

void event_loop::deallocate(void* memory, std::size_t size) noexcept {
    is_here() ? parts_->memory.put(memory, size) : the_memory_source().free(memory);
}

void* event_loop::allocate_lasting(event_loop* loop, std::size_t size) {
    return loop == nullptr ? the_memory_source().allocate(size) : loop->parts_->memory.draw(size);
}
void event_loop::free_lasting(void* memory) noexcept { the_memory_source().free(memory); }
const std::string& event_loop::memory_reason() noexcept { return the_memory_source().reason; }
void event_loop::enter_heap() noexcept { parts_->memory.enter_heap(); }
void event_loop::leave_heap() noexcept { parts_->memory.leave_heap(); }

}  // namespace berth::detail
