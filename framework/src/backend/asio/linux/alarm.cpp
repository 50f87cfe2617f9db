// The alarm as an event descriptor that the io_context reads.
//
// A ring is lost neither while the context sleeps nor between two sleeps: `pending` is set before the descriptor is
// written and cleared after it was read, so whoever finds it set knows that a rang_ is still to come, and whoever
// finds it clear writes. Many rings between two sleeps are one system call.
#include "backend/asio/alarm.hpp"

#include "backend/asio/running.hpp"

#include <asio/buffer.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace berth::detail {

struct alarm::works {
    struct heard {
        works* self;
        handler_memory* memory;  // asked for it when the context is destroyed, after self
        using allocator_type = handler_memory::allocator<void>;
        [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(memory); }
        void operator()(const std::error_code& ec, std::size_t) const noexcept {
            if (ec) return;
            self->pending.exchange(false, std::memory_order_acq_rel);
            self->rang = true;
            self->listen();
        }
    };

    works(asio::io_context& context, handler_memory& m) : memory(m), reader(context) {
        const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd == -1) throw std::system_error(errno, std::system_category(), "eventfd");
        descriptor = fd;
        std::error_code ec;
        try {
            reader.assign(fd, ec);
        } catch (...) {  // no memory for what the reactor keeps of it
            ::close(fd);
            throw;
        }
        if (!ec) reader.non_blocking(true, ec);
        if (ec) {
            if (!reader.is_open()) ::close(fd);
            throw std::system_error(ec, "eventfd");
        }
        listen();
    }

    void listen() { reader.async_read_some(asio::buffer(&count, sizeof(count)), heard{this, &memory}); }

    handler_memory& memory;
    std::uint64_t count = 0;
    int descriptor = -1;
    bool rang = false;
    std::atomic<bool> pending{false};
    static_assert(std::atomic<bool>::is_always_lock_free);
    asio::posix::basic_stream_descriptor<asio::io_context::executor_type> reader;
};

alarm::alarm(asio::io_context& context, handler_memory& memory) : works_(std::make_unique<works>(context, memory)) {}

alarm::~alarm() = default;

void alarm::ring() noexcept {
    if (works_->pending.exchange(true, std::memory_order_acq_rel)) return;
    const int saved = errno;
    const std::uint64_t one = 1;
    // Nothing can be wrong with it: the count never comes near its end, since a ring waits for the one before.
    while (::write(works_->descriptor, &one, sizeof(one)) < 0 && errno == EINTR) continue;
    errno = saved;
}

void alarm::be_ours() noexcept {
    const int own = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (own < 0) return;
    ::dup3(own, works_->descriptor, O_CLOEXEC);
    ::close(own);
    works_->pending.store(false);
}

bool alarm::take() noexcept { return std::exchange(works_->rang, false); }

}  // namespace berth::detail
