// Where there is fork: a child's copy of a block is closed, and nothing of its parent's is touched.
#include "conformance/documents_sockets.hpp"
#include "conformance/provider_world.hpp"

namespace provider_contract {
namespace {

TEST_P(port_provider_contract, a_child_that_abandons_closes_its_descriptors_and_nothing_of_its_parents) {
    BERTH_ONLY_IF_IT_RESERVES();
    if (!world_->can_fork()) GTEST_SKIP() << "this world is not shared by a forked child";
    auto block = seal(3);
    ASSERT_FALSE(open(*block, 1));
    const auto sentence = documents::in_child([&]() -> std::string {
        std::vector<native_socket> sessions;
        for (std::uint32_t i = 0; i < 3; ++i) sessions.push_back(block->session(i));
        block->abandon();
        for (const auto socket : sessions) {
            if (provider().inode_of(socket) != 0) return "descriptor " + std::to_string(socket) + " is still open";
        }
        return {};
    });
    EXPECT_EQ(sentence, "");
    EXPECT_EQ(is_deaf(*block, 0), "") << "parked stays parked";
    EXPECT_EQ(hears(*block, 1), "") << "open stays open";
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(world_->who_gets_in(port(i)), "");
    block.reset();
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(world_->is_free(port(i)));
}

}  // namespace
}  // namespace provider_contract
