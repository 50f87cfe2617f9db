// What the outbound proxy decides without a socket: kinds of addresses, answers to failures, settings as they are
// written, users.
#include "access_rules.hpp"
#include "failures.hpp"
#include "setting_texts.hpp"
#include "users.hpp"

#include <berth/error.hpp>

#include <gtest/gtest.h>
#include <asio/error.hpp>

namespace outbound_proxy::test {
namespace {

asio::ip::address address(const char* text) { return asio::ip::make_address(text); }

TEST(access_rules, every_address_has_a_kind) {
    using enum address_kind;
    const std::pair<const char*, address_kind> rows[] = {{"126.255.255.255", ordinary},
                                                         {"127.0.0.0", loopback},
                                                         {"127.255.255.255", loopback},
                                                         {"128.0.0.0", ordinary},
                                                         {"169.253.255.255", ordinary},
                                                         {"169.254.0.0", link_local},
                                                         {"169.254.169.254", link_local},
                                                         {"169.255.0.0", ordinary},
                                                         {"9.255.255.255", ordinary},
                                                         {"10.0.0.0", private_use},
                                                         {"10.255.255.255", private_use},
                                                         {"11.0.0.0", ordinary},
                                                         {"172.15.255.255", ordinary},
                                                         {"172.16.0.0", private_use},
                                                         {"172.31.255.255", private_use},
                                                         {"172.32.0.0", ordinary},
                                                         {"192.167.255.255", ordinary},
                                                         {"192.168.0.0", private_use},
                                                         {"192.168.255.255", private_use},
                                                         {"192.169.0.0", ordinary},
                                                         {"100.63.255.255", ordinary},
                                                         {"100.64.0.0", private_use},
                                                         {"100.127.255.255", private_use},
                                                         {"100.128.0.0", ordinary},
                                                         {"0.0.0.0", never},
                                                         {"0.255.255.255", never},
                                                         {"1.0.0.0", ordinary},
                                                         {"223.255.255.255", ordinary},
                                                         {"224.0.0.0", never},
                                                         {"240.0.0.1", never},
                                                         {"255.255.255.255", never},
                                                         {"::", never},
                                                         {"::1", loopback},
                                                         {"::2", never},
                                                         {"::127.0.0.1", never},
                                                         {"::ffff:127.0.0.1", loopback},
                                                         {"::ffff:10.0.0.1", private_use},
                                                         {"::ffff:8.8.8.8", ordinary},
                                                         {"fe80::1", link_local},
                                                         {"febf::1", link_local},
                                                         {"fec0::1", ordinary},
                                                         {"fbff::1", ordinary},
                                                         {"fc00::1", private_use},
                                                         {"fdff::1", private_use},
                                                         {"ff02::1", never},
                                                         {"2001:db8::1", ordinary},
                                                         {"64:ff9b::7f00:1", loopback},
                                                         {"64:ff9b::a00:1", private_use},
                                                         {"64:ff9b::808:808", ordinary},
                                                         {"64:ff9b:1:a00:0:100:808:808", private_use},
                                                         {"2002:7f00:1::", loopback},
                                                         {"2002:808:808::1", ordinary},
                                                         {"2002:c0a8:1::1", private_use}};
    for (const auto& [text, kind] : rows) EXPECT_EQ(kind_of(address(text)), kind) << text;
}

TEST(access_rules, what_is_not_allowed_by_name_is_refused) {
    const auto never_own = [] { return false; };
    const auto always_own = [] { return true; };
    const access_rules strict{settings{}};
    for (const char* no : {"127.0.0.1", "::1", "169.254.0.1", "10.0.0.1", "fd00::1", "0.0.0.0", "ff02::1"})
        EXPECT_NE(strict.refusal_of(address(no), never_own), "") << no;
    EXPECT_EQ(strict.refusal_of(address("8.8.8.8"), never_own), "");
    EXPECT_NE(strict.refusal_of(address("8.8.8.8"), always_own), "");
    settings all;
    all.allowed = {true, true, true, true};
    const access_rules open(all);
    for (const char* yes : {"127.0.0.1", "::1", "169.254.0.1", "10.0.0.1", "fd00::1", "8.8.8.8"})
        EXPECT_EQ(open.refusal_of(address(yes), always_own), "") << yes;
    EXPECT_NE(open.refusal_of(address("255.255.255.255"), never_own), "");
}

TEST(access_rules, networks_and_ports) {
    EXPECT_TRUE(read_network("10.0.0.0/8").contains(address("10.255.0.1")));
    EXPECT_FALSE(read_network("10.0.0.0/8").contains(address("11.0.0.1")));
    EXPECT_TRUE(read_network("10.0.0.1").contains(address("::ffff:10.0.0.1")));
    EXPECT_FALSE(read_network("10.0.0.1").contains(address("10.0.0.2")));
    EXPECT_TRUE(read_network("0.0.0.0/0").contains(address("1.2.3.4")));
    EXPECT_FALSE(read_network("0.0.0.0/0").contains(address("::1")));
    EXPECT_TRUE(read_network("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(read_network("2001:db8::/33").contains(address("2001:db8:8000::1")));
    for (const char* no : {"", "x", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0.0/-1"})
        EXPECT_THROW((void)read_network(no), std::invalid_argument) << no;
    const auto spans = read_port_spans("443,8000-8999,1");
    EXPECT_TRUE(contains(spans, 443) && contains(spans, 8000) && contains(spans, 8999) && contains(spans, 1));
    EXPECT_FALSE(contains(spans, 442) || contains(spans, 9000) || contains(spans, 0));
    for (const char* no : {"", ",", "1,", "0", "65536", "2-1", "1-", "-1", "1-2-3", "a", " 1"})
        EXPECT_THROW((void)read_port_spans(no), std::invalid_argument) << no;
}

TEST(sources, are_read_as_they_are_written) {
    const auto plain_one = read_source("192.0.2.1:40000-40063/100");
    EXPECT_EQ(plain_one.address, address("192.0.2.1"));
    EXPECT_EQ(plain_one.ports, (berth::port_block{40000, 64}));
    EXPECT_EQ(plain_one.per_port, 100U);
    EXPECT_EQ(plain_one.name, "");
    const auto named = read_source("paris=[2001:db8::1]:any*64");
    EXPECT_EQ(named.name, "paris");
    EXPECT_EQ(named.address, address("2001:db8::1"));
    EXPECT_EQ(named.ports, (berth::port_block{0, 64}));
    EXPECT_EQ(named.per_port, 1U);
    EXPECT_EQ(read_source("127.0.0.1:65535").ports, (berth::port_block{65535, 1}));
    for (const char* no : {"", "a", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:1-65536", "1.2.3.4:2-1",
                           "1.2.3.4:1/0", "1.2.3.4:1/65536", "1.2.3.4:1/", "::1:1", "[1.2.3.4]:1", "1.2.3.4:any*0",
                           "1.2.3.4:any*65536", "1.2.3.4:any", "host:1", "=1.2.3.4"})
        EXPECT_THROW((void)read_source(no), std::invalid_argument) << no;
}

TEST(users, are_found_by_name_and_password_alone) {
    const user_list users({read_user("anna:secret:one,two"), read_user("bob:pa ss")});
    ASSERT_NE(users.find("anna", "secret"), nullptr);
    EXPECT_EQ(users.find("anna", "secret")->sources, (std::vector<std::string>{"one", "two"}));
    EXPECT_NE(users.find("bob", "pa ss"), nullptr);
    using text = std::pair<const char*, const char*>;
    for (const auto& [name, password] : {text{"anna", "secre"},
                                         {"anna", "secrets"},
                                         {"anna", ""},
                                         {"ann", "secret"},
                                         {"anna", "secretsecret"},
                                         {"", ""},
                                         {"", "secret"},
                                         {"bob", "secret"}})
        EXPECT_EQ(users.find(name, password), nullptr) << name << password;
    EXPECT_TRUE(users.is_closed());
    EXPECT_FALSE(user_list({}).is_closed());
    for (const char* no : {"", "name", ":password", "name:", "name::source"})
        EXPECT_THROW((void)read_user(no), std::invalid_argument) << no;
    try {
        (void)read_user("name:" + std::string(256, 's'));
        ADD_FAILURE();
    } catch (const std::invalid_argument& e) {
        EXPECT_EQ(std::string(e.what()).find("sss"), std::string::npos) << "a password is in a message";
    }
}

TEST(failures, what_the_system_says_is_what_a_client_hears) {
    const auto of_system = [](int number) { return std::error_code(number, asio::error::get_system_category()); };
    const struct {
        std::error_code ec;
        problem what;
        int socks, http;
    } rows[] = {
        {{}, problem::none, 0, 200},
        {berth::errc::block_exhausted, problem::exhausted, 1, 503},
        {berth::errc::too_many_destinations, problem::exhausted, 1, 503},
        {of_system(EADDRNOTAVAIL), problem::exhausted, 1, 503},
        {of_system(ENETUNREACH), problem::network_unreachable, 3, 502},
        {of_system(ENETDOWN), problem::network_unreachable, 3, 502},
        {of_system(EHOSTUNREACH), problem::host_unreachable, 4, 502},
        {of_system(ECONNREFUSED), problem::refused, 5, 502},
        {std::make_error_code(std::errc::io_error), problem::failed, 1, 502},
        {std::error_code(ECONNREFUSED, std::system_category()), problem::refused, 5, 502},
        {of_system(ETIMEDOUT), problem::timed_out, 6, 504},
        {asio::error::operation_aborted, problem::timed_out, 6, 504},
        {of_system(EACCES), problem::not_allowed, 2, 403},
        {asio::error::host_not_found, problem::unresolved, 4, 502},
        {asio::error::host_not_found_try_again, problem::unresolved, 4, 502},
        {of_system(EIO), problem::failed, 1, 502},
        {berth::errc::reservation_released, problem::failed, 1, 502},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(problem_of(row.ec), row.what) << row.ec.message();
        EXPECT_EQ(static_cast<int>(row_of(row.what).socks), row.socks) << row.ec.message();
        EXPECT_EQ(row_of(row.what).http, row.http) << row.ec.message();
    }
    EXPECT_EQ(row_of(problem::quota).http, 429);
    EXPECT_EQ(row_of(problem::quota).socks, socks_reply::not_allowed);
    EXPECT_EQ(row_of(problem::no_family).socks, socks_reply::network_unreachable);
}

}  // namespace
}  // namespace outbound_proxy::test
