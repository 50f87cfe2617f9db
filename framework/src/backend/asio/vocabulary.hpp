// Asio's names as this backend uses them: one kind of socket, addresses and buffers that stay where they are.
//
// Asio's own classes differ by protocol at compile time, an attachment does not: so there is one protocol, whose type
// is known at run time, and one socket class for streams, datagrams and listeners. Included with `asio` defined as
// another name (see CMakeLists.txt): no header here may include a public header of berth that names Asio.
#pragma once

#include <berth/detail/operation.hpp>

#include <asio/basic_datagram_socket.hpp>
#include <asio/buffer.hpp>
#include <asio/generic/datagram_protocol.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace berth::detail {

class address_in_place;

/// A protocol in Asio's sense.
class any_transport {
public:
    using endpoint = address_in_place;

    any_transport() = default;
    any_transport(bool is_datagram, bool is_ipv6)
        : family_(is_ipv6 ? ASIO_OS_DEF(AF_INET6) : ASIO_OS_DEF(AF_INET)),
          type_(is_datagram ? asio::generic::datagram_protocol(0, 0).type()
                            : asio::generic::stream_protocol(0, 0).type()) {}
    [[nodiscard]] int family() const { return family_; }
    [[nodiscard]] int type() const { return type_; }
    [[nodiscard]] int protocol() const { return 0; }

private:
    int family_ = 0;
    int type_ = 0;
};

/// An endpoint in Asio's sense that refers to somebody's memory instead of holding an address.
class address_in_place {
public:
    using protocol_type = any_transport;
    using data_type = asio::detail::socket_addr_type;

    address_in_place() = default;
    address_in_place(void* data, std::size_t size) : data_(data), size_(size), capacity_(size) {}
    [[nodiscard]] protocol_type protocol() const { return {}; }
    data_type* data() { return static_cast<data_type*>(data_); }
    [[nodiscard]] const data_type* data() const { return static_cast<const data_type*>(data_); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    void resize(std::size_t size) { size_ = size; }

private:
    void* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// The parts of an operation as a sequence of Asio's buffers. Refers to the parts.
template <class Buffer>
class part_sequence {
public:
    class const_iterator {
    public:
        using iterator_category = std::bidirectional_iterator_tag;
        using value_type = Buffer;
        using difference_type = std::ptrdiff_t;
        using pointer = const Buffer*;
        using reference = Buffer;

        const_iterator() = default;
        explicit const_iterator(const buffer_part* at) : at_(at) {}
        reference operator*() const { return Buffer(at_->data, at_->size); }
        const_iterator& operator++() { return ++at_, *this; }
        const_iterator& operator--() { return --at_, *this; }
        const_iterator operator++(int) { return const_iterator(at_++); }
        const_iterator operator--(int) { return const_iterator(at_--); }
        bool operator==(const const_iterator&) const = default;

    private:
        const buffer_part* at_ = nullptr;
    };
    using value_type = Buffer;

    explicit part_sequence(const message_operation& op) : first_(op.parts), count_(op.part_count) {}
    [[nodiscard]] const_iterator begin() const { return const_iterator(first_); }
    [[nodiscard]] const_iterator end() const { return const_iterator(first_ + count_); }

private:
    const buffer_part* first_;
    std::uint32_t count_;
};

using parts_to_fill = part_sequence<asio::mutable_buffer>;
using parts_to_send = part_sequence<asio::const_buffer>;

/// As many as Asio takes of a sequence; a datagram of more would be cut short without a word.
inline constexpr std::uint32_t most_parts = 64;

}  // namespace berth::detail
