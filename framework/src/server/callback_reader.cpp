// See callback_reader.hpp.
#include "server/callback_reader.hpp"

#include "server/server_parts.hpp"

#include <utility>

namespace berth::detail {

callback_reader::callback_reader(session& s) noexcept : session_(s) {
    s.add_reference();
    static constexpr operation_kind reading{on_received, on_destroy};
    kind = &reading;
}

bool callback_reader::is_to_pause() const noexcept { return session_.is_above_high(); }

void callback_reader::go_on() noexcept {
    is_pausing_ = false;
    if (is_under_way_ || is_at_end_ || !session_.is_open() || is_to_pause()) return;
    what = verb::receive;
    many = true;
    flags = 0;
    socket = session_.attached_;
    is_under_way_ = true;
    session_.loop().start(*this);
}

void callback_reader::on_received(operation& op, const completion& c) {
    const int result = c.result;
    const bool more = c.more;
    auto& self = static_cast<callback_reader&>(op);
    session& s = self.session_;
    const server_shard& shard = s.shard_;
    if (!more) self.is_under_way_ = false;
    if (c.lent.data != nullptr && result > 0) {
        const buffer_part lent = c.lent;
        const std::uint32_t id = c.lent_id;
        // A handler that closes the session ends this object, unless more is to come.
        const session_reference kept(s);
        event_loop& loop = s.loop();
        const bool was_open = s.is_open();
        if (was_open) {
            s.note_received(lent.size);
            if (!more) self.is_under_way_ = true;  // so that a close does not post it while we are here
            if (!s.closes_when_drained_) shard.core.hooks.received(shard.core.handler.get(), s, lent.data, lent.size);
            if (!more) self.is_under_way_ = false;
        }
        loop.return_buffer(id, lent.data);
    }
    if (more) {
        if (s.is_open() && self.is_to_pause() && !std::exchange(self.is_pausing_, true)) s.loop().cancel(op);
        return;
    }
    if (!s.is_open()) return self.end(true);
    if (result == 0) {
        self.is_at_end_ = true;
        self.error_ = asio::error::eof;
        s.has_reported_error_ = true;
        return s.finish();
    }
    if (result < 0 && result != -error_code(asio::error::operation_aborted).value()) {
        self.error_ = -result;
        return s.close(connection_end::aborted);
    }
    self.go_on();
}

void callback_reader::session_closed() noexcept {
    if (is_under_way_) return;
    is_under_way_ = true;
    run = [](ready_node& node, bool invoke) {
        auto& self = static_cast<callback_reader&>(node);
        self.end(invoke);
    };
    session_.loop().post(*this);
}

void callback_reader::end(bool invoke) noexcept {
    session& s = session_;
    const server_shard& shard = s.shard_;
    error_code ec;
    if (is_at_end_) {
        ec = asio::error::eof;
    } else if (error_ != 0) {
        ec = {error_, asio::error::get_system_category()};
    } else if (s.end() != connection_end::finished) {
        ec = s.end_error();
    }
    s.reader_ = nullptr;
    if (invoke && shard.core.hooks.closed != nullptr) shard.core.hooks.closed(shard.core.handler.get(), s, ec);
    s.handler_done();
    this->~callback_reader();
    s.drop_reference();
}

void callback_reader::on_destroy(operation& op) noexcept {
    auto& self = static_cast<callback_reader&>(op);
    self.is_under_way_ = true;  // already here
    session& s = self.session_;
    s.close(connection_end::cut);
    self.end(false);
}

}  // namespace berth::detail
