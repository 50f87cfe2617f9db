// Signals on a berth::io_context: asio::signal_set's interface.
//
// A signal that comes while nobody waits is kept for the next wait. Not for concurrent use.
#pragma once

#include <berth/detail/basic_io_socket.hpp>
#include <berth/detail/signal_relay.hpp>

#include <asio/ip/udp.hpp>

#include <algorithm>
#include <tuple>
#include <vector>

namespace berth::detail {

/// The number of a signal, as one byte of the channel.
struct signal_work {
    using form = message_operation;
    unsigned char number = 0;
    buffer_part part{&number, 1};
    signal_work() noexcept = default;
    signal_work(const signal_work&) = delete;
    signal_work& operator=(const signal_work&) = delete;
    std::tuple<error_code, int> arguments(operation&, int result) const noexcept {
        if (result < 0) return {error_of(result), 0};
        return {error_code(), number};
    }
};

/// The channel in the words of a protocol.
struct signal_protocol {
    using endpoint = asio::ip::udp::endpoint;
    [[nodiscard]] static int type() noexcept { return ASIO_OS_DEF(SOCK_DGRAM); }
    [[nodiscard]] static int protocol() noexcept { return 0; }
    [[nodiscard]] static int family() noexcept { return 0; }
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Executor = io_context::executor_type>
class basic_signal_set : private detail::basic_io_socket<detail::signal_protocol, Executor> {
    using base = detail::basic_io_socket<detail::signal_protocol, Executor>;

public:
    using executor_type = Executor;
    template <class Other>
    struct rebind_executor {
        using other = basic_signal_set<Other>;
    };

    explicit basic_signal_set(const Executor& executor) : base(executor) { open_channel(); }
    explicit basic_signal_set(io_context& context) : base(Executor(context.get_executor())) { open_channel(); }
    template <class Where, class... Numbers>
        requires(sizeof...(Numbers) > 0)
    basic_signal_set(Where&& where, Numbers... numbers) : basic_signal_set(static_cast<Where&&>(where)) {
        (add(numbers), ...);
    }
    basic_signal_set(const basic_signal_set&) = delete;
    basic_signal_set& operator=(const basic_signal_set&) = delete;
    ~basic_signal_set() {
        error_code ignored;
        clear(ignored);
        detail::close_signal_channel(channel_);
    }

    using base::cancel;
    using base::get_executor;

    /// Post: signals of this number are kept for waits and no longer do what they did. Errors: EINVAL, ENOSPC (as
    /// detail/signal_relay.hpp has it).
    void add(int number, error_code& ec) {
        numbers_.reserve(numbers_.size() + 1);  // without memory nothing is relayed
        detail::relay_signal(number, channel_, detail::said(ec));
        if (!ec && std::find(numbers_.begin(), numbers_.end(), number) == numbers_.end()) numbers_.push_back(number);
    }
    void add(int number) {
        error_code ec;
        add(number, ec);
        detail::throw_if(ec, "add");
    }
    void remove(int number, error_code& ec) {
        ec = {};
        detail::stop_relaying_signal(number, channel_);
        std::erase(numbers_, number);
    }
    void remove(int number) {
        error_code ec;
        remove(number, ec);
    }
    void clear(error_code& ec) {
        while (!numbers_.empty()) remove(numbers_.back(), ec);
        ec = {};
    }
    void clear() {
        error_code ec;
        clear(ec);
    }

    /// Completion signature void(error_code, int): the number of a signal.
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = asio::default_completion_token_t<executor_type>()) {
        return this->template initiate<detail::signal_work, void(error_code, int)>(
            static_cast<Token&&>(token), [](detail::message_operation& op, auto& work) {
                op.what = detail::verb::receive;
                op.parts = &work.part;
                op.part_count = 1;
            });
    }

private:
    void open_channel() {
        error_code ec;
        channel_ = detail::open_signal_channel(detail::said(ec));
        detail::throw_if(ec, "signal_set");
        try {
            this->assign({}, static_cast<asio::detail::socket_type>(channel_.reading));
        } catch (...) {  // this object's end will not come
            error_code ignored;
            detail::close_native(static_cast<detail::native_value>(channel_.reading), detail::said(ignored));
            detail::close_signal_channel(channel_);
            throw;
        }
    }

    detail::signal_channel channel_;
    std::vector<int> numbers_;
};

using signal_set = basic_signal_set<>;

}  // namespace berth::v0_1
