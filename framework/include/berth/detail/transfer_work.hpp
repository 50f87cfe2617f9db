// Reading and writing: the buffers of an operation, and its result as a handler hears it.
#pragma once

#include <berth/detail/handler_operation.hpp>

#include <asio/buffer.hpp>

#include <array>
#include <tuple>

namespace berth::detail {

/// A buffer sequence as parts; what exceeds their number is for the next call, as Asio has it.
template <class Buffers>
class buffer_parts {
public:
    static constexpr bool is_single = std::is_convertible_v<const Buffers&, asio::const_buffer> ||
                                      std::is_convertible_v<const Buffers&, asio::mutable_buffer>;
    static constexpr std::size_t most = is_single ? 1 : 16;

    explicit buffer_parts(const Buffers& buffers) {
        auto at = asio::buffer_sequence_begin(buffers);
        const auto end = asio::buffer_sequence_end(buffers);
        for (; at != end && count_ < most; ++at) {
            const asio::const_buffer part(*at);
            if (part.size() == 0) continue;
            parts_[count_++] = {const_cast<void*>(part.data()), part.size()};
            size_ += part.size();
        }
    }
    [[nodiscard]] const buffer_part* data() const noexcept { return parts_.data(); }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void give(message_operation& op) const noexcept {
        op.parts = parts_.data();
        op.part_count = count_;
    }

private:
    std::array<buffer_part, most> parts_;
    std::uint32_t count_ = 0;
    std::size_t size_ = 0;
};

using transfer_result = std::tuple<error_code, std::size_t>;

inline transfer_result transferred(int result) noexcept {
    if (result < 0) return {error_of(result), 0};
    return {error_code(), static_cast<std::size_t>(result)};
}

/// Bytes of a stream: nothing means its end.
template <class Buffers>
struct read_work {
    using form = message_operation;
    buffer_parts<Buffers> parts;
    explicit read_work(const Buffers& buffers) : parts(buffers) {}
    [[nodiscard]] bool is_empty() const noexcept { return parts.size() == 0; }
    transfer_result arguments(operation&, int result) const noexcept {
        if (result == 0 && parts.size() != 0) return {asio::error::eof, 0};
        return transferred(result);
    }
};

template <class Buffers>
struct write_work {
    using form = message_operation;
    buffer_parts<Buffers> parts;
    explicit write_work(const Buffers& buffers) : parts(buffers) {}
    [[nodiscard]] bool is_empty() const noexcept { return parts.size() == 0; }
    transfer_result arguments(operation&, int result) const noexcept { return transferred(result); }
};

/// A datagram, and where from.
template <class Buffers, class Endpoint>
struct receive_work {
    using form = message_operation;
    buffer_parts<Buffers> parts;
    Endpoint* source;
    receive_work(const Buffers& buffers, Endpoint* from) : parts(buffers), source(from) {}
    transfer_result arguments(message_operation& op, int result) const noexcept {
        if (source != nullptr && result >= 0) source->resize(op.address_size);
        return transferred(result);
    }
};

template <class Buffers, class Endpoint>
struct send_work {
    using form = message_operation;
    buffer_parts<Buffers> parts;
    Endpoint to;
    send_work(const Buffers& buffers, const Endpoint& endpoint) : parts(buffers), to(endpoint) {}
    transfer_result arguments(operation&, int result) const noexcept { return transferred(result); }
};

template <class Endpoint>
struct connect_work {
    using form = message_operation;
    Endpoint to;
    error_code not_opened{};  ///< why there is no socket to connect
    explicit connect_work(const Endpoint& endpoint) : to(endpoint) {}
    std::tuple<error_code> arguments(operation&, int result) const noexcept {
        return {not_opened ? not_opened : result < 0 ? error_of(result) : error_code()};
    }
};

}  // namespace berth::detail
