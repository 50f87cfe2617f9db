// The epoll descriptor of the private io_context, which is readable when the context has something to do.
//
// Asio shows it to nobody. An explicit instantiation may name a private member, and this copy of Asio is the
// library's own: a version without that member is noticed when it is compiled.
#include "backend/asio/asio_backend.hpp"

#include <asio/detail/reactor.hpp>

namespace berth::detail {
namespace {

int epoll_of(asio::detail::epoll_reactor& reactor) noexcept;

template <int asio::detail::epoll_reactor::*Member>
struct shown {
    friend int epoll_of(asio::detail::epoll_reactor& reactor) noexcept { return reactor.*Member; }
};
template struct shown<&asio::detail::epoll_reactor::epoll_fd_>;

}  // namespace

platform::native_socket asio_backend::wait_handle(std::error_code& ec) noexcept {
    ec.clear();
    return epoll_of(asio::use_service<asio::detail::epoll_reactor>(context_));
}

}  // namespace berth::detail
