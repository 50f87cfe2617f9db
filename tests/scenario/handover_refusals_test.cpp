// A hand-over that cannot be is refused by name, to either side, and changes nothing: strangers, limits, nonsense.
#include "scenario/handover_offering.hpp"

#include "handover/wire.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <csignal>
#include <cstddef>
#include <fstream>
#include <random>
#include <thread>
#include <utility>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using detail::handover_verb;
using detail::handover_writer;
using platform::handover_line;
using platform::handover_message;
using platform::line_state;

void limit_descriptors(std::uint64_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

bool is_root() { return ::geteuid() == 0; }
void become(unsigned id) {
    ASSERT_EQ(::setgroups(0, nullptr), 0);
    ASSERT_EQ(::setresgid(id, id, id), 0);
    ASSERT_EQ(::setresuid(id, id, id), 0);
}

class handover_refusals : public offering_ground {};

TEST_F(handover_refusals, nobody_offers) {
    failure f;
    EXPECT_FALSE(receive_handover(fresh_address(), f));
    EXPECT_EQ(f.code, errc::service_unavailable) << f.what;
    EXPECT_FALSE(receive_handover("nobody.here", f));
    EXPECT_EQ(f.code, errc::service_unavailable) << f.what;
    EXPECT_FALSE(receive_handover("", f));
    EXPECT_EQ(f.code, errc::invalid_argument) << f.what;
    EXPECT_FALSE(receive_handover(std::string(200, 'x'), f));
    EXPECT_TRUE(f);
}

TEST_F(handover_refusals, an_address_is_offered_at_once_and_no_file_is_replaced) {
    failure f;
    const std::string path = "offer.socket";
    for (const auto& address : {fresh_address(), path}) {
        const handover_offer first(address);
        const handover_offer second(address, f);
        EXPECT_FALSE(second);
        EXPECT_EQ(f.code, errc::already_bound) << f.what;
        EXPECT_NE(f.what.find(address), std::string::npos) << f.what;
    }
    EXPECT_NE(::access(path.c_str(), F_OK), 0) << "left behind";
    std::ofstream("a.file") << "precious";
    EXPECT_FALSE(handover_offer("a.file", f));
    EXPECT_TRUE(f);
    EXPECT_EQ(::access("a.file", F_OK), 0);
    {
        other_process dies([&](const word_channel& words) {
            const handover_offer offer(path);
            words.say("there");
            static_cast<void>(words.hear());
        });
        EXPECT_EQ(dies.channel().hear(), "there");
    }
    EXPECT_EQ(::access(path.c_str(), F_OK), 0) << "nothing was left behind to replace";
    EXPECT_TRUE(handover_offer(path, f)) << f.what;
}

TEST_F(handover_refusals, what_is_offered_is_checked) {
    begin();
    failure f;
    const auto other = port_reservation::reserve(udp_block(3));
    offer_.add(ports_, "again", f);
    EXPECT_EQ(f.code, errc::invalid_argument);
    offer_.add(port_reservation(), "nothing", f);
    EXPECT_EQ(f.code, errc::reservation_released);
    offer_.add(other, std::string(201, 'x'), f);
    EXPECT_EQ(f.code, errc::invalid_argument);
    offer_.serve(other, transport::udp, other.block().first, "x", f);
    EXPECT_EQ(f.code, errc::invalid_argument) << f.what;
    offer_.serve(ports_, transport::tcp, ports_.block().first, "x", f);
    EXPECT_EQ(f.code, errc::protocol_mismatch) << f.what;
    offer_.serve(ports_, transport::udp, static_cast<std::uint16_t>(ports_.block().first + 3), "x", f);
    EXPECT_EQ(f.code, errc::port_outside_block) << f.what;
}

/// Says hello as a successor does that does not care whose process it talks to; true: all it heard was no.
bool is_turned_away(const std::string& address) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    address.copy(at.sun_path + 1, sizeof at.sun_path - 1, 1);  // "@name" is in the abstract namespace
    const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), size) != 0) return false;
    handover_writer hello(handover_verb::hello);
    hello.put(detail::handover_version);
    ::send(fd, hello.bytes().data(), hello.bytes().size(), MSG_NOSIGNAL);
    bool heard_no = false, heard_else = false, was_reset = false;
    while (!heard_else) {
        handover_message m;
        m.bytes.resize(4096);
        char control[256];
        iovec part{m.bytes.data(), m.bytes.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const auto n = ::recvmsg(fd, &message, 0);
        if (n < 0 && errno == ECONNRESET && !std::exchange(was_reset, true)) continue;  // our hello was not read
        if (n <= 0) break;
        m.bytes.resize(static_cast<std::size_t>(n));
        const bool is_no = detail::handover_reader(m).verb() == handover_verb::no && message.msg_controllen == 0;
        (is_no ? heard_no : heard_else) = true;
    }
    ::close(fd);
    return heard_no && !heard_else;
}

TEST_F(handover_refusals, another_users_process_gets_nothing) {
    if (!is_root()) GTEST_SKIP() << "not root: no other uid to try with";
    ASSERT_EQ(::chmod(".", 0755), 0);
    for (const auto& address : {address_, std::string("here.socket")}) {
        other_process stranger([&](const word_channel& words) {
            become(65534);
            static_cast<void>(words.hear());
            for (int i = 0; i < 50; ++i) {  // refused before it has said a word, and after
                failure f;
                EXPECT_FALSE(receive_handover(address, f));
                EXPECT_EQ(f.code, errc::permission_denied) << f.what;
            }
            if (address.front() == '@') {
                EXPECT_TRUE(is_turned_away(address));
            }
            words.say("refused");
        });
        auto ports = port_reservation::reserve(udp_block(3));
        asio::io_context context;
        handover_offer offer(address);
        failure f;
        offer.add(ports, "ports", f);
        offer.async_hand_over(context, [](error_code) { ADD_FAILURE(); });
        stranger.channel().say("go");
        for (std::string word; word.empty(); word = stranger.channel().hear(0)) context.run_for(1ms);
        EXPECT_EQ(stranger.wait(), 0);
        expect_whole(ports, transport::udp, 3);
    }
}

TEST_F(handover_refusals, what_another_user_offers_is_not_taken) {
    if (!is_root()) GTEST_SKIP() << "not root: no other uid to try with";
    other_process stranger([&](const word_channel& words) {
        become(65533);
        const handover_offer offer(address_);
        words.say("offers");
        static_cast<void>(words.hear());
    });
    // Root takes from root alone; what a user offers may be anything.
    ASSERT_EQ(stranger.channel().hear(), "offers");
    failure f;
    EXPECT_FALSE(receive_handover(address_, f));
    EXPECT_EQ(f.code, errc::permission_denied) << f.what;
    EXPECT_NE(f.what.find("65533"), std::string::npos) << f.what;
}

TEST_F(handover_refusals, another_network_namespace_is_named) {
    if (!is_root()) GTEST_SKIP() << "not root: no other network namespace";
    const std::string path = "other.socket";
    other_process elsewhere([&](const word_channel& words) {
        if (::unshare(CLONE_NEWNET) != 0) return words.say("cannot");
        static_cast<void>(words.hear());
        failure f;
        EXPECT_FALSE(receive_handover(path, f));
        EXPECT_EQ(f.code, errc::wrong_namespace) << f.what;
        words.say("refused");
    });
    auto ports = port_reservation::reserve(udp_block(3));
    asio::io_context context;
    handover_offer offer(path);
    failure f;
    offer.add(ports, "ports", f);
    offer.async_hand_over(context, [](error_code) { ADD_FAILURE(); });
    elsewhere.channel().say("go");
    for (std::string word; word.empty(); word = elsewhere.channel().hear(1)) context.run_for(2ms);
    EXPECT_EQ(elsewhere.wait(), 0);
    expect_whole(ports, transport::udp, 3);
}

// The successor has too few descriptors, by one and by many; the predecessor, at each one that it needs.
TEST_F(handover_refusals, a_descriptor_limit_is_named_before_anything_changes) {
    const nursery successors([&](int room) {
        std::uint64_t open = 0, limit = 0;
        platform::count_descriptors(open, limit);
        limit_descriptors(open + static_cast<std::uint64_t>(room));
        failure f;
        auto over = receive_handover(address_, f);
        if (over) ::_exit(7);
        EXPECT_EQ(f.code, errc::too_many_files) << f.what;
        EXPECT_NE(f.what.find("RLIMIT_NOFILE"), std::string::npos) << f.what;
        if (room > 5) {
            EXPECT_NE(f.what.find(std::to_string(open + static_cast<std::uint64_t>(room))), std::string::npos);
        }
    });
    begin();
    int refused = 0;
    for (int room = 1; room < 100; ++room) {
        successors.start(room);
        std::optional<int> end;
        while (!end) context_.run_for(1ms), end = successors.ended(0);
        context_.run_for(2ms);
        ASSERT_TRUE(WIFEXITED(*end));
        if (WEXITSTATUS(*end) == 7) break;  // and what it had goes back, for it did not complete
        ASSERT_EQ(WEXITSTATUS(*end), 0) << room;
        ++refused;
    }
    EXPECT_GT(refused, 15);
    expect_untouched();
}

TEST_F(handover_refusals, a_predecessor_without_descriptors_says_so_and_goes_on) {
    const nursery successors([&](int) {
        failure f;
        auto over = receive_handover(address_, f, 300ms);
        if (over) ::_exit(7);
        EXPECT_TRUE(f);
    });
    begin();
    std::uint64_t open = 0, limit = 0;
    platform::count_descriptors(open, limit);
    int refused = 0;
    for (std::uint64_t room = 0; room < 20; ++room) {
        limit_descriptors(open + room);
        successors.start(1);
        std::optional<int> end;
        while (!end) {
            context_.run_for(1ms), end = successors.ended(0);
            if (!has_ended_) continue;  // nobody could be let in
            EXPECT_EQ(ended_, errc::too_many_files);
            EXPECT_NE(offer_.why().what.find("RLIMIT_NOFILE"), std::string::npos) << offer_.why().what;
            limit_descriptors(limit);
            has_ended_ = false;
            context_.restart();
            offer_.async_hand_over(context_, [this](error_code ec) { ended_ = ec, has_ended_ = true; });
        }
        limit_descriptors(limit);
        context_.run_for(5ms);
        if (WEXITSTATUS(*end) == 7) continue;
        EXPECT_EQ(offer_.why().code, errc::too_many_files) << offer_.why().what;
        ++refused;
    }
    EXPECT_GT(refused, 0);
    expect_untouched();
}

}  // namespace
}  // namespace berth::test
