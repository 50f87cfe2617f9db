// Objects of Asio's own on a berth::io_context: those that may be there, and those that are named and refused.
//
// Asio's timers, sockets, signal sets and resolvers look for Asio's scheduler on their context, and make one, with a
// thread of its own, where there is none. So ours is there first, without a thread. It serves what asio::ssl::stream
// and the like need of it: timers that are cancelled and never expire. Whatever would have to be waited for by a
// second reactor is refused by name.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <asio/detail/scheduler.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/system_timer.hpp>
#if !defined(ASIO_HAS_IOCP) && !defined(ASIO_HAS_IO_URING_AS_DEFAULT)
#include <asio/local/datagram_protocol.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/posix/stream_descriptor.hpp>
#endif
#if defined(ASIO_HAS_IOCP)
#include <asio/local/datagram_protocol.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/windows/object_handle.hpp>
#include <asio/windows/stream_handle.hpp>
#endif

#include <string>
#include <system_error>
#include <type_traits>

namespace berth::detail {

/// What of Asio's was made on this context and cannot work there, and what to use instead; nullptr: nothing.
inline const char* name_of_refused_guest(asio::execution_context& context) {
    namespace ad = asio::detail;
    using asio::has_service;
    using system_traits =
        ad::chrono_time_traits<std::chrono::system_clock, asio::wait_traits<std::chrono::system_clock>>;
    if (has_service<ad::resolver_service<asio::ip::tcp>>(context))
        return "an asio::ip::tcp::resolver was made on a berth::io_context: use berth::tcp_resolver";
    if (has_service<ad::resolver_service<asio::ip::udp>>(context))
        return "an asio::ip::udp::resolver was made on a berth::io_context: use berth::udp_resolver";
    if (has_service<ad::signal_set_service>(context))
        return "an asio::signal_set was made on a berth::io_context: use berth::signal_set";
    if (has_service<ad::deadline_timer_service<system_traits>>(context))
        return "an asio::system_timer was made on a berth::io_context: use berth::steady_timer";
#if !defined(ASIO_HAS_IOCP) && !defined(ASIO_HAS_IO_URING_AS_DEFAULT)
    if (has_service<ad::reactive_socket_service<asio::ip::tcp>>(context))
        return "an asio::ip::tcp::socket or acceptor was made on a berth::io_context: use berth::tcp_socket and "
               "berth::tcp_acceptor";
    if (has_service<ad::reactive_socket_service<asio::ip::udp>>(context))
        return "an asio::ip::udp::socket was made on a berth::io_context: use berth::udp_socket";
    if (has_service<ad::reactive_socket_service<asio::local::stream_protocol>>(context) ||
        has_service<ad::reactive_socket_service<asio::local::datagram_protocol>>(context))
        return "a socket of asio::local was made on a berth::io_context: it needs an asio::io_context";
    if (has_service<ad::reactive_descriptor_service>(context))
        return "an asio::posix descriptor or a serial port was made on a berth::io_context: it needs an "
               "asio::io_context";
#endif
#if defined(ASIO_HAS_IOCP)
    using steady_traits =
        ad::chrono_time_traits<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>>;
    if (has_service<ad::deadline_timer_service<steady_traits>>(context))  // its port waits for timers in a thread
        return "an asio::steady_timer was made on a berth::io_context: use berth::steady_timer";
    if (has_service<ad::win_iocp_socket_service<asio::ip::tcp>>(context))
        return "an asio::ip::tcp::socket or acceptor was made on a berth::io_context: use berth::tcp_socket and "
               "berth::tcp_acceptor";
    if (has_service<ad::win_iocp_socket_service<asio::ip::udp>>(context))
        return "an asio::ip::udp::socket was made on a berth::io_context: use berth::udp_socket";
    if (has_service<ad::win_iocp_socket_service<asio::local::stream_protocol>>(context) ||
        has_service<ad::win_iocp_socket_service<asio::local::datagram_protocol>>(context))
        return "a socket of asio::local was made on a berth::io_context: it needs an asio::io_context";
    if (has_service<ad::win_iocp_handle_service>(context) || has_service<ad::win_object_handle_service>(context))
        return "a handle of asio::windows was made on a berth::io_context: it needs an asio::io_context";
#endif
    return nullptr;
}

class asio_guests final : public loop_guest, private asio::detail::scheduler_task {
    using scheduler = asio::detail::scheduler;
    static constexpr bool has_own_scheduler = std::is_same_v<scheduler, asio::detail::io_context_impl>;

public:
    /// Post: Asio's objects on this context find our scheduler. Throws std::bad_alloc.
    template <class Find>  // asio_guests& (asio::execution_context&), without a state
    void move_in(asio::execution_context& context, Find) {
        context_ = &context;
        inspect = [](loop_guest& guest) { static_cast<asio_guests&>(guest).refuse(); };
        serve = [](loop_guest& guest) { return static_cast<asio_guests&>(guest).run_one(); };
        if constexpr (has_own_scheduler) {
            scheduler_ = new scheduler(context, 0, false, [](asio::execution_context& c) {
                asio_guests& self = Find()(c);
                self.is_busy = true;
                return static_cast<asio::detail::scheduler_task*>(&self);
            });
            asio::add_service<scheduler>(context, scheduler_);
            scheduler_->work_started();  // for good: it never thinks that it is out of work
        } else {
            asio::add_service(context, new asio::detail::io_context_impl(context, 0, false));
        }
    }

    /// Throws std::errc::invalid_argument if something is there that cannot work; what() names it.
    void refuse() const {
        if (const char* const name = name_of_refused_guest(*context_)) fail(name);
        if constexpr (has_own_scheduler) {
            if (!is_busy) return;
            asio::detail::op_queue<asio::detail::scheduler_operation> come;
            look_at_reactor(asio::use_service<asio::detail::reactor>(*context_), come);
            if (come.empty()) return;
            scheduler_->post_deferred_completions(come);
            fail(
                "an asio::steady_timer, or another I/O object of Asio's own, waits on a berth::io_context: use "
                "berth::steady_timer");
        }
    }

private:
    [[noreturn]] static void fail(const char* what) {
        throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                                std::string(what) + ", or an asio::io_context beside this one");
    }
    template <class Reactor, class Queue>
    static void look_at_reactor(Reactor& reactor, Queue& come) {
        if constexpr (requires { reactor.run(0, come); }) reactor.run(0, come);
    }
    bool run_one() const {
        error_code ec;
        return scheduler_->poll_one(ec) != 0;
    }

    // The scheduler's task, where Asio has its reactor: there is nothing to wait for.
    void run(long, asio::detail::op_queue<asio::detail::scheduler_operation>&) override {}
    void interrupt() override {}

    asio::execution_context* context_ = nullptr;
    scheduler* scheduler_ = nullptr;
};

}  // namespace berth::detail
