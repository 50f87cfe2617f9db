// The walk's operations on whole blocks: reserve, reclaim and release, and what becomes of a block that ended.
#include "scenario/oracle_walk.hpp"

#include <utility>

namespace berth::test {

void oracle_walk::do_reserve() {
    reservation_request request{.protocol = kind_.protocol, .family = kind_.family, .use = kind_.use};
    request.park = kind_.park;
    request.block = {0, block_size};
    const bool again = last_ended_.first != 0 && below(2) == 0;
    if (again) request.block = last_ended_;
    failure f;
    auto got = port_reservation::reserve(request, f);
    const bool refusal_due = again && anything_left_on(request.block);
    note(f ? "reserve refused" : "reserve", again ? " again" : "");
    require(static_cast<bool>(f) == refusal_due, "reserve: " + (f ? f.what : "succeeded over somebody's socket"));
    if (f) return require(f.code == errc::block_unavailable, "reserve: " + f.what);
    if (again) last_ended_ = {};
    look_now_ = true;
    const port_block block = got.block();
    require(block.count == block_size && block.first != 0, "the block is not what was asked for");
    for (std::uint32_t i = 0; i < block_size; ++i) ended_.erase(static_cast<std::uint16_t>(block.first + i));
    live_.push_back({});
    live_.back().reservation = std::move(got);
    live_.back().block = block;
}

void oracle_walk::do_reclaim(live_block& b) {
    note("reclaim");
    b.reservation.reclaim();
    looked(b);
}

void oracle_walk::do_release(std::size_t which) {
    auto& b = live_[which];
    const std::uint32_t way = below(5);
    while (way == 1 && count(b, {place::handle}) != 0) do_give_back(b);
    const std::uint32_t out = count(b, {place::handle, place::callers});
    if (way == 0) {
        note("detach", " by the destructor");
        b.reservation = port_reservation();
        return end_block(which);
    }
    failure f;
    b.reservation.release(f, way < 3 ? if_taken::refuse : if_taken::detach);
    note(f ? "release refused" : way < 3 ? "release" : "detach", ' ' + std::to_string(b.block.first));
    if (way >= 3 || out == 0) {
        require(!f, "release: " + f.what);
        return end_block(which);
    }
    require(f.code == errc::reservation_busy && f.count == out,
            std::to_string(out) + " sockets are out, release says: " + f.what);
    looked(b);
}

void oracle_walk::end_block(std::size_t which) {
    auto& b = live_[which];
    for (std::uint32_t i = 0; i < block_size; ++i) {
        auto& slot = b.slots[i];
        ended_.insert(static_cast<std::uint16_t>(b.block.first + i));
        if (slot.handle) detached_.push_back({std::move(slot.handle), slot.holder});
        if (slot.callers >= 0) keep(slot.callers, false);
        for (const int fd : slot.duplicates) keep(fd, false);
    }
    last_ended_ = b.block;
    look_now_ = true;
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(which));
}

}  // namespace berth::test
