// The parts of io_context.hpp that name its executor, and the executor.
#pragma once

#include <berth/detail/asio_guests.hpp>
#include <berth/detail/loop_memory.hpp>
#include <berth/io_context.hpp>

#include <asio/detail/thread_context.hpp>
#include <asio/detail/thread_info_base.hpp>
#include <asio/execution_context.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace berth::detail {

/// How an I/O object finds the loop behind any executor, and how an execution context says that it has one.
class loop_service : public asio::execution_context::service {
public:
    inline static asio::execution_context::id id;
    explicit loop_service(asio::execution_context& context) : service(context) {}
    event_loop* loop = nullptr;  ///< nullptr: the context is none of berth's
    asio_guests guests;          ///< of a context of berth's
    asio::detail::thread_info_base recycled;  ///< see memory_of_asio

private:
    void shutdown() override {}
};

/// What Asio allocates for coroutines, strands and type-erased functions it uses again, on threads that say so. Its
/// own contexts do; this is how the thread inside run() does.
class memory_of_asio : private asio::detail::thread_context {
public:
    explicit memory_of_asio(loop_service& service) : here_(this, service.recycled) {}

private:
    thread_call_stack::context here_;
};

/// Throws std::errc::invalid_argument if the executor's context is none of berth's.
template <class Executor>
event_loop& loop_of(const Executor& executor) {
    if constexpr (requires { executor.context().loop(); }) return executor.context().loop();  // without a lock
    asio::execution_context& context = asio::query(executor, asio::execution::context);
    if (event_loop* const loop = asio::use_service<loop_service>(context).loop) return *loop;
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            "berth's sockets and timers need an executor of a berth::io_context");
}

/// A function that waits for its turn.
template <class Function>
struct posted_function : ready_node {
    event_loop& loop;
    Function function;

    posted_function(event_loop& l, Function f) : loop(l), function(std::move(f)) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<posted_function&>(node);
            event_loop& here = self.loop;
            Function mine(std::move(self.function));
            self.~posted_function();
            here.deallocate(&self, sizeof(posted_function));
            if (invoke) std::move(mine)();
        };
    }
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <unsigned Bits>
class io_context::basic_executor {
    static constexpr unsigned blocking_never = 1, continuation = 2, tracked = 4;

public:
    explicit basic_executor(io_context& context) noexcept : context_(&context) { started(); }
    basic_executor(const basic_executor& other) noexcept : context_(other.context_) { started(); }
    basic_executor(basic_executor&& other) noexcept : context_(other.context_) {
        if constexpr ((Bits & tracked) != 0) other.context_ = nullptr;
    }
    basic_executor& operator=(const basic_executor& other) noexcept {
        basic_executor(other).swap(*this);
        return *this;
    }
    basic_executor& operator=(basic_executor&& other) noexcept {
        basic_executor(std::move(other)).swap(*this);
        return *this;
    }
    ~basic_executor() {
        if constexpr ((Bits & tracked) != 0) {
            if (context_ != nullptr) context_->loop_->work_finished();
        }
    }
    void swap(basic_executor& other) noexcept { std::swap(context_, other.context_); }

    bool operator==(const basic_executor& other) const noexcept { return context_ == other.context_; }
    bool operator!=(const basic_executor& other) const noexcept { return context_ != other.context_; }

    [[nodiscard]] bool running_in_this_thread() const noexcept { return context_->loop_->is_here(); }

    template <class Function>
    void execute(Function&& function) const {
        using function_type = std::decay_t<Function>;
        if constexpr ((Bits & blocking_never) == 0) {
            if (context_->loop_->is_here()) {
                function_type mine(static_cast<Function&&>(function));
                return static_cast<void>(std::move(mine)());
            }
        }
        using node = detail::posted_function<function_type>;
        detail::event_loop& loop = *context_->loop_;
        void* const memory = loop.allocate(sizeof(node));
        try {
            loop.post(*new (memory) node(loop, static_cast<Function&&>(function)));
        } catch (...) {
            loop.deallocate(memory, sizeof(node));
            throw;
        }
    }

    basic_executor<Bits & ~blocking_never> require(asio::execution::blocking_t::possibly_t) const noexcept {
        return to<Bits & ~blocking_never>();
    }
    basic_executor<Bits | blocking_never> require(asio::execution::blocking_t::never_t) const noexcept {
        return to<Bits | blocking_never>();
    }
    basic_executor<Bits & ~continuation> require(asio::execution::relationship_t::fork_t) const noexcept {
        return to<Bits & ~continuation>();
    }
    basic_executor<Bits | continuation> require(asio::execution::relationship_t::continuation_t) const noexcept {
        return to<Bits | continuation>();
    }
    basic_executor<Bits & ~tracked> require(asio::execution::outstanding_work_t::untracked_t) const noexcept {
        return to<Bits & ~tracked>();
    }
    basic_executor<Bits | tracked> require(asio::execution::outstanding_work_t::tracked_t) const noexcept {
        return to<Bits | tracked>();
    }

    io_context& query(asio::execution::context_t) const noexcept { return *context_; }
    io_context& context() const noexcept { return *context_; }
    static constexpr asio::execution::mapping_t query(asio::execution::mapping_t) noexcept {
        return asio::execution::mapping.thread;
    }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
        return (Bits & blocking_never) != 0 ? asio::execution::blocking_t(asio::execution::blocking.never)
                                            : asio::execution::blocking_t(asio::execution::blocking.possibly);
    }
    static constexpr asio::execution::relationship_t query(asio::execution::relationship_t) noexcept {
        return (Bits & continuation) != 0
                   ? asio::execution::relationship_t(asio::execution::relationship.continuation)
                   : asio::execution::relationship_t(asio::execution::relationship.fork);
    }
    static constexpr asio::execution::outstanding_work_t query(asio::execution::outstanding_work_t) noexcept {
        return (Bits & tracked) != 0
                   ? asio::execution::outstanding_work_t(asio::execution::outstanding_work.tracked)
                   : asio::execution::outstanding_work_t(asio::execution::outstanding_work.untracked);
    }
    [[nodiscard]] std::size_t query(asio::execution::occupancy_t) const noexcept { return 1; }

#if !defined(ASIO_NO_TS_EXECUTORS)
    void on_work_started() const noexcept { context_->loop_->work_started(); }
    void on_work_finished() const noexcept { context_->loop_->work_finished(); }
    template <class Function, class Allocator>
    void dispatch(Function&& f, const Allocator&) const {
        to<0>().execute(static_cast<Function&&>(f));
    }
    template <class Function, class Allocator>
    void post(Function&& f, const Allocator&) const {
        to<blocking_never>().execute(static_cast<Function&&>(f));
    }
    template <class Function, class Allocator>
    void defer(Function&& f, const Allocator& a) const {
        post(static_cast<Function&&>(f), a);
    }
#endif

private:
    template <unsigned>
    friend class basic_executor;
    template <unsigned Other>
    [[nodiscard]] basic_executor<Other> to() const noexcept {
        return basic_executor<Other>(*context_);
    }
    void started() noexcept {
        if constexpr ((Bits & tracked) != 0) {
            if (context_ != nullptr) context_->loop_->work_started();
        }
    }

    io_context* context_;
};

inline io_context::io_context(const io_context_options& options) {
    failure f;
    detail::loop_options asked;
    asked.allow_ring = options.backend != backend_choice::asio;
    asked.require_ring = options.backend == backend_choice::io_uring;
    asked.spin = options.spin;
    asked.entries = options.entries;
    asked.buffer_size = options.lent_buffer_size;
    asked.buffer_count = options.lent_buffer_count;
    loop_ = detail::event_loop::make(asked, f);
    if (!loop_) throw reservation_error(f);
    auto& known = asio::use_service<detail::loop_service>(*this);
    known.loop = loop_.get();
    known.guests.move_in(*this, [](asio::execution_context& context) -> detail::asio_guests& {
        return asio::use_service<detail::loop_service>(context).guests;
    });
    loop_->set_guest(known.guests);
    guests_ = &known.guests;
}

// Handlers first, while the services that they may need are there; then the services.
inline io_context::~io_context() {
    loop_->abandon();
    shutdown();
    loop_->abandon();
    destroy();
}

inline io_context::executor_type io_context::get_executor() noexcept { return executor_type(*this); }

inline io_context::native_wait_handle_type io_context::native_wait_handle() {
    error_code ec;
    const auto handle = loop_->wait_handle(ec);
    if (ec) {
        throw std::system_error(error_code(ec.value(), asio::error::get_system_category()),
                                "no handle to wait for: io_uring has one from Linux 6.1 on, a context made with "
                                "backend_choice::asio has one on every Linux, and Windows has none");
    }
    return static_cast<native_wait_handle_type>(handle);
}

inline io_context::count_type io_context::run_some(clock::time_point until, std::size_t most) {
    if (until != clock::time_point::min() && most != 1) guests_->refuse();
    const detail::memory_of_asio recycled(asio::use_service<detail::loop_service>(*this));
    error_code ec;
    const auto done = loop_->run(until, most, ec);
    if (ec) throw std::system_error(ec, "another thread runs this berth::io_context");
    return done;
}

}  // namespace berth::v0_1
