// Validity and checksums of the store's contents; see stored_blocks.hpp.
#include "stored_blocks.hpp"

#include <algorithm>

namespace berth::daemon {
namespace {

// FNV-1a, 64 bits: every step is a bijection, so two inputs of one length that differ in one byte never agree.
class running_sum {
public:
    void add(std::uint64_t value) noexcept {
        for (int shift = 0; shift < 64; shift += 8) sum_ = (sum_ ^ ((value >> shift) & 0xff)) * 0x100000001b3u;
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

private:
    std::uint64_t sum_ = 0xcbf29ce484222325u;
};

std::string name_of(const port_block& block) {
    return std::to_string(block.count) + " ports from " + std::to_string(block.first);
}

bool precedes(const stored_block& a, const stored_block& b) {
    if (a.protocol != b.protocol) return a.protocol < b.protocol;
    return a.block.first < b.block.first && !overlap(a.block, b.block);
}

std::string check_block(const stored_block& b) {
    if (b.id == 0 || !b.token) return "a block without an id or a token";
    if (b.protocol != transport::tcp && b.protocol != transport::udp) return "a block of neither TCP nor UDP";
    if (b.use != tcp_use::listen && b.use != tcp_use::connect) return "a block of no known use";
    if (b.block.is_wildcard() || !b.block.is_valid()) return "not a block: " + name_of(b.block);
    return {};
}

}  // namespace

std::string check_contents(const stored_contents& contents) {
    std::vector<std::uint64_t> ids, tokens;
    const stored_block* last = nullptr;
    for (const auto& b : contents.blocks) {
        if (auto wrong = check_block(b); !wrong.empty()) return wrong;
        if (last != nullptr && !precedes(*last, b))
            return "blocks overlap, or are out of order, at " + name_of(b.block);
        last = &b;
        ids.push_back(b.id);
        tokens.push_back(b.token.value());
    }
    for (auto* numbers : {&ids, &tokens}) {
        std::sort(numbers->begin(), numbers->end());
        if (std::adjacent_find(numbers->begin(), numbers->end()) != numbers->end()) return "two blocks of one name";
    }
    std::uint32_t next = 1;
    for (const auto& ports : contents.listed) {
        if (ports.is_wildcard() || !ports.is_valid() || ports.first < next) return "not a list: " + name_of(ports);
        next = ports.first + ports.count;
    }
    return {};
}

std::uint64_t checksum(const stored_block& row) noexcept {
    running_sum sum;
    for (const std::uint64_t value :
         {row.id, std::uint64_t(row.protocol), std::uint64_t(row.use), std::uint64_t{row.block.first},
          std::uint64_t{row.block.count}, row.token.value(), std::uint64_t{row.is_draining},
          static_cast<std::uint64_t>(row.created)}) {
        sum.add(value);
    }
    return sum.value();
}

std::uint64_t checksum(const stored_contents& contents) noexcept {
    running_sum sum;
    sum.add(contents.boot.high);
    sum.add(contents.boot.low);
    sum.add(contents.blocks.size());
    for (const auto& row : contents.blocks) sum.add(checksum(row));
    sum.add(contents.listed.size());
    for (const auto& ports : contents.listed) {
        sum.add(ports.first);
        sum.add(ports.count);
    }
    return sum.value();
}

}  // namespace berth::daemon
