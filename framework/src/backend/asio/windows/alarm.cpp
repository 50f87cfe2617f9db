// The alarm as something posted to the context's completion port.
//
// A ring is lost neither while the context sleeps nor between two sleeps: `pending` is set before the post and cleared
// when it has arrived, so whoever finds it set knows that an arrival is still to come, and whoever finds it clear
// posts. Many rings between two sleeps are one system call, and one record of Asio's.
#include "backend/asio/alarm.hpp"

#include "backend/asio/running.hpp"

#include <asio/post.hpp>

#include <atomic>
#include <utility>

namespace berth::detail {

struct alarm::works {
    struct heard {
        works* self;
        handler_memory* memory;  // asked for it when the context is destroyed, after self
        using allocator_type = handler_memory::allocator<void>;
        [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(memory); }
        void operator()() const noexcept {
            self->rang = true;
            self->pending.store(false, std::memory_order_release);
        }
    };

    works(asio::io_context& c, handler_memory& m) noexcept : context(c), memory(m) {}

    asio::io_context& context;
    handler_memory& memory;
    bool rang = false;
    std::atomic<bool> pending{false};
};

alarm::alarm(asio::io_context& context, handler_memory& memory) : works_(std::make_unique<works>(context, memory)) {}

alarm::~alarm() = default;

void alarm::ring() noexcept {
    if (works_->pending.exchange(true, std::memory_order_acq_rel)) return;
    asio::post(works_->context, works::heard{works_.get(), &works_->memory});
}

void alarm::be_ours() noexcept {}  // there is no fork

bool alarm::take() noexcept { return std::exchange(works_->rang, false); }

}  // namespace berth::detail
