// A store in a directory of its own, and rows to put into it.
#pragma once

#include "block_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace berth::daemon::test {

namespace fs = std::filesystem;

class store_ground : public testing::Test {
protected:
    store_ground() { fs::create_directories(directory_); }
    ~store_ground() override { fs::remove_all(directory_); }

    static stored_block row(std::uint64_t id, transport protocol, std::uint16_t first, std::uint32_t count) {
        return {.id = id,
                .protocol = protocol,
                .use = tcp_use::listen,
                .block = {first, count},
                .token = reservation_token(0x8000000000000000u | id * 77),
                .is_draining = false,
                .created = 1'700'000'000};
    }
    static stored_contents some() {
        return {.boot = {11, 12},
                .blocks = {row(0xfedcba9876543210u, transport::tcp, 5000, 20), row(7, transport::tcp, 5020, 1),
                           row(3, transport::udp, 5000, 60536)},
                .listed = {{5000, 10}, {6000, 1}}};
    }

    [[nodiscard]] std::string path() const { return (directory_ / "blocks.db").string(); }
    [[nodiscard]] std::unique_ptr<block_store> open(failure& f) const { return block_store::open(path(), f); }
    [[nodiscard]] std::unique_ptr<block_store> open() const {
        failure f;
        auto store = open(f);
        EXPECT_TRUE(store) << f.what;
        return store;
    }
    void fill(const stored_contents& contents) const {
        failure f;
        open()->commit(contents, f);
        ASSERT_FALSE(f) << f.what;
    }
    [[nodiscard]] std::string bytes() const {
        std::ifstream in(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// The directory holds this as its store, and nothing else.
    void put(const std::string& bytes) const {
        for (const auto& entry : fs::directory_iterator(directory_)) fs::remove(entry.path());
        std::ofstream(path(), std::ios::binary) << bytes;
        fs::permissions(path(), fs::perms::owner_read | fs::perms::owner_write);
    }
    [[nodiscard]] std::string set_aside() const { return block_store::find_set_aside(path()); }

    const fs::path directory_ = fs::temp_directory_path() / "store";
};

}  // namespace berth::daemon::test
