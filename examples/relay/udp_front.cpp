// See udp_front.hpp.
#include "udp_front.hpp"

#include <asio/post.hpp>

#include <cstring>
#include <system_error>
#include <utility>

namespace relay {

udp_front::udp_front(berth::bound_port port, asio::ip::udp protocol, const std::vector<turn_shard*>& shards,
                     std::size_t receiving)
    : port_(std::move(port)), receiving_(receiving) {
    std::array<std::uint8_t, sizeof seed_> seed{};
    fill_randomly(seed);
    std::memcpy(&seed_, seed.data(), sizeof seed_);
    for (turn_shard* const shard : shards) {
        berth::udp_socket socket(shard->context(), protocol, port_.duplicate());
        sides_.push_back(std::make_unique<side>(*shard, std::move(socket)));
    }
    // What all clients send while another program has the processor waits here; the system may give less.
    berth::error_code ignored;
    sides_[receiving]->socket.set_option(asio::socket_base::receive_buffer_size(4 * 1024 * 1024), ignored);
    overflowed_ = sides_[receiving]->socket.overflowed(ignored);
    again_.emplace(shards[receiving]->context());
}

bool udp_front::side::send(const asio::ip::udp::endpoint& to, bytes_view head, bytes_view body, std::size_t padding) {
    if (body.empty()) {
        writer->send(asio::buffer(head.data(), head.size()), to);
        return true;
    }
    message.assign(head.begin(), head.end());
    message.insert(message.end(), body.begin(), body.end());
    message.resize(message.size() + padding);
    writer->send(asio::buffer(message), to);
    return true;
}

void udp_front::receive() {
    sides_[receiving_]->socket.async_receive_each([this](const berth::error_code& ec, berth::datagram d) {
        if (is_closed_) return;
        if (!ec) return received(d);
        if (ec == asio::error::operation_aborted) return;
        again_->expires_after(std::chrono::milliseconds(20));  // out of memory, perhaps
        again_->async_wait([this](const berth::error_code& cancelled) {
            if (!cancelled && !is_closed_) receive();
        });
    });
}

void udp_front::received(berth::datagram& d) {
    side& here = *sides_[receiving_];
    if (d.is_truncated) return here.shard.counters().count(drop::too_long);
    const bytes_view bytes(static_cast<const std::uint8_t*>(d.payload.data()), d.payload.size());
    side& to = sides_.size() == 1 ? here : *sides_[hash_of(d.source, seed_) % sides_.size()];
    if (&to == &here) return here.shard.from_client({&here, d.source}, bytes, &d.payload);
    hand_over(to, d.source, bytes);
}

void udp_front::hand_over(side& to, const asio::ip::udp::endpoint& source, bytes_view bytes) {
    turn_shard& here = sides_[receiving_]->shard;
    if (to.handed.load(std::memory_order_relaxed) + bytes.size() > most_handed)
        return here.counters().count(drop::slow_shard);
    if (!to.gathered) to.gathered = std::make_unique<batch>();
    to.gathered->entries.push_back({source, bytes.size()});
    to.gathered->bytes.insert(to.gathered->bytes.end(), bytes.begin(), bytes.end());
    to.handed.fetch_add(bytes.size(), std::memory_order_relaxed);
    if (is_flush_due_) return;
    is_flush_due_ = true;
    asio::post(here.context().get_executor(), [this] { flush(); });  // behind what else came in this turn
}

void udp_front::flush() {
    is_flush_due_ = false;
    for (const auto& one : sides_) {
        if (!one->gathered) continue;
        asio::post(one->shard.context().get_executor(), [to = one.get(), handed = std::move(one->gathered)] {
            std::size_t at = 0;
            for (const batch::entry& entry : handed->entries) {
                to->shard.from_client({to, entry.source}, bytes_view(handed->bytes).subspan(at, entry.size));
                at += entry.size;
            }
            to->handed.fetch_sub(at, std::memory_order_relaxed);
        });
    }
}

void udp_front::tick() noexcept {
    side& here = *sides_[receiving_];
    berth::error_code ec;
    const std::uint32_t now = here.socket.overflowed(ec);
    if (!ec) here.shard.counters().count(drop::overflow, now - std::exchange(overflowed_, now));
}

void udp_front::close() noexcept {
    is_closed_ = true;
    berth::error_code ignored;
    for (const auto& one : sides_) {
        one->writer.reset();
        one->socket.close(ignored);
    }
    port_.give_back(ignored);
}

}  // namespace relay
