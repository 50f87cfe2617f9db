// What Asio needs while it has an operation: memory for its own record of it, and a way to cancel it alone.
//
// Kept in a pool, because neither fits into the operation. The pool only grows: once a backend has had n
// operations under way, n of them allocate nothing. It must outlive the io_context, which frees into it.
#pragma once

#include "backend/asio/vocabulary.hpp"

#include <asio/cancellation_signal.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <system_error>
#include <vector>

namespace berth::detail {

class asio_backend;
class asio_attachment;

/// Memory for one record of Asio's at a time.
class handler_memory {
public:
    static constexpr std::size_t capacity = 384;

    template <class T>
    struct allocator {
        using value_type = T;
        handler_memory* memory;

        explicit allocator(handler_memory* m) noexcept : memory(m) {}
        template <class U>
        allocator(const allocator<U>& other) noexcept : memory(other.memory) {}
        template <class U>
        bool operator==(const allocator<U>& other) const noexcept {
            return memory == other.memory;
        }
        T* allocate([[maybe_unused]] std::size_t count) {
            static_assert(sizeof(T) <= capacity && alignof(T) <= alignof(std::max_align_t));
            assert(count == 1 && !memory->taken_);
            memory->taken_ = true;
            return reinterpret_cast<T*>(memory->bytes_);
        }
        void deallocate(T*, std::size_t) noexcept { memory->taken_ = false; }
    };

private:
    alignas(std::max_align_t) std::byte bytes_[capacity];
    bool taken_ = false;
};

/// An operation that Asio has, or a look at a socket (no operation).
struct running {
    asio_backend* home = nullptr;
    asio_attachment* socket = nullptr;
    operation* op = nullptr;
    running* next = nullptr;    ///< in the pool
    running* behind = nullptr;  ///< of an engine that has rows of its own: in the row
    bool only_waits = false;    ///< such an engine's: the rest is not its work
    address_in_place address;
    asio::cancellation_signal stop;
    handler_memory memory;
};

/// The handler of all that is started: it hands the result in, and does nothing else.
struct landing {
    running* record;

    using allocator_type = handler_memory::allocator<void>;
    using cancellation_slot_type = asio::cancellation_slot;
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(&record->memory); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return record->stop.slot(); }
    void operator()(const std::error_code& ec, std::size_t bytes = 0) const noexcept;
};

class running_pool {
public:
    /// Throws std::bad_alloc.
    running* take() {
        if (free_ == nullptr) {
            slabs_.push_back(std::make_unique<running[]>(slab_size));
            for (std::size_t i = 0; i < slab_size; ++i) give_back(&slabs_.back()[i]);
        }
        running* record = free_;
        free_ = record->next;
        return record;
    }
    void give_back(running* record) noexcept {
        record->next = free_;
        free_ = record;
    }

private:
    static constexpr std::size_t slab_size = 32;
    std::vector<std::unique_ptr<running[]>> slabs_;
    running* free_ = nullptr;
};

}  // namespace berth::detail
