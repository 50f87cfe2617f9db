// What the shards of a server share: its listening sockets, its limit, its way to an end.
#include "backend/loop_parts.hpp"
#include "platform/server_calls.hpp"
#include "say.hpp"
#include "server/server_parts.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace berth::detail {
namespace {

using clock = std::chrono::steady_clock;

/// An order to a shard, carried to its thread.
struct posted_stop : ready_node {
    std::shared_ptr<shared_core> kept;
    server_shard* shard = nullptr;
    clock::time_point deadline;
};

void check(const server_options& o) {
    using namespace std::chrono_literals;
    if (o.tick < 1ms) throw std::invalid_argument("server_options.tick is below a millisecond; 100 ms is usual");
    for (const auto time : {o.first_byte, o.idle, o.total, o.write}) {
        if (time < server_options::duration::zero()) {
            throw std::invalid_argument("a deadline of server_options is negative; 0 means none");
        }
    }
    if (o.low_watermark > o.high_watermark) {
        throw std::invalid_argument("server_options.low_watermark " + std::to_string(o.low_watermark) +
                                    " is above high_watermark " + std::to_string(o.high_watermark));
    }
}

}  // namespace

std::shared_ptr<server_core> server_core::make(const std::vector<shard_place>& places,
                                               const server_options& options) {
    if (places.empty()) throw std::invalid_argument("a server needs at least one io_context");
    check(options);
    return std::make_shared<shared_core>(places, options);
}

shared_core::shared_core(const std::vector<shard_place>& places, const server_options& asked)
    : options(asked), listeners_left_(places.size()), shards_left_(places.size()) {
    for (const auto& place : places) {
        shards_.push_back(std::make_unique<server_shard>(*this, place, shards_.size()));
    }
}

shared_core::~shared_core() {
    for (auto& socket : listening_) close_listening(socket);
    while (stop_waits_ != nullptr) {
        stop_wait* const wait = std::exchange(stop_waits_, stop_waits_->next);
        shards_.front()->loop.work_finished();
        wait->run(*wait, false);
    }
}

bool shared_core::enter() noexcept {
    const std::uint32_t before = connections_.fetch_add(1);
    if (options.max_connections == 0 || before < options.max_connections) return true;
    connections_.fetch_sub(1);
    return false;
}

void shared_core::leave() noexcept { connections_.fetch_sub(1); }

void shared_core::wake_those_that_wait() noexcept {
    if (shards_that_wait.load() == 0) return;
    const auto kept = shared_from_this();
    for (auto& shard : shards_) shard->room_came(kept);
}

asio::ip::tcp::endpoint shared_core::listen(const asio::ip::tcp::endpoint& on, error_code& ec) {
    listening_.reserve(listening_.size() + 1);
    const auto protocol = on.protocol();
    const native_value fresh = open_native(protocol.family(), protocol.type(), protocol.protocol(), said(ec));
    if (ec) return {};
    listening socket{fresh, bound_port(), protocol == asio::ip::tcp::v6()};
    bind_native(fresh, on.data(), on.size(), said(ec));
    if (!ec) listen_native(fresh, options.backlog, said(ec));
    return keep_listening(std::move(socket), ec);
}

asio::ip::tcp::endpoint shared_core::listen(bound_port port, error_code& ec) {
    ec = {};
    if (!port) ec = asio::error::bad_descriptor;
    if (ec) return {};
    listening_.reserve(listening_.size() + 1);
    const auto native = static_cast<native_value>(port.io_handle());
    return keep_listening({native, std::move(port), false}, ec);
}

asio::ip::tcp::endpoint shared_core::keep_listening(listening socket, error_code& ec) {
    asio::ip::tcp::endpoint local;
    std::size_t size = local.capacity();
    if (!ec) name_native(socket.native, false, local.data(), &size, said(ec));
    if (!ec && (is_started_.load() || is_stopping_.load())) ec = asio::error::already_started;
    if (ec) {
        close_listening(socket);
        return {};
    }
    local.resize(size);
    socket.is_ipv6 = local.protocol() == asio::ip::tcp::v6();
    listening_.push_back(std::move(socket));
    return local;
}

void shared_core::close_listening(listening& socket) noexcept {
    error_code ignored;
    if (socket.port) {
        socket.port.give_back(ignored);
    } else if (socket.native != -1) {
        close_native(socket.native, said(ignored));
    }
    socket.native = -1;
}

native_value shared_core::copy_of(listening& socket, error_code& ec) noexcept {
    ec = {};
    if (socket.port) return static_cast<native_value>(socket.port.duplicate(ec));
    int error = 0;
    const native_value copy = platform::duplicate(socket.native, error);
    if (error != 0) ec = {error, asio::error::get_system_category()};
    return copy;
}

void shared_core::start(const session_hooks& calls, std::shared_ptr<void> who, error_code& ec) {
    ec = {};
    if (listening_.empty()) ec = asio::error::not_socket;
    if (is_stopping_.load() || (!ec && is_started_.exchange(true))) ec = asio::error::already_started;
    if (ec) return;
    if (platform::lacks_syn_cookies()) {
        log_words(log_level::warning, [] {
            return "a server starts while net.ipv4.tcp_syncookies is 0: a flood of SYNs would keep its clients out; set it "
                   "to 1";
        });
    }
    hooks = calls;
    handler = std::move(who);
    for (auto& shard : shards_) {
        loop_parts::perform(shard->loop, [&]() noexcept {
            for (auto& socket : listening_) {
                const native_value copy = ec ? -1 : copy_of(socket, ec);
                if (!ec) shard->add_listener(copy, socket.is_ipv6, ec);
            }
        });
    }
    if (ec) end();
}

// Each shard has closed its descriptors. Who is in the queue by now has been told by the system that we are there.
void shared_core::listeners_closed(server_shard& by) noexcept {
    if (listeners_left_.fetch_sub(1) != 1) return;
    for (auto& socket : listening_) {
        while (is_started_.load() && !is_ending_.load() && !is_leaving_.load()) {
            error_code ec;
            asio::ip::tcp::endpoint remote;
            std::size_t size = remote.capacity();
            const native_value accepted = accept_native(socket.native, remote.data(), &size, true, said(ec));
            if (ec) break;
            remote.resize(std::min(size, remote.capacity()));
            if (!by.admit(accepted, socket.is_ipv6, remote)) by.refuse(accepted);
        }
        close_listening(socket);
    }
}

void shared_core::stop(clock::duration deadline, stop_wait* done) {
    std::vector<std::unique_ptr<posted_stop>> orders(shards_.size());  // all, before any is given
    for (auto& order : orders) order = std::make_unique<posted_stop>();
    is_stopping_.store(true);
    if (done != nullptr) {
        const std::lock_guard lock(gate_);
        if (shards_left_ == 0) {
            if (has_cut_) done->ec = asio::error::timed_out;
            return shards_.front()->loop.post(*done);
        }
        done->next = std::exchange(stop_waits_, done);
        shards_.front()->loop.work_started();
    }
    constexpr clock::duration longest = std::chrono::hours(24 * 365);
    const auto at = clock::now() + std::clamp(deadline, clock::duration::zero(), longest);
    for (auto& shard : shards_) {
        auto* const order = orders.back().release();
        orders.pop_back();
        order->kept = shared_from_this();
        order->shard = shard.get();
        order->deadline = at;
        order->run = [](ready_node& node, bool invoke) {
            const std::unique_ptr<posted_stop> mine(static_cast<posted_stop*>(&node));
            if (invoke) mine->shard->begin_stop(mine->deadline);
        };
        shard->loop.post(*order);
    }
}

void shared_core::leave(clock::duration deadline, stop_wait* done) {
    if (!is_stopping_.load()) is_leaving_.store(true);
    stop(deadline, done);
}

void shared_core::shard_stopped(bool has_cut) noexcept {
    const std::lock_guard lock(gate_);
    has_cut_ = has_cut_ || has_cut;
    if (--shards_left_ != 0) return;
    while (stop_waits_ != nullptr) {
        stop_wait* const wait = std::exchange(stop_waits_, stop_waits_->next);
        if (has_cut_) wait->ec = asio::error::timed_out;
        shards_.front()->loop.post(*wait);
        shards_.front()->loop.work_finished();
    }
}

void shared_core::end() noexcept {
    is_stopping_.store(true);
    is_ending_.store(true);
    for (auto& shard : shards_) loop_parts::perform(shard->loop, [&]() noexcept { shard->end(); });
}

server_statistics shared_core::statistics(std::size_t i) const noexcept {
    const shard_books& b = shards_[i]->books;
    const auto read = [](const shard_books::counter& c) { return c.load(std::memory_order_acquire); };
    server_statistics s;
    s.ended = read(b.ended);
    s.accepted = std::max(read(b.accepted), s.ended);  // written in between
    s.active = s.accepted - s.ended;
    s.refused_by_limit = read(b.refused_by_limit);
    s.refused_by_address = read(b.refused_by_address);
    s.bytes_in = read(b.bytes_in);
    s.bytes_out = read(b.bytes_out);
    s.first_byte_timeouts = read(b.timeouts[0]);
    s.idle_timeouts = read(b.timeouts[1]);
    s.total_timeouts = read(b.timeouts[2]);
    s.write_timeouts = read(b.timeouts[3]);
    s.aborted = read(b.aborted);
    s.cut = read(b.cut);
    s.handler_failures = read(b.handler_failures);
    s.accept_backoffs = read(b.accept_backoffs);
    s.accept_errors = read(b.accept_errors);
    return s;
}

}  // namespace berth::detail
