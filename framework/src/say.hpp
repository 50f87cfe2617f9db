// Words for a failure where nothing may be thrown: they need memory, and without it the code alone has to do.
#pragma once

#include "log.hpp"

#include <berth/error.hpp>

#include <new>

namespace berth::detail {

template <class Words>
void say(failure& f, Words words) noexcept {
    try {
        f.what = words();
    } catch (const std::bad_alloc&) {
        f.what.clear();
    }
}

/// Or the log's line, which then is not written.
template <class Words>
void log_words(log_level level, Words words) noexcept {
    try {
        log(level, words());
    } catch (const std::bad_alloc&) {
    }
}

}  // namespace berth::detail
