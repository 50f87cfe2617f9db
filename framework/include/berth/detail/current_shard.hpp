// Which shard the calling thread runs.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <cstddef>

namespace berth::detail {

struct current_shard {
    const void* of = nullptr;  ///< the shards; nullptr: the thread runs none
    std::size_t index = 0;
    event_loop* loop = nullptr;
};

/// The calling thread's.
BERTH_DECL current_shard& this_threads_shard() noexcept;

}  // namespace berth::detail
