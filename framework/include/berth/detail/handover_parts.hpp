// The compiled part of a hand-over, without a word of Asio's executors; see handover.hpp.
#pragma once

#include <berth/port_reservation.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::inline v0_1 {

/// A port that the predecessor named: it was serving with it, and the successor goes on.
struct handed_port {
    std::string name;
    std::string reservation;  ///< the name of its reservation
    transport protocol;       ///< tcp or udp
    tcp_use use;              ///< of a TCP port
    address_family family;
    std::uint16_t port;  ///< host byte order
};

/// A reservation that came over.
struct handed_reservation {
    std::string name;
    reservation_request request;  ///< as it was made; its block is specific
};

}  // namespace berth::v0_1

namespace berth::detail {

class offering {
public:
    BERTH_DECL static std::shared_ptr<offering> open(const std::string& address, failure& f) noexcept;
    /// Of an object that offers nothing.
    BERTH_DECL static void offers_nothing(failure& f) noexcept;
    offering() = default;
    offering(const offering&) = delete;
    offering& operator=(const offering&) = delete;
    virtual ~offering() = default;

    virtual void add(const port_reservation& r, std::string name, failure& f) noexcept = 0;
    virtual void serve(const port_reservation& r, transport protocol, std::uint16_t port, std::string name,
                       failure& f) noexcept = 0;
    /// Readable when advance() has something to do.
    [[nodiscard]] virtual native_handle_type waits_on() const noexcept = 0;
    /// True: a successor has everything, or ec says why none can come.
    virtual bool advance(error_code& ec) = 0;
    /// The attempt under way is called off. False: too late, a successor is using what it got.
    virtual bool abort() = 0;
    [[nodiscard]] virtual const failure& why() const noexcept = 0;
    [[nodiscard]] virtual bool is_passing() const noexcept = 0;
};

class receiving {
public:
    BERTH_DECL static std::unique_ptr<receiving> receive(const std::string& address,
                                                         std::chrono::milliseconds patience, failure& f) noexcept;
    receiving() = default;
    receiving(const receiving&) = delete;
    receiving& operator=(const receiving&) = delete;
    virtual ~receiving() = default;

    [[nodiscard]] virtual const std::vector<handed_reservation>& reservations() const noexcept = 0;
    [[nodiscard]] virtual const std::vector<handed_port>& ports() const noexcept = 0;
    virtual port_reservation take_reservation(std::string_view name, error_code& ec) = 0;
    virtual bound_port take_port(std::size_t i, error_code& ec) = 0;
    virtual void complete() = 0;
    virtual std::shared_ptr<offering> offer(failure& f) noexcept = 0;
};

}  // namespace berth::detail
