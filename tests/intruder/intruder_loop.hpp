// One intruder: the child's side of an intruder_crew. Runs from fork until told to stop, and never returns.
//
// It reads its orders before each attempt, so once it has acknowledged an order no older attempt is under way.
#pragma once

#include "attack_variations.hpp"
#include "intruder_page.hpp"

#include <unistd.h>

#include <cstdint>
#include <span>
#include <vector>

namespace berth::test {

class intruder_loop {
public:
    intruder_loop(intruder_page& page, intruder_tally& tally, std::span<const attack_variation> variations,
                  attacked what, unsigned number);

    [[noreturn]] void run(pid_t parent, uid_t become);

private:
    struct kept_hit {
        int descriptor;
        std::uint16_t port;
    };

    void settle(pid_t parent, uid_t become);
    void obey();
    void drop_kept();
    void serve_kept();
    [[nodiscard]] std::uint16_t pick_port();
    [[nodiscard]] std::size_t pick_variation();
    void attempt(std::size_t index, std::uint16_t port);
    void hit(int descriptor, std::size_t index, std::uint16_t port, std::uint32_t promise);
    [[nodiscard]] bool set_options(int descriptor, const attack_variation& v, std::uint16_t port) const;
    [[nodiscard]] int get_onto_port(int descriptor, const attack_variation& v, std::uint16_t port) const;
    [[nodiscard]] bool reach_sink(int descriptor, const attack_variation& v) const;
    void skip(std::size_t index);
    std::uint32_t random() noexcept;

    intruder_page& page_;
    intruder_tally& tally_;
    std::span<const attack_variation> variations_;
    attacked what_;
    std::vector<bool> skipped_;
    std::vector<std::size_t> sharp_;
    std::vector<kept_hit> kept_;
    std::size_t next_ = 0;      // of the walk over the whole list
    std::size_t last_hit_ = 0;  // what worked once is tried again
    std::uint32_t first_ = 0, count_ = 0;
    bool ambush_ = false;
    std::uint32_t random_state_;
    std::uint16_t sink_port_ = 0;
};

}  // namespace berth::test
