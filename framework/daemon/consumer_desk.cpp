// Consumers come and go; see consumer_desk.hpp. Their first word: consumer_desk_entry.cpp; lending:
// consumer_desk_lend.cpp.
#include "consumer_desk.hpp"

#include "log_line.hpp"
#include "reservation_core.hpp"

#include <algorithm>
#include <cerrno>

namespace berth::daemon {

using detail::port_lane;
using detail::request_kind;
using detail::service_request;
using detail::share_message;
using detail::share_verb;
using brought = port_lane::brought;

void consumer_desk::listen_to(place c) {
    watch_->watch(c->connection.get(), [this, c] { read(c); });
}

// One message a turn: who sends many does not keep others waiting.
void consumer_desk::read(place c) {
    if (c->now == stage::shut_out) return shut_out(c);  // what was sent to it found no room
    std::byte bytes[detail::most_share_message + 1];
    std::size_t size = 0;
    std::vector<platform::descriptor> received;
    const int error = platform::receive_message(c->connection.get(), bytes, size, received);
    if (error == EAGAIN) return;
    if (error == ECONNRESET || (error == 0 && size == 0 && received.empty())) return end(c);
    const bool brings = !received.empty();
    platform::close_at_once(received);
    if (error != 0 || brings || !obey(*c, std::span(bytes).first(size))) shut_out(c);
}

// False: nobody of ours says that.
bool consumer_desk::obey(consumer& c, std::span<const std::byte> bytes) {
    const auto block = c.book.block();
    if (const auto request = detail::parse_request(bytes)) {
        if (request->kind != request_kind::fetch) return false;
        if (c.waiting) fetch(c, *std::exchange(c.waiting, std::nullopt), false);  // it gave that one up
        if (c.now == stage::served) fetch(c, *request, true);
        return c.now != stage::shut_out;
    }
    const auto message = detail::parse_share_message(bytes);
    if (!message) return false;
    if (message->verb == share_verb::holding) {
        if (message->held.size() != c.book.ports()) return false;
        const bool to_us = message->epoch == c.epoch;  // or to a daemon that is no more
        if (to_us && message->number > c.sent) return false;
        if (to_us) settle(c, *message);
    } else if (message->verb != share_verb::give_back && message->verb != share_verb::spoilt) {
        return false;
    } else if (c.now == stage::served) {  // before that, `holding` says it all
        c.is_recalled = false;
        bring_back(c, message->ports, message->verb == share_verb::spoilt ? brought::spoilt : brought::rested);
    }
    serve_waiting(block);
    return c.now != stage::shut_out;
}

// What is in the ledger and not with the consumer was under way, one way or the other; but not if it was sent later
// than the last message that the consumer knows of.
void consumer_desk::settle(consumer& c, const share_message& holding) {
    c.book.for_each([&](std::uint32_t index) {
        const auto lent = c.lent.find(index);
        const bool is_known = lent == c.lent.end() || lent->second <= holding.number;
        if (!holding.held[index] && is_known) bring_back(c, index, brought::tired);
    });
    c.is_recalled = false;
    if (c.now != stage::settling) return;
    c.now = stage::served;
    const auto block = c.book.block();
    if (std::any_of(all_.begin(), all_.end(), [&](auto& o) { return o.waiting && o.book.block() == block; })) {
        recall_from(c);
    }
    const auto* const row = blocks_.row_of(block);
    if (row != nullptr && (row->is_draining || blocks_.lane_of(block) == nullptr)) {
        static_cast<void>(send(c, detail::encode(share_message{.verb = share_verb::recall_all})));
    }
}

void consumer_desk::shut_out(place c) {
    log_line(log_level::warning, "consumer_shut_out").with("ports", c->book.count());
    ++shut_out_;
    c->now = stage::shut_out;
    c->is_let_go = true;
    c->waiting.reset();
    if (c->book.count() == 0) return end(c);
    watch_->watch_end(c->connection.get(), [this, c] { end(c); });
}

void consumer_desk::end(place c) {
    if (watch_ != nullptr) watch_->unwatch(c->connection.get());
    c->now = stage::gone;
    c->waiting.reset();
    if (c->book.count() == 0) forget(c);
}

void consumer_desk::forget(place c) {
    to_forget_.push_back(c->id);
    all_.erase(c);
}

void consumer_desk::bring_back(consumer& c, std::uint32_t index, brought how) {
    auto* const lane = blocks_.lane_of(c.book.block());
    if (lane != nullptr) lane->bring_back(index, how);
    c.lent.erase(index);
    const bool is_spoilt = lane != nullptr ? lane->is_condemned(index) : how == brought::spoilt;
    if (is_spoilt) blocks_.condemned(c.book.block(), index);  // first: a death in between must not make it good
    c.book.remove(index);
}

void consumer_desk::bring_back(consumer& c, const std::vector<std::uint16_t>& ports, brought how) {
    const auto* const row = blocks_.row_of(c.book.block());
    for (const auto port : ports) {
        if (row == nullptr || !row->block.contains(port)) continue;
        const std::uint32_t index = std::uint32_t{port} - row->block.first;
        if (c.book.has(index)) bring_back(c, index, how);
    }
}

void consumer_desk::put_all(failure& f) {
    std::vector<kept_socket> sockets;
    for (const auto& c : all_) {
        sockets.push_back({{c.id, 0, socket_role::connection}, c.connection.get()});
        sockets.push_back({{c.id, 0, socket_role::ledger}, c.book.handle()});
    }
    if (!sockets.empty()) keeper_.put(sockets, f);
}

// Those who are gone give back piece by piece; requests whose time is over are refused.
bool consumer_desk::work() {
    const auto now = clock::now();
    std::uint32_t left = limits_.pieces;
    std::vector<std::uint64_t> served;
    for (auto next = all_.begin(); next != all_.end();) {
        const auto c = next++;
        if (c->now == stage::gone) {
            const auto block = c->book.block();
            for (std::uint32_t i = 0; i < c->book.ports() && left != 0 && c->book.count() != 0; ++i) {
                if (c->book.has(i)) bring_back(*c, i, brought::tired), --left;
            }
            served.push_back(block);
            if (c->book.count() == 0) forget(c);
        } else if (c->waiting && c->until <= now) {
            fetch(*c, *std::exchange(c->waiting, std::nullopt), false);
        } else if (c->now == stage::shut_out && !c->is_let_go) {
            shut_out(c);
        }
    }
    for (const auto block : served) serve_waiting(block);
    if (!to_forget_.empty() && forget_from_ <= now) forget_kept();
    return std::any_of(all_.begin(), all_.end(), [](const auto& c) { return c.now == stage::gone; });
}

void consumer_desk::forget_kept() {
    while (!to_forget_.empty()) {
        failure f;
        keeper_.remove_block(to_forget_.back(), f);
        if (f) {
            forget_from_ = clock::now() + std::chrono::seconds{1};
            return blocks_.keeper_failed(f);
        }
        to_forget_.pop_back();
    }
}

std::optional<std::chrono::milliseconds> consumer_desk::due() const {
    std::optional<std::chrono::milliseconds> out;
    for (const auto& c : all_) {
        if (!c.waiting) continue;
        const auto in = std::chrono::ceil<std::chrono::milliseconds>(c.until - clock::now());
        out = std::max(std::min(in, out.value_or(in)), std::chrono::milliseconds{0});
    }
    if (!out && !to_forget_.empty()) out = std::chrono::milliseconds{1000};
    return out;
}

std::uint32_t consumer_desk::ports_out(std::uint64_t block) const noexcept {
    std::uint32_t sum = 0;
    for (const auto& c : all_) {
        if (c.book.block() == block) sum += c.book.count();
    }
    return sum;
}

std::uint32_t consumer_desk::ports_out() const noexcept {
    std::uint32_t sum = 0;
    for (const auto& c : all_) sum += c.book.count();
    return sum;
}

std::uint32_t consumer_desk::consumers(std::uint64_t block) const noexcept {
    return static_cast<std::uint32_t>(
        std::count_if(all_.begin(), all_.end(), [&](const auto& c) { return c.book.block() == block; }));
}

}  // namespace berth::daemon
