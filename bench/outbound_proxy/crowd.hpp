// Many connections at once through an entrance, each shown to be up by a byte that came back from its destination.
#pragma once

#include "outbound_proxy/entrance.hpp"

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace berth::bench {

class crowd {
public:
    /// `to`: the destinations' ports on 127.0.0.1.
    crowd(entrance by, std::vector<std::uint16_t> to);
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd();

    struct outcome {
        std::size_t up = 0;                  ///< of those that were tried
        std::map<int, std::size_t> refused;  ///< by the proxy, by its status; -1: cut off or silent
    };
    /// `each` more connections to every destination, 64 on their way at a time. Waits for all, `limit` seconds at
    /// most.
    outcome open(std::size_t each, int limit = 60);
    /// One more to a destination, waited for. Nanoseconds from the first call to the byte that came back; status: 0,
    /// or as in outcome. Closed again unless it is kept.
    struct probe {
        std::int64_t time = 0;
        int status = 0;
    };
    probe one(std::size_t destination, bool keep);
    /// Ends one of each destination; or all.
    void close_one_of_each();
    void close_all();
    [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

private:
    int begin(std::size_t destination, bool nonblocking) const;

    entrance by_;
    std::vector<std::uint16_t> to_;
    std::vector<std::pair<int, std::size_t>> open_;  ///< descriptor, destination
};

}  // namespace berth::bench
