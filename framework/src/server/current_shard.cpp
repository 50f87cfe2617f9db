// One for each thread, in the library, so that all parts of a program see the same.
#include <berth/detail/current_shard.hpp>

namespace berth::detail {

current_shard& this_threads_shard() noexcept {
    thread_local current_shard mine;
    return mine;
}

}  // namespace berth::detail
