// See server_parts.hpp. A node that the loop has taken out of its heap runs, whatever happens; what is wanted then is
// asked when it does.
#include "server/server_parts.hpp"

#include <new>
#include <utility>

namespace berth::detail {

shard_timer::shard_timer(server_shard& shard, on_time_function on_time) noexcept : shard_(shard), on_time_(on_time) {
    run = on_run;
}

void shard_timer::set(std::chrono::steady_clock::time_point at) noexcept {
    is_set_ = true;
    wanted_ = at;
    if (kept_ && !shard_.loop.remove(*this)) return;  // it runs soon, and is added again
    if (!kept_) kept_ = shard_.core.shared_from_this();
    due = at;
    try {
        shard_.loop.add(*this);
    } catch (const std::bad_alloc&) {  // no deadline is forgotten for want of a place: it asks again in the next turn
        due = std::chrono::steady_clock::time_point::min();
        shard_.loop.post(*this);
    }
}

void shard_timer::cancel() noexcept {
    is_set_ = false;
    if (kept_ && shard_.loop.remove(*this)) kept_.reset();
}

void shard_timer::on_run(ready_node& node, bool invoke) {
    auto& self = static_cast<shard_timer&>(node);
    const auto kept = std::move(self.kept_);
    if (!invoke || !self.is_set_) return;
    if (self.wanted_ != self.due) return self.set(self.wanted_);
    self.is_set_ = false;
    self.on_time_(self.shard_);
}

}  // namespace berth::detail
