// Names into endpoints and back on a berth::io_context: asio::ip::basic_resolver's interface and results.
//
// The system's resolver blocks, so it runs on threads of berth's own: at most four in a process, started by the first
// name that needs one, ended ten seconds after the last; numeric hosts with numeric services are answered without.
// Cancelling, destroying the resolver and destroying the context do not wait for the system. Not for concurrent use.
#pragma once

#include <berth/detail/handler_operation.hpp>
#include <berth/detail/name_lookup.hpp>

#include <asio/async_result.hpp>
#include <asio/ip/basic_resolver_results.hpp>
#include <asio/ip/resolver_base.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::detail {

inline error_code error_of(const lookup_answer& answer) noexcept {
    switch (answer.error) {
        case lookup_error::none:
            return {};
        case lookup_error::host_not_found:
            return asio::error::host_not_found;
        case lookup_error::try_again:
            return asio::error::host_not_found_try_again;
        case lookup_error::no_recovery:
            return asio::error::no_recovery;
        case lookup_error::service_not_found:
            return asio::error::service_not_found;
        case lookup_error::type_not_supported:
            return asio::error::socket_type_not_supported;
        case lookup_error::system:
            break;
    }
    return {answer.number, asio::error::get_system_category()};
}

template <class Protocol>
asio::ip::basic_resolver_results<Protocol> results_of(const lookup_answer& answer) {
    std::vector<typename Protocol::endpoint> all;
    all.reserve(answer.addresses.size());
    for (const native_address& address : answer.addresses) {
        typename Protocol::endpoint& endpoint = all.emplace_back();
        const std::size_t size = std::min(address.size, endpoint.capacity());
        std::memcpy(endpoint.data(), address.bytes.data(), size);
        endpoint.resize(size);
    }
    return asio::ip::basic_resolver_results<Protocol>::create(all.begin(), all.end(), answer.host, answer.service);
}

template <class Protocol, class Handler, class IoExecutor>
class handler_lookup final : public lookup_wait {
public:
    using handler_executor = asio::associated_executor_t<Handler, IoExecutor>;

    handler_lookup(event_loop& loop, const IoExecutor& io_executor, Handler handler)
        : loop_(loop),
          handler_(std::move(handler)),
          place_(asio::get_associated_executor(handler_, io_executor), loop) {
        run = [](ready_node& node, bool invoke) {
            auto& self = static_cast<handler_lookup&>(node);
            self.leave();
            const lookup_answer answer = end_lookup(self);
            self.slot_.forget(self.handler_);
            const error_code ec = self.is_cancelled ? error_code(asio::error::operation_aborted) : error_of(answer);
            const auto where = std::move(self.place_);
            Handler mine(std::move(self.handler_));
            auto allocator = allocator_for<handler_lookup>(mine, self.loop_);
            self.~handler_lookup();
            allocator.deallocate(&self, 1);
            if (invoke) where.call(std::move(mine), ec, results_of<Protocol>(answer));
        };
    }

    void listen_to_slot() {
        slot_.listen(handler_, loop_, place_.is_here(), [this] { cancel_lookup(loop_, *this); });
    }

private:
    event_loop& loop_;
    Handler handler_;
    handler_place<handler_executor> place_;
    slot_link slot_;
};

}  // namespace berth::detail

namespace berth::inline v0_1 {

template <class Protocol, class Executor = io_context::executor_type>
class basic_resolver : public asio::ip::resolver_base {
public:
    using executor_type = Executor;
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using results_type = asio::ip::basic_resolver_results<Protocol>;
    template <class Other>
    struct rebind_executor {
        using other = basic_resolver<Protocol, Other>;
    };

    explicit basic_resolver(const Executor& executor)
        : executor_(executor),
          loop_(&detail::loop_of(executor)),
          waits_(std::make_unique<detail::timer_list>()) {}
    explicit basic_resolver(io_context& context) : basic_resolver(Executor(context.get_executor())) {}
    basic_resolver(basic_resolver&& other)
        : executor_(other.executor_),
          loop_(other.loop_),
          waits_(std::exchange(other.waits_, std::make_unique<detail::timer_list>())) {}
    basic_resolver& operator=(basic_resolver&& other) {
        if (this != &other) {
            cancel();
            executor_ = other.executor_;
            loop_ = other.loop_;
            std::swap(waits_, other.waits_);
        }
        return *this;
    }
    ~basic_resolver() { cancel(); }

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }

    /// Post: lookups under way end with operation_aborted; what the system still answers is dropped.
    void cancel() noexcept {
        while (detail::timer_node* const wait = waits_->first.load(std::memory_order_relaxed)) {
            wait->leave();
            detail::cancel_lookup(*loop_, static_cast<detail::lookup_wait&>(*wait));
        }
    }

    /// Blocks the thread. An empty host means this machine: any address with the flag passive, else loopback. An
    /// empty service means port 0. A success is never empty. Errors: host_not_found and its kin, service_not_found,
    /// the system's.
    results_type resolve(std::string_view host, std::string_view service, flags how, error_code& ec) {
        return ask(forward(nullptr, host, service, how), ec);
    }
    results_type resolve(const Protocol& protocol, std::string_view host, std::string_view service, flags how,
                         error_code& ec) {
        return ask(forward(&protocol, host, service, how), ec);
    }
    /// The names of an endpoint.
    results_type resolve(const endpoint_type& endpoint, error_code& ec) { return ask(reverse(endpoint), ec); }

    results_type resolve(std::string_view host, std::string_view service, error_code& ec) {
        return resolve(host, service, flags(), ec);
    }
    results_type resolve(const Protocol& protocol, std::string_view host, std::string_view service, error_code& ec) {
        return resolve(protocol, host, service, flags(), ec);
    }
    results_type resolve(std::string_view host, std::string_view service, flags how = flags()) {
        return checked([&](error_code& ec) { return resolve(host, service, how, ec); });
    }
    results_type resolve(const Protocol& protocol, std::string_view host, std::string_view service,
                         flags how = flags()) {
        return checked([&](error_code& ec) { return resolve(protocol, host, service, how, ec); });
    }
    results_type resolve(const endpoint_type& endpoint) {
        return checked([&](error_code& ec) { return resolve(endpoint, ec); });
    }

    /// Completion signature void(error_code, results_type). The names are copied.
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_resolve(std::string_view host, std::string_view service, flags how,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return initiate(forward(nullptr, host, service, how), static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_resolve(const Protocol& protocol, std::string_view host, std::string_view service, flags how,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return initiate(forward(&protocol, host, service, how), static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_same_v<std::decay_t<Token>, flags>) auto async_resolve(
        std::string_view host, std::string_view service,
        Token&& token = asio::default_completion_token_t<executor_type>()) {
        return initiate(forward(nullptr, host, service, flags()), static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    requires(!std::is_same_v<std::decay_t<Token>, flags>) auto async_resolve(
        const Protocol& protocol, std::string_view host, std::string_view service,
        Token&& token = asio::default_completion_token_t<executor_type>()) {
        return initiate(forward(&protocol, host, service, flags()), static_cast<Token&&>(token));
    }
    template <class Token = asio::default_completion_token_t<executor_type>>
    auto async_resolve(const endpoint_type& endpoint,
                       Token&& token = asio::default_completion_token_t<executor_type>()) {
        return initiate(reverse(endpoint), static_cast<Token&&>(token));
    }

private:
    struct initiate_lookup {
        using executor_type = Executor;
        basic_resolver* self;
        [[nodiscard]] executor_type get_executor() const noexcept { return self->executor_; }

        template <class Handler>
        void operator()(Handler&& handler, detail::lookup_question question) const {
            using type = detail::handler_lookup<Protocol, std::decay_t<Handler>, Executor>;
            detail::event_loop& loop = *self->loop_;
            type* const wait =
                detail::make_for<type>(handler, loop, loop, self->executor_, static_cast<Handler&&>(handler));
            wait->enter(*self->waits_);
            try {
                wait->listen_to_slot();
                detail::begin_lookup(loop, *wait, std::move(question));
            } catch (...) {
                wait->run(*wait, false);
                throw;
            }
        }
    };
    template <class Token>
    auto initiate(detail::lookup_question question, Token&& token) {
        return asio::async_initiate<Token, void(error_code, results_type)>(initiate_lookup{this}, token,
                                                                           std::move(question));
    }

    static detail::lookup_question forward(const Protocol* protocol, std::string_view host, std::string_view service,
                                           flags how) {
        const Protocol any = endpoint_type().protocol();
        detail::lookup_question question;
        question.host = host;
        question.service = service;
        question.flags = static_cast<int>(how);
        question.family = protocol != nullptr ? protocol->family() : 0;
        question.type = any.type();
        question.protocol = any.protocol();
        return question;
    }
    static detail::lookup_question reverse(const endpoint_type& endpoint) {
        detail::lookup_question question;
        question.is_reverse = true;
        question.type = endpoint.protocol().type();
        question.address.size = std::min(endpoint.size(), question.address.bytes.size());
        std::memcpy(question.address.bytes.data(), endpoint.data(), question.address.size);
        return question;
    }
    static results_type ask(const detail::lookup_question& question, error_code& ec) {
        const detail::lookup_answer answer = detail::look_up(question);
        ec = detail::error_of(answer);
        return detail::results_of<Protocol>(answer);
    }
    template <class Call>
    static results_type checked(Call call) {
        error_code ec;
        auto results = call(ec);
        if (ec) throw std::system_error(ec, "resolve");
        return results;
    }

    Executor executor_;
    detail::event_loop* loop_;
    std::unique_ptr<detail::timer_list> waits_;
};

using tcp_resolver = basic_resolver<asio::ip::tcp>;
using udp_resolver = basic_resolver<asio::ip::udp>;

}  // namespace berth::v0_1
