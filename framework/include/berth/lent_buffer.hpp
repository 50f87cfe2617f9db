// Bytes that were received into a buffer of the loop's, which is the holder's until this object goes.
//
// A buffer comes from a fixed stock (io_context_options): whoever keeps many makes every receive that lends wait.
// Move-only. Not for concurrent use, but it may be destroyed on any thread; before its io_context is.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <asio/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace berth::inline v0_1 {

class lent_buffer {
public:
    lent_buffer() noexcept = default;  ///< no bytes, nothing lent
    /// For berth's own use: `lent` is the result of a receive on `loop`.
    lent_buffer(detail::event_loop& loop, detail::buffer_part lent, std::uint32_t id) noexcept
        : loop_(&loop), data_(lent.data), size_(static_cast<std::uint32_t>(lent.size)), id_(id) {}
    lent_buffer(lent_buffer&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          id_(other.id_) {}
    lent_buffer& operator=(lent_buffer&& other) noexcept {
        if (this != &other) {
            give_back();
            loop_ = std::exchange(other.loop_, nullptr);
            data_ = std::exchange(other.data_, nullptr);
            size_ = std::exchange(other.size_, 0);
            id_ = other.id_;
        }
        return *this;
    }
    ~lent_buffer() { give_back(); }

    [[nodiscard]] void* data() noexcept { return data_; }
    [[nodiscard]] const void* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }  ///< bytes
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// True if a buffer is held, also one with no bytes in it (an empty datagram).
    explicit operator bool() const noexcept { return loop_ != nullptr; }

    /// Post: of its bytes it holds `count` from `first` on, and what pointed to others is not to be used any more. So a
    /// message is passed on without its head. Pre: first + count <= size(). A few bytes are moved, many stay in place.
    void keep(std::size_t first, std::size_t count) noexcept {
        // Whatever comes back from another thread needs room for that behind its first byte.
        if (count >= detail::event_loop::room_to_return) {
            data_ = static_cast<char*>(data_) + first;
        } else if (count != 0 && first != 0) {
            std::memmove(data_, static_cast<char*>(data_) + first, count);
        }
        size_ = static_cast<std::uint32_t>(count);
    }

    /// As Asio's buffers; the bytes are the holder's to change.
    [[nodiscard]] asio::mutable_buffer buffer() noexcept { return {data_, size_}; }
    [[nodiscard]] asio::const_buffer buffer() const noexcept { return {data_, size_}; }

    /// Post: nothing is held; data() and all that pointed to it is not to be used any more.
    void give_back() noexcept {
        if (auto* const loop = std::exchange(loop_, nullptr)) loop->return_buffer(id_, data_);
        data_ = nullptr;
        size_ = 0;
    }

    /// For berth's own use: the buffer is the caller's, who returns it to the loop by its number.
    struct passed_on {
        void* data;
        std::size_t size;
        std::uint32_t id;
    };
    passed_on pass_on() noexcept {
        loop_ = nullptr;
        return {std::exchange(data_, nullptr), std::exchange(size_, 0), id_};
    }

private:
    detail::event_loop* loop_ = nullptr;
    void* data_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t id_ = 0;
};

}  // namespace berth::v0_1
