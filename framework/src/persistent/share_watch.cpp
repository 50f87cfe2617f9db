// A share's thread: the daemon's wishes, what is idle in excess, and the end of a connection; see block_share.hpp.
#include "log.hpp"
#include "persistent/block_share.hpp"
#include "platform/quiet_thread.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto while_wanted = 20ms;  // between two looks for idle ports that are wanted back, at first
constexpr auto otherwise = 1000ms;

}  // namespace

// Without memory it goes on as if it had slept.
void block_share::watch() noexcept {
    platform::name_this_thread("berth share");
    for (bool goes_on = true; goes_on;) {
        try {
            goes_on = watch_once();
        } catch (const std::exception&) {
            platform::service_channel::pause(while_wanted);
        }
    }
}

bool block_share::watch_once() {
    std::shared_ptr<platform::service_channel> channel;
    auto pause = otherwise;
    bool looks = false;
    {
        const std::lock_guard lock(talking_);
        if (is_closed_) return is_watched_ = false;
        channel = channel_;
        looks = wants_all_ || must_say_holding_;
        if (looks) pause = pause_ = std::clamp(2 * pause_, while_wanted, otherwise);
    }
    channel ? channel->wait(pause) : platform::service_channel::pause(otherwise);
    const auto core = core_.lock();
    if (core && (looks || core->only_lane()->anything_condemned())) core->reclaim();
    const std::lock_guard lock(talking_);
    if (!core || is_closed_) return is_watched_ = false;
    auto& lane = *core->only_lane();
    if (!lost_.empty() && !lane.has_stranded()) lost_.clear();
    if (!channel_ || channel != channel_) return true;
    failure f;
    for (turn what = turn::answered; what != turn::none; f = {}) {
        what = take_one(lane, asked_ + 1, f);
        if (what != turn::lost) continue;
        log(log_level::warning, "a share of a persistent block: " + f.what);
        lose_channel(lane);
        return true;
    }
    tidy(lane);
    return true;
}

// What is here stays whoever's it is and no longer: nobody knows of it any more.
void block_share::lose_channel(port_lane& lane) {
    lane.strand();
    if (lane.has_stranded()) lost_.push_back(channel_);
    channel_.reset();
    epoch_ = number_ = 0;
    wants_all_ = must_say_holding_ = false;
}

void block_share::tidy(port_lane& lane) {
    if (must_say_holding_) say_holding(lane);
    const auto idle = lane.ready();
    if (wants_all_) {
        if (send_idle(lane, ~std::uint32_t{0}, false)) pause_ = {};
        return;
    }
    if (idle > 2 * options_.fetch) send_idle(lane, (idle - options_.fetch + 1) / 2, false);
}

void block_share::start_watching() {
    if (is_watched_) return;
    auto* const self = new std::shared_ptr<block_share>(shared_from_this());
    try {
        platform::start_quiet_thread(
            [](void* argument) {
                const std::unique_ptr<std::shared_ptr<block_share>> share(
                    static_cast<std::shared_ptr<block_share>*>(argument));
                (*share)->watch();
            },
            self);
    } catch (...) {
        delete self;
        throw;
    }
    is_watched_ = true;
}

}  // namespace berth::detail
