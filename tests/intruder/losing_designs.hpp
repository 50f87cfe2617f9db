// The designs that were tried for holding a port and lose it, kept as negative controls for the intruders.
//
// Each holds one port (number from the kernel) and hands it over again and again in its own way. own_failures()
// counts cycles that an intruder spoiled. None of this is berth's code.
#pragma once

#include "attack_variations.hpp"

#include <cstdint>

namespace berth::test {

class losing_design {
public:
    virtual ~losing_design();
    virtual void hand_over_once() = 0;
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::uint64_t own_failures() const noexcept { return own_failures_; }

protected:
    int held_ = -1;
    std::uint16_t port_ = 0;
    std::uint64_t own_failures_ = 0;
};

/// A guard stays bound; the worker's socket is bound over it while both have SO_REUSEADDR.
class bind_over_guard : public losing_design {
public:
    explicit bind_over_guard(attacked what);
    void hand_over_once() override;

private:
    attacked what_;
};

/// One TCP listener: shutdown parks it, listen opens it again.
class listen_again : public losing_design {
public:
    listen_again();
    void hand_over_once() override;

private:
    std::uint64_t openings_ = 0;
};

/// One socket for holder and session: connect narrows its local address, the others are free meanwhile.
class connect_the_only_socket : public losing_design {
public:
    explicit connect_the_only_socket(attacked what);
    ~connect_the_only_socket() override;
    void hand_over_once() override;

private:
    attacked what_;
    int peer_ = -1;
    std::uint16_t peer_port_ = 0;
};

/// Nothing stays: the socket is closed at give back and the number bound again at take.
class bind_again : public losing_design {
public:
    explicit bind_again(attacked what);
    void hand_over_once() override;

private:
    attacked what_;
};

/// A holder that covers IPv4 alone. Nothing is handed over: it loses standing still.
class hold_ipv4_alone : public losing_design {
public:
    explicit hold_ipv4_alone(attacked what);
    void hand_over_once() override;
};

/// Not a loser: a plain dual-stack holder, which shows that the intruders' hits are the designs' fault.
class hold_both_families : public losing_design {
public:
    explicit hold_both_families(attacked what);
    void hand_over_once() override;
};

}  // namespace berth::test
