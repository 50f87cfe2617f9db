// The receive of a session whose handler is called back: one operation for good, which lends buffers, so that an idle
// connection has none. It pauses while the write queue is above its high watermark: the system slows the client down.
#pragma once

#include <berth/detail/session.hpp>

namespace berth::detail {

class callback_reader : public operation {
public:
    explicit callback_reader(session& s) noexcept;

    /// Reads if it may: after a pause, too.
    void go_on() noexcept;
    /// The session is closed: the handler hears of it when nothing is under way any more, and not before this returns.
    void session_closed() noexcept;

private:
    static void on_received(operation& op, const completion& c);
    static void on_destroy(operation& op) noexcept;
    void end(bool invoke) noexcept;
    [[nodiscard]] bool is_to_pause() const noexcept;

    session& session_;
    int error_ = 0;
    bool is_under_way_ = false;
    bool is_pausing_ = false;
    bool is_at_end_ = false;  // of what the client sends
};

}  // namespace berth::detail
