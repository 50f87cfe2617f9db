// Whom and what associate and the bind after it refuse: tests/LEDGER.md, rows S, and its table of every errc.
#include <gtest/gtest.h>

#include <grp.h>
#include <unistd.h>

#include "documents_calls.hpp"

using namespace documents;
using asio::ip::make_address;

namespace {

std::string expect_refused(error_code ec, std::initializer_list<errc> reasons) {
    for (const errc reason : reasons)
        if (ec == reason) return "";
    return "answered: " + ec.message();
}

}  // namespace

TEST(documents_associate, a_forged_token_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto socket = udp4();
    for (int bit = 0; bit < 64; ++bit) {
        const berth::reservation_token forged(got.token.value() ^ (std::uint64_t{1} << bit));
        EXPECT_EQ(associate(socket, forged), errc::invalid_token) << "bit " << bit;
    }
    EXPECT_EQ(bind(socket), errc::not_associated);
}

TEST(documents_associate, a_zero_token_is_refused) {
    const auto socket = tcp4();
    EXPECT_EQ(associate(socket, berth::reservation_token()), errc::invalid_token);
}

TEST(documents_associate, a_released_token_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto before = udp4();
    ASSERT_FALSE(associate(before, got.token));
    ASSERT_FALSE(release(acquiring, got.token));
    const auto after = udp4();
    EXPECT_EQ(associate(after, got.token), errc::invalid_token);
    EXPECT_EQ(expect_refused(bind(before), {errc::reservation_released, errc::invalid_token, errc::not_associated}),
              "");
    EXPECT_EQ(before.port(), 0);
}

TEST(documents_associate, another_process_cannot_draw_from_the_block) {
    earlier_process stranger([](std::uint64_t token) {
        const auto socket = udp4();
        const auto ec = associate(socket, berth::reservation_token(token));
        return expect_refused(ec, {errc::invalid_token}) + (bind(socket) ? "" : "bound");
    });
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_EQ(stranger.tell(got.token.value()), "");
}

TEST(documents_associate, a_forked_child_cannot_draw_from_the_block) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto ready = udp4();
    ASSERT_FALSE(associate(ready, got.token));
    EXPECT_EQ(in_child([&] {
                  const auto socket = udp4();
                  return expect_refused(associate(socket, got.token), {errc::forked}) +
                         (bind(ready) ? "" : "bound what its parent had associated");
              }),
              "");
    EXPECT_EQ(bind(ready), error_code()) << "the child spoilt its parent's association";
    EXPECT_EQ(ready.port(), got.block.first);
}

TEST(documents_associate, an_ordinary_user_draws_from_a_runtime_reservation) {
    EXPECT_EQ(in_child([]() -> std::string {
                  constexpr unsigned nobody = 65534;
                  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
                                           ::setresuid(nobody, nobody, nobody) != 0))
                      return "cannot become an ordinary user";
                  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
                      const plain_socket acquiring(AF_INET, type);
                      const auto got = acquire(acquiring, 2);
                      if (got.why) return got.why.what;
                      const plain_socket socket(AF_INET, type);
                      if (const auto ec = associate_and_bind(socket, got.token)) return ec.message();
                      if (!got.block.contains(socket.port())) return "not of the block";
                  }
                  return "";
              }),
              "");
}

TEST(documents_associate, a_tcp_socket_on_a_udp_block_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto other = tcp4();
    EXPECT_EQ(associate(other, got.token), errc::protocol_mismatch);

    const auto acquiring_tcp = tcp4();
    const auto tcp = acquire(acquiring_tcp, 1);
    ASSERT_FALSE(tcp.why) << tcp.why.what;
    const auto datagrams = udp4();
    EXPECT_EQ(associate(datagrams, tcp.token), errc::protocol_mismatch);
}

TEST(documents_associate, a_socket_of_another_family_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto other = udp6();
    if (other.fd() < 0) GTEST_SKIP() << "this system has no IPv6";
    EXPECT_EQ(associate(other, got.token), errc::family_mismatch);
    const auto socket = udp4();
    ASSERT_FALSE(associate(socket, got.token));
    EXPECT_EQ(bind(socket, 0, make_address("::1")), errc::family_mismatch);
    EXPECT_EQ(socket.port(), 0);
}

TEST(documents_associate, an_address_that_was_not_reserved_is_refused) {
    const auto block = reserve(berth::transport::udp, 1, "127.0.0.1");
    const auto socket = udp4();
    ASSERT_FALSE(associate(socket, block.token()));
    EXPECT_EQ(bind(socket, 0, make_address("127.0.0.2")), errc::address_mismatch);
    EXPECT_EQ(socket.port(), 0);
    EXPECT_EQ(bind(socket, 0, make_address("127.0.0.1")), error_code());
    EXPECT_EQ(socket.port(), block.block().first);
}

TEST(documents_associate, a_port_outside_the_block_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto socket = udp4();
    ASSERT_FALSE(associate(socket, got.token));
    for (const int offset : {-1, 2}) {
        const auto port = static_cast<std::uint16_t>(got.block.first + offset);
        EXPECT_EQ(bind(socket, port), errc::port_outside_block) << offset;
        EXPECT_EQ(try_port(SOCK_DGRAM, port), 0) << offset;
    }
}

TEST(documents_associate, a_port_that_is_drawn_already_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto one = udp4();
    const auto two = udp4();
    ASSERT_FALSE(associate(one, got.token));
    ASSERT_FALSE(associate(two, got.token));
    ASSERT_FALSE(bind(one, got.block.first));
    EXPECT_EQ(bind(two, got.block.first), errc::port_taken);
    EXPECT_EQ(bind(two), error_code()) << "the other port is available";
}

TEST(documents_associate, what_is_not_a_socket_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(associate(ends[0], got.token), errc::not_a_socket);
    EXPECT_EQ(associate(-1, got.token), errc::not_a_socket);
    ::close(ends[0]);
    EXPECT_EQ(associate(ends[0], got.token), errc::not_a_socket) << "closed";
    ::close(ends[1]);
}

TEST(documents_associate, a_socket_other_than_tcp_or_udp_is_refused) {
    const auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    for (const auto& socket : neither_tcp_nor_udp())
        EXPECT_EQ(associate(socket, got.token), errc::operation_not_supported) << socket.describe();
}
