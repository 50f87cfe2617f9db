// See stream_client.hpp.
#include "stream_client.hpp"

#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace relay {
namespace {

constexpr std::size_t small_room = 4096;  // bytes; most messages are below 1,500
constexpr std::array<std::uint8_t, 3> zeros{};

}  // namespace

stream_client::stream_client(turn_shard& shard, berth::connection connection, asio::ssl::context* tls)
    : shard_(shard), connection_(std::move(connection)), idle_since_(shard.now()) {
    if (tls != nullptr) tls_ = std::make_unique<tls_stream>(connection_, *tls);
    berth::error_code ec;
    const auto remote = connection_.remote_endpoint(ec);
    remote_ = {remote.address(), remote.port()};
    connection_.set_option(asio::ip::tcp::no_delay(true), ec);
}

bool stream_client::send(const asio::ip::udp::endpoint&, bytes_view head, bytes_view body, std::size_t padding) {
    const std::size_t size = head.size() + body.size() + padding;
    const std::size_t waiting = tls_ ? outgoing_size_ : connection_.queued();
    if (is_over_ || waiting + size > shard_.shared().limit.stream_backlog) return false;
    if (!tls_) {
        connection_.write(std::array{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size()),
                                     asio::buffer(zeros.data(), padding)});
        return true;
    }
    std::vector<std::uint8_t>& message = outgoing_.emplace_back();
    message.reserve(size);
    message.insert(message.end(), head.begin(), head.end());
    message.insert(message.end(), body.begin(), body.end());
    message.resize(size);
    outgoing_size_ += size;
    if (outgoing_.size() == 1) write_next();
    return true;
}

void stream_client::write_next() {
    asio::async_write(*tls_, asio::buffer(outgoing_.front()),
                      [self = shared_from_this()](const berth::error_code& ec, std::size_t) {
                          self->outgoing_size_ -= self->outgoing_.front().size();
                          self->outgoing_.pop_front();
                          if (ec)
                              self->connection_.close();
                          else if (!self->outgoing_.empty() && !self->is_over_)
                              self->write_next();
                      });
}

asio::mutable_buffer stream_client::room() {
    if (incoming_.size() < small_room) incoming_.resize(small_room);
    if (filled_ == incoming_.size()) {  // a message that is longer; received() has said that it may be
        const framed next = look_at(bytes_view(incoming_.data(), filled_));
        incoming_.resize(std::max(next.size, filled_ + small_room));
    }
    return asio::buffer(incoming_) + filled_;
}

bool stream_client::received(std::size_t size) {
    filled_ += size;
    std::size_t at = 0;
    for (;;) {
        const bytes_view left(incoming_.data() + at, filled_ - at);
        const framed next = look_at(left);
        if (next.is == framed::state::nonsense) {
            shard_.counters().count(drop::malformed);
            return false;
        }
        if (next.size > shard_.shared().limit.unknown_message && !shard_.has_allocation(address())) {
            shard_.counters().count(drop::too_long);
            return false;
        }
        if (next.is == framed::state::partial) break;
        shard_.from_client(address(), left.first(next.size - next.padding));
        at += next.size;
    }
    std::copy(incoming_.begin() + static_cast<std::ptrdiff_t>(at),
              incoming_.begin() + static_cast<std::ptrdiff_t>(filled_), incoming_.begin());
    filled_ -= at;
    if (incoming_.size() > small_room && filled_ < small_room) {
        incoming_.resize(small_room);
        incoming_.shrink_to_fit();
    }
    return true;
}

void stream_client::check(coarse_time now) {
    if (shard_.has_allocation(address()))
        idle_since_ = now;
    else if (now - idle_since_ > shard_.shared().limit.stream_grace)
        connection_.close();
}

void stream_client::end() {
    if (std::exchange(is_over_, true)) return;  // and the shard may be gone
    shard_.client_is_gone(address());
}

}  // namespace relay
