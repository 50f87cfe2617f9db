// See include/berth/detail/datagram_queue.hpp.
#include "backend/gathered_flights.hpp"

#include <memory>

namespace berth::detail {

datagram_queue::datagram_queue(event_loop& loop, bool may_join) : loop_(&loop) {
    const std::uint16_t largest = may_join && may_cut_datagrams() ? 0xffff : 0;
    flights_ =
        new (loop.allocate(sizeof(datagram_flights))) datagram_flights{.loop = loop, .largest_segment = largest};
}

datagram_queue::~datagram_queue() {
    flush();
    if (gathered_ != nullptr) loop_->deallocate(gathered_, sizeof(gathered_flights));
    if (end_of_turn_ != nullptr) end_of_turn_->queue = nullptr;
    flights_->has_queue = false;
    flights_->free_if_done();
}

const datagram_queue::counts& datagram_queue::totals() const noexcept { return flights_->totals; }

void datagram_queue::send(attachment& socket, lent_buffer payload, const void* address, std::size_t size) {
    const way w = find(socket, address, size, payload.size());
    const auto lent = payload.pass_on();
    add(w, lent.data, lent.size, {lent.data, 0, lent.id});
}

void datagram_queue::copy(attachment& socket, const void* data, std::size_t length, const void* address,
                          std::size_t size) {
    const std::size_t room = std::max<std::size_t>(length, 1);
    const auto give_back = [&](void* memory) { loop_->deallocate(memory, room); };
    std::unique_ptr<void, decltype(give_back)> memory(loop_->allocate(room), give_back);
    if (length != 0) std::memcpy(memory.get(), data, length);
    const way w = find(socket, address, size, length);
    void* const bytes = memory.release();
    add(w, bytes, length, {bytes, room, 0});
}

// The flight that a datagram joins, or one that carries nothing yet. All that can fail is done here.
datagram_queue::way datagram_queue::find(attachment& socket, const void* address, std::size_t size,
                                         std::size_t length) {
    const bool can_join = length != 0 && length <= flights_->largest_segment;
    if (can_join && gathered_ == nullptr)
        gathered_ = new (loop_->allocate(sizeof(gathered_flights))) gathered_flights;
    const std::uint8_t place = gathered_ == nullptr ? std::uint8_t{0} : gathered_->place_for(socket, address, size);
    if (datagram_flight* const before = gathered_ == nullptr ? nullptr : gathered_->at(place)) {
        if (before->goes_to(socket, address, size) && before->has_room_for(length)) {
            before->make_room();
            return {*before, true, place};
        }
        depart(gathered_->take(place));
    }
    if (can_join) {
        if (gathered_->is_full()) flush();
        ask_for_turn_end();
    }
    auto* const flight = flights_->idle != nullptr ? flights_->take_idle()
                                                   : new (loop_->allocate(datagram_flight::room))
                                                         datagram_flight(*flights_);
    flight->begin(socket, address, size);
    return {*flight, false, place};
}

// It is sent at once when nothing can join it, else at the end of the turn.
void datagram_queue::add(const way& w, void* data, std::size_t length, const held_bytes& h) noexcept {
    if (w.joins) {
        w.flight.add(data, length, h);
        if (w.flight.is_full()) depart(gathered_->take(w.place));
        return;
    }
    w.flight.put_first(data, length, h);
    if (w.flight.is_full() || !w.flight.can_be_joined()) {
        ++flights_->under_way;
        w.flight.start_all();
    } else {
        gathered_->put(w.place, w.flight);
        loop_->hold(*w.flight.socket);
    }
}

void datagram_queue::depart(datagram_flight& flight) noexcept {
    attachment& socket = *flight.socket;
    ++flights_->under_way;
    flight.start_all();
    loop_->let_go(socket);
}

void datagram_queue::flush() noexcept {
    if (gathered_ == nullptr) return;
    gathered_->take_each([this](datagram_flight& flight) { depart(flight); });
}

void datagram_queue::ask_for_turn_end() {
    if (end_of_turn_ != nullptr) return;
    end_of_turn_ = new (loop_->allocate(sizeof(turn_end))) turn_end;
    end_of_turn_->queue = this;
    end_of_turn_->loop = loop_;
    end_of_turn_->run = [](ready_node& node, bool invoke) {
        auto& end = static_cast<turn_end&>(node);
        datagram_queue* const queue = end.queue;
        end.loop->was_no_handler();
        if (queue != nullptr) queue->end_of_turn_ = nullptr;
        end.loop->deallocate(&end, sizeof(turn_end));
        if (invoke && queue != nullptr) queue->flush();
    };
    loop_->post_last(*end_of_turn_);
}

}  // namespace berth::detail
