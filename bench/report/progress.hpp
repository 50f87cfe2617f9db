// One line that says how far the run is. On a terminal only: in a file or a pipe nothing of it is left.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

namespace berth::bench {

class progress {
public:
    explicit progress(std::size_t steps)
        : steps_(std::max<std::size_t>(steps, 1)), shown_(isatty(STDERR_FILENO) == 1) {}
    ~progress() {
        if (shown_) fmt::print(stderr, "\r\033[K");
    }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void step(std::string_view what) {
        if (!shown_) return;
        constexpr std::size_t width = 24;
        const std::size_t filled = std::min(done_ * width / steps_, width);
        fmt::print(stderr, "\r\033[K[{}{}] {:3}%  {}", std::string(filled, '#'), std::string(width - filled, '.'),
                   std::min<std::size_t>(done_ * 100 / steps_, 100), what);
        std::fflush(stderr);
        ++done_;
    }

private:
    std::size_t steps_;
    std::size_t done_ = 0;
    bool shown_;
};

}  // namespace berth::bench
