// A process of its own that is a hundred servers: each says back what it hears, and knows from where it was asked.
//
// What it sees is the truth about source ports: the other end of its accepted connections. Ends with its parent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace berth::bench {

/// Of the connections that are open at the moment of the question.
struct seen {
    std::uint32_t open = 0;
    std::uint32_t of_block = 0;  ///< whose other end is a port of the block
    std::uint32_t ports = 0;     ///< different ports of the block among them
    std::uint32_t twice = 0;     ///< with both ends alike: cannot be
};

class destinations {
public:
    /// Forks; so before there are threads. Throws std::system_error.
    explicit destinations(std::uint32_t count);
    destinations(const destinations&) = delete;
    destinations& operator=(const destinations&) = delete;
    ~destinations();

    /// On 127.0.0.1.
    [[nodiscard]] const std::vector<std::uint16_t>& ports() const noexcept { return ports_; }
    [[nodiscard]] seen look(std::uint16_t first, std::uint32_t count) const;

private:
    std::vector<std::uint16_t> ports_;
    int line_ = -1;
    pid_t child_ = -1;
};

}  // namespace berth::bench
