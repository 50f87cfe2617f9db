// A fork of the holder process can do no harm: what it may and may not do with its parent's block is asked of it.
//
// What the child did is looked for in the parent, see forked_child.hpp.
#include "forked_child.hpp"

#include "loopback.hpp"

#include <berth/associate.hpp>

namespace berth::test {
namespace {

TEST_P(forked_child, is_refused_every_use_of_the_parents_block) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code ec;
                  const bool both = GetParam().protocol == transport::tcp_and_udp;
                  const auto which = GetParam().protocol == transport::tcp ? transport::tcp : transport::udp;
                  if ((both ? reservation_.take(which, ec) : reservation_.take(ec)) || ec != errc::forked)
                      return "take";
                  if (reservation_.take_port(reservation_.block().first, which, ec) || ec != errc::forked)
                      return "take_port";
                  if (reservation_.take_pair(which, ec)[0] || ec != errc::forked) return "take_pair";
                  failure f;
                  reservation_.release(f, if_taken::detach);
                  if (f.code != errc::forked) return "release";
                  if (reservation_.reclaim() != 0) return "reclaim";
                  const int type = which == transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
                  const int socket =
                      ::socket(GetParam().family == address_family::ipv4 ? AF_INET : AF_INET6, type, 0);
                  associate(socket, reservation_.token(), ec);
                  if (ec != errc::forked && ec != errc::invalid_token) return "associate: " + ec.message();
                  bind(socket, bind_endpoint(asio::ip::address(), 0), ec);
                  if (!ec) return "bind";
                  release(socket, reservation_.token(), f);
                  if (f.code != errc::forked && f.code != errc::invalid_token) return "release by token";
                  if (lent_.duplicate(ec) != -1 || ec != errc::forked) return "duplicate";
                  open_.give_back(ec);
                  return ec == errc::forked ? "" : "give_back";
              }),
              "");
    expect_unchanged();
}

TEST_P(forked_child, ends_through_its_destructors_and_the_parent_notices_nothing) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  {
                      const bound_port one(std::move(open_)), two(std::move(lent_));
                      const port_reservation gone(std::move(reservation_));
                  }
                  return "";
              }),
              "");
    expect_unchanged();
}

TEST_P(forked_child, makes_a_reservation_of_its_own) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  auto own = port_reservation::reserve(request_for(GetParam(), {0, 4}));
                  if (overlap(own.block(), reservation_.block())) return "overlaps its parent's";
                  error_code ec;
                  auto p = own.take(GetParam().protocol == transport::tcp ? transport::tcp : transport::udp, ec);
                  if (ec) return ec.message();
                  if (kind() == oracle_protocol::udp && !hears(p.io_handle(), p.port())) return "deaf";
                  p.give_back(ec);
                  if (ec) return ec.message();
                  const auto block = own.block();
                  own.release();
                  return sockets_on(kind(), block.first, 4).empty() ? "" : "sockets are left";
              }),
              "");
    expect_unchanged();
}

// The caller's socket of the parent, in the child: the same kernel socket, and its parking place is shared memory.
TEST_P(forked_child, cannot_give_back_a_socket_that_its_parent_bound) {
    const auto which = GetParam().protocol == transport::tcp ? transport::tcp : transport::udp;
    const int family = GetParam().family == address_family::ipv4 ? AF_INET : AF_INET6;
    const int socket = ::socket(family, (which == transport::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    failure f;
    error_code ec;
    associate(socket, reservation_.token(), ec);
    ASSERT_FALSE(ec) << ec.message();
    bind(socket, bind_endpoint(asio::ip::address(), 0), f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code in_child;
                  give_back(socket, in_child);
                  if (in_child != errc::forked && in_child != errc::not_associated) return in_child.message();
                  ::close(socket);
                  return "";
              }),
              "");
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size), 0);
    const auto port = ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
    if (which == transport::udp) {
        EXPECT_TRUE(hears(socket, port));
    }
    give_back(socket, ec);
    EXPECT_FALSE(ec) << ec.message();
    reservation_.reclaim();
    expect_unchanged();
}

INSTANTIATE_TEST_SUITE_P(of, forked_child, testing::ValuesIn(all_ways()), testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
