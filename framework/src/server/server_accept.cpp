// Accepting on a shard: limits, and what is done when the system has nothing left to accept with.
//
// The loop stays free: what cannot be accepted now waits in the system's queue, a timer (10 ms, doubling to 1 s) or
// the next connection that ends brings it back. A multishot accept would take what is to wait; and where several rings
// accept from one socket it keeps its place in front, so that one shard gets all (measured: 10,000 of 10,000), while
// single accepts take turns. So it is used only by one shard, and where nothing waits.
#include "platform/server_calls.hpp"
#include "server/server_parts.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

constexpr std::chrono::milliseconds first_delay{10}, last_delay{1000};

}  // namespace

shard_listener::shard_listener(server_shard& shard, native_value descriptor, attachment* attached, bool ipv6) noexcept
    : is_ipv6(ipv6), shard_(shard), kept_(shard.core.shared_from_this()), native_(descriptor), attached_(attached) {
    static constexpr operation_kind accepting{on_accepted, on_destroy};
    kind = &accepting;
}

void shard_listener::arm() noexcept {
    if (is_armed_ || is_closed_ || held != -1 || !shard_.may_accept()) return;
    const server_options& options = shard_.core.options;
    what = verb::accept;
    many = shard_.core.size() == 1 && (options.max_connections == 0 || options.when_full == beyond_limit::reset);
    flags = 0;
    socket = attached_;
    address = options.max_connections_per_address != 0 ? source.data() : nullptr;
    address_size = static_cast<std::uint32_t>(source.capacity());
    is_armed_ = true;
    shard_.loop.start(*this);
}

void shard_listener::close() noexcept {
    if (is_closed_) return;
    is_closed_ = true;
    if (held != -1) shard_.refuse(std::exchange(held, -1));
    shard_.loop.detach(std::exchange(attached_, nullptr));
    error_code ignored;
    close_native(native_, said(ignored));
    if (!is_armed_) delete this;
}

bool shard_listener::disarm() noexcept {
    if (is_armed_) shard_.loop.cancel(*this);
    return !is_armed_;
}

void shard_listener::on_accepted(operation& op, const completion& c) {
    const int result = c.result;
    auto& self = static_cast<shard_listener&>(op);
    if (!self.is_closed_) {
        self.shard_.accepted(self, result);
    } else if (result >= 0) {
        platform::close_with_reset(result);
    }
    if (c.more) return;
    self.is_armed_ = false;
    if (self.is_closed_) {
        delete &self;
    } else {
        self.arm();
        if (!self.is_armed_) self.shard_.listener_disarmed();
    }
}

void shard_listener::on_destroy(operation& op) noexcept {
    auto& self = static_cast<shard_listener&>(op);
    self.is_armed_ = false;
    if (self.is_closed_) delete &self;
}

void server_shard::add_listener(native_value socket, bool is_ipv6, error_code& ec) {
    attachment* const attached = loop.attach(socket, false, is_ipv6, ec);
    if (ec) {
        error_code ignored;
        close_native(socket, said(ignored));
        return;
    }
    try {
        listeners_.reserve(listeners_.size() + 1);
        listeners_.push_back(new shard_listener(*this, socket, attached, is_ipv6));
    } catch (const std::bad_alloc&) {
        ec = asio::error::no_memory;
        error_code ignored;
        loop.detach(attached);
        close_native(socket, said(ignored));
        return;
    }
    listeners_.back()->arm();
}

void server_shard::accepted(shard_listener& listener, int result) noexcept {
    if (result < 0) {
        if (is_leaving_) return;  // called off
        switch (platform::accept_trouble_of(-result)) {
            case platform::accept_trouble::aborted: return;
            case platform::accept_trouble::connection: return shard_books::add(books.accept_errors);
            case platform::accept_trouble::other: shard_books::add(books.accept_errors); [[fallthrough]];
            case platform::accept_trouble::shortage: return back_off();
        }
        return;
    }
    delay_ = first_delay;
    if (core.options.max_connections_per_address != 0) listener.source.resize(listener.address_size);
    if (admit(result, listener.is_ipv6, listener.source)) return;
    if (core.options.when_full == beyond_limit::reset) return refuse(result);
    listener.held = result;
    wait_for_room();
}

void server_shard::refuse(native_value socket) noexcept {
    platform::close_with_reset(socket);
    shard_books::add(books.refused_by_limit);
}

bool server_shard::admit(native_value socket, bool is_ipv6, const asio::ip::tcp::endpoint& remote) noexcept {
    if (!core.enter()) return false;
    const bool limits_addresses = core.options.max_connections_per_address != 0;
    const std::uint64_t key = limits_addresses ? address_limits::key_of(remote) : 0;
    session* s = nullptr;
    attachment* attached = nullptr;
    bool is_counted = false;
    try {
        if (limits_addresses) {
            is_counted = core.addresses.enter(key, core.options.max_connections_per_address);
            if (!is_counted) {
                shard_books::add(books.refused_by_address);
                platform::close_with_reset(socket);
                core.leave();
                return true;
            }
        }
        error_code ec;
        attached = loop.attach(socket, false, is_ipv6, ec);
        if (!ec) s = new (loop.allocate(session_size())) session(*this, socket, attached);
    } catch (const std::bad_alloc&) {
        if (attached != nullptr) loop.detach(attached);
    }
    if (s == nullptr) {
        shard_books::add(books.accept_errors);
        platform::close_with_reset(socket);
        if (is_counted) core.addresses.leave(key);
        core.leave();
        return true;
    }
    s->address_key_ = key;
    s->has_address_key_ = limits_addresses;
    shard_books::add(books.accepted);
    session_opened();
    wheel.insert(*s);
    const session_reference kept(*s);
    core.hooks.opened(core.handler.get(), *s);
    if (core.hooks.received != nullptr) s->begin_reading();
    s->drop_reference();
    return true;
}

void server_shard::back_off() noexcept {
    if (is_backing_off_ || is_stopping) return;
    is_backing_off_ = true;
    shard_books::add(books.accept_backoffs);
    retry_timer_.set(std::chrono::steady_clock::now() + delay_);
    delay_ = std::min(delay_ * 2, last_delay);
    wait_for_room();
}

// Whoever makes room looks at the state after it did; so a look at the room after the state is said loses none.
void server_shard::wait_for_room() noexcept {
    int expected = not_waiting;
    if (!room_.state.compare_exchange_strong(expected, waiting)) return;
    core.shards_that_wait.fetch_add(1);
    admit_held();
}

void server_shard::admit_held() noexcept {
    for (auto* listener : listeners_) {
        if (listener->held == -1 || !admit(listener->held, listener->is_ipv6, listener->source)) continue;
        listener->held = -1;
        listener->arm();
    }
}

void server_shard::room_came(const std::shared_ptr<shared_core>& kept) noexcept {
    int expected = waiting;
    if (!room_.state.compare_exchange_strong(expected, posted)) return;
    core.shards_that_wait.fetch_sub(1);
    room_.kept = kept;
    loop.post(room_);
}

void server_shard::try_again() noexcept {
    if (is_stopping) return;
    is_backing_off_ = false;
    retry_timer_.cancel();
    admit_held();
    bool is_waiting = false;
    for (auto* listener : listeners_) {
        is_waiting = is_waiting || listener->held != -1;
        listener->arm();
    }
    if (is_waiting) wait_for_room();
}

}  // namespace berth::detail
