// A socket object over the model kernel's numbers, in Asio's manner as far as bound<> asks: what a worker takes.
//
// It does what a worker may do to it behind the library's back: close it, or let another have it.
#pragma once

#include "simulation/model_system.hpp"

#include <berth/bound.hpp>

#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <utility>

namespace berth::simulation {

struct no_executor {};

template <class Protocol>
class number_socket {
public:
    using protocol_type = Protocol;
    using native_handle_type = berth::native_handle_type;

    explicit number_socket(const no_executor&) noexcept {}
    number_socket(number_socket&& other) noexcept : number_(std::exchange(other.number_, -1)), lent_(other.lent_) {}
    number_socket& operator=(number_socket&& other) noexcept {
        error_code ignored;
        close(ignored);
        number_ = std::exchange(other.number_, -1);
        lent_ = other.lent_;
        return *this;
    }
    ~number_socket() {
        error_code ignored;
        close(ignored);
    }

    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
    void assign_own(const Protocol&, native_handle_type number, error_code& ec) noexcept {
        ec = {};
        number_ = number;
    }
    [[nodiscard]] bool was_lent() const noexcept { return lent_; }
    [[nodiscard]] bool is(native_handle_type number) const noexcept { return is_open() && number_ == number; }
    /// For the world's eyes: lends nothing.
    [[nodiscard]] native_handle_type number() const noexcept { return number_; }
    [[nodiscard]] native_handle_type native_handle() noexcept {
        lent_ = true;
        return number_;
    }
    native_handle_type release(error_code& ec) noexcept {
        ec = {};
        return std::exchange(number_, -1);
    }
    void close(error_code& ec) noexcept {
        ec = {};
        if (is_open()) ec = model_system::kernel().close(std::exchange(number_, -1));
    }
    [[nodiscard]] typename Protocol::endpoint local_endpoint(error_code& ec) const noexcept {
        const std::uint16_t port = is_open() ? model_system::kernel().bound_port_of(number_) : std::uint16_t{0};
        if (port == 0) ec = asio::error::bad_descriptor;
        return typename Protocol::endpoint(Protocol::v6(), port);
    }

private:
    native_handle_type number_ = -1;
    bool lent_ = false;
};

template <class Protocol>
struct number_acceptor : number_socket<Protocol> {
    using number_socket<Protocol>::number_socket;
    void listen() noexcept {}
};

}  // namespace berth::simulation
