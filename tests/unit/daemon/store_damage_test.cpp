// A store that is cut short at every length, and changed at every byte: it loads the very same rows, or is refused.
#include "store_ground.hpp"

namespace berth::daemon::test {
namespace {

class store_damage : public store_ground {
protected:
    void SetUp() override {
        contents_ = some();
        fill({.boot = {1, 2}, .blocks = {row(9, transport::tcp, 100, 1)}, .listed = {}});  // rows that were erased
        fill(contents_);
        whole_ = bytes();
        ASSERT_LE(whole_.size(), 16384u);
        std::error_code none;
        const auto log = fs::file_size(path() + "-wal", none);
        ASSERT_TRUE(none || log == 0) << "the file alone is the truth between two commits";
    }

    /// 1: loaded as it was; 0: refused, and said so.
    int load(const std::string& bytes) {
        put(bytes);
        failure f;
        if (const auto store = open(f)) {
            EXPECT_EQ(store->contents(), contents_);
            store->commit({.boot = {5, 5}, .blocks = contents_.blocks, .listed = {}}, f);
            EXPECT_FALSE(f) << f.what;
            return 1;
        }
        EXPECT_NE(f.what.find(path()), std::string::npos) << f.what;
        EXPECT_NE(set_aside(), "") << f.what;
        return 0;
    }

    stored_contents contents_;
    std::string whole_;
};

TEST_F(store_damage, cut_short_at_every_length) {
    for (std::size_t size = 0; size < whole_.size() && !HasFailure(); ++size) {
        EXPECT_EQ(load(whole_.substr(0, size)), 0) << size << " bytes are left";
    }
    EXPECT_EQ(load(whole_), 1);
}

TEST_F(store_damage, changed_at_every_byte) {
    int loaded = 0, refused = 0;
    for (std::size_t at = 0; at < whole_.size() && !HasFailure(); ++at) {
        for (const int mask : {1 << at % 8, 0xff}) {
            auto bytes = whole_;
            bytes[at] = static_cast<char>(bytes[at] ^ mask);
            SCOPED_TRACE("byte " + std::to_string(at) + " xor " + std::to_string(mask));
            ++(load(bytes) == 1 ? loaded : refused);
        }
    }
    EXPECT_GT(refused, 1000);
    EXPECT_GT(loaded, 0) << "bytes that nothing reads";
    std::cout << loaded << " loaded as they were, " << refused << " refused\n";
}

TEST_F(store_damage, overwritten_by_zeros_a_sector_at_a_time) {
    for (std::size_t at = 0; at < whole_.size(); at += 512) {
        auto bytes = whole_;
        bytes.replace(at, 512, std::string(512, '\0'));
        if (bytes != whole_) load(bytes);
    }
}

}  // namespace
}  // namespace berth::daemon::test
