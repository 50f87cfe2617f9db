// Lists of ports: read as the kernel writes them, and merged so that nobody else's entry is ever lost.
#include "port_list.hpp"

#include <gtest/gtest.h>

#include <random>

namespace berth::daemon::test {
namespace {

std::string again(std::string_view text) {
    const auto ports = parse_port_list(text);
    return ports ? print_port_list(*ports) : "refused";
}

port_set list(std::string_view text) { return parse_port_list(text).value(); }

TEST(port_list, is_read_as_the_kernel_writes_it) {
    EXPECT_EQ(again(""), "");
    EXPECT_EQ(again("\n"), "");
    EXPECT_EQ(again("8080\n"), "8080");
    EXPECT_EQ(again(std::string_view("8080\n\0", 6)), "8080") << "and with the NUL that some kernels leave";
    EXPECT_EQ(again("8080,9000-9010\n"), "8080,9000-9010");
    EXPECT_EQ(again("0-65535\n"), "0-65535");
    EXPECT_EQ(again("5,6,7-9,9,10-12,1"), "1,5-12") << "ranges that touch or overlap";
}

TEST(port_list, anything_else_is_refused) {
    for (const char* text :
         {"x", "1,", ",1", "1-", "-1", "2-1", "65536", "1-65536", "1 2", "1,,2", "1-2-3", "99999999999", "1\n2"}) {
        EXPECT_EQ(again(text), "refused") << text;
    }
}

TEST(port_list, a_block_that_comes_adds_what_is_missing_and_that_alone_is_ours) {
    const auto m = merge(list("10-12,20"), {}, list("11-21"));
    EXPECT_EQ(print_port_list(m.list), "10-21");
    EXPECT_EQ(print_port_list(m.ours), "13-19,21");
}

TEST(port_list, a_block_that_goes_takes_its_own_and_leaves_what_was_there) {
    const auto m = merge(list("10-21"), list("13-19,21"), {});
    EXPECT_EQ(print_port_list(m.list), "10-12,20");
    EXPECT_EQ(print_port_list(m.ours), "");
}

TEST(port_list, a_port_that_another_block_covers_stays) {
    const auto m = merge(list("10-19"), list("10-19"), list("15-19"));
    EXPECT_EQ(print_port_list(m.list), "15-19");
    EXPECT_EQ(print_port_list(m.ours), "15-19");
}

TEST(port_list, what_somebody_took_out_of_the_list_is_put_in_again) {
    const auto m = merge(list("1"), list("10-19"), list("10-19"));
    EXPECT_EQ(print_port_list(m.list), "1,10-19");
    EXPECT_EQ(print_port_list(m.ours), "10-19");
}

// Blocks of both protocols and an administrator come and go at random: his entries are always all there.
TEST(port_list, nobody_elses_entry_is_ever_lost) {
    std::mt19937 random(5);
    for (int round = 0; round < 50; ++round) {
        port_set system, ours, theirs;
        std::vector<port_block> blocks;
        for (int step = 0; step < 60; ++step) {
            const auto first = static_cast<std::uint16_t>(1 + random() % 100);
            const port_block ports{first, static_cast<std::uint32_t>(1 + random() % 20)};
            const auto what = random() % 4;
            if (what == 0) {  // he adds; what is ours already he cannot make his own by adding it again
                theirs |= ports_of({ports}) & ~ours;
                system |= ports_of({ports});
            } else if (what == 1 && !blocks.empty()) {
                blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(random() % blocks.size()));
            } else {
                blocks.push_back(ports);
            }
            const auto m = merge(system, ours, ports_of(blocks));
            system = m.list;
            ours = m.ours;
            ASSERT_TRUE(system == (theirs | ports_of(blocks)));
            ASSERT_TRUE(ours == (ports_of(blocks) & ~theirs));
            ASSERT_TRUE(list(print_port_list(system)) == system);
            ASSERT_TRUE(ports_of(blocks_of(system)) == system);
        }
    }
}

}  // namespace
}  // namespace berth::daemon::test
