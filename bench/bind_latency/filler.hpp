// The sockets that make a range crowded: they live in child processes, so that filling costs this process no
// descriptors.
//
// Invariant: `bound()` is what the children hold now. They end when this object or this process does. Create it
// before any reservation and any thread: children inherit descriptors, and an inherited holder would keep its port.
#pragma once

#include <berth/port_block.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace berth::bench {

enum class protocol : std::uint8_t { udp, tcp };
enum class fill_style : std::uint8_t {
    none,       // nothing is bound
    by_kernel,  // bind(0), or connect() for the outbound part, until enough: the kernel chose every port
    at_random,  // bind(port), ports drawn at random from the range
};

[[nodiscard]] std::string_view name_of(protocol p) noexcept;
[[nodiscard]] std::string_view name_of(fill_style s) noexcept;

class filler {
public:
    filler(port_block range, std::uint64_t descriptors);
    ~filler();
    filler(const filler&) = delete;
    filler& operator=(const filler&) = delete;

    /// Binds until `count` ports of the range are bound. Throws std::runtime_error if the system refuses.
    void fill_to(protocol p, fill_style style, std::uint32_t count);
    /// Connects to a loopback listener until `count` ports are used up for it: connect() chose every one.
    void connect_to(std::uint16_t listener, std::uint32_t count);
    void clear();

    [[nodiscard]] std::uint32_t bound() const noexcept { return bound_; }
    /// The ports of the range that nothing is bound to, in random order.
    [[nodiscard]] std::vector<std::uint16_t> free_ports() const;

private:
    struct child {
        pid_t pid = -1;
        int channel = -1;
        std::uint32_t room = 0;
    };
    void ask(std::uint8_t verb, protocol p, std::uint16_t listener, const std::vector<std::uint16_t>& ports,
             std::uint32_t count);

    port_block range_;
    std::vector<child> children_;
    std::vector<bool> taken_;
    std::uint32_t bound_ = 0;
};

}  // namespace berth::bench
