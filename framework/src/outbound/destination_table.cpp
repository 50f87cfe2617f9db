// Finding, making and recycling sets; see destination_table.hpp.
#include "outbound/destination_table.hpp"

#include "platform/random_bytes.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace berth::outbound {
namespace {

constexpr std::uint32_t roomy = 1024;  // sets that are made before one is recycled: a destination may come back
constexpr std::uint32_t few_looks = 16;
constexpr std::uint32_t most_steps = 64;  // along a chain that changes meanwhile

std::array<std::uint64_t, 3> random_key() {
    std::array<std::uint64_t, 3> key{};
    platform::random_bytes(key.data(), sizeof key);
    return key;
}

}  // namespace

std::size_t destination_table::bytes_of_set(std::uint32_t ports) noexcept {
    return (set_words + tuple_words<>::words_for(ports) + 7) / 8 * sizeof(line);
}

destination_table::destination_table(std::uint32_t ports, std::uint32_t most)
    : ports_(ports),
      most_(most),
      lines_(static_cast<std::uint32_t>(bytes_of_set(ports) / sizeof(line))),
      bucket_count_(std::bit_ceil(most)),
      hash_(random_key()),
      buckets_(std::make_unique<std::atomic<std::uint32_t>[]>(bucket_count_)),
      chunks_(std::make_unique<std::atomic<line*>[]>((most + sets_in_chunk - 1) / sets_in_chunk)) {}

destination_table::~destination_table() {
    for (std::uint32_t c = 0; c * sets_in_chunk < most_; ++c) delete[] chunks_[c].load();
}

bool destination_table::is(std::uint32_t set, const destination& d) const noexcept {
    const word* const words = at(set);
    for (std::uint32_t i = 0; i < d.words.size(); ++i) {
        if (words[key_words + i].load(std::memory_order_relaxed) != d.words[i]) return false;
    }
    return true;
}

// The key is compared between the look at the life word and the pin, which fails if the destination changed
// meanwhile.
std::uint32_t destination_table::find_and_pin(const destination& d) noexcept {
    std::uint32_t next = home(d).load(std::memory_order_acquire);
    for (std::uint32_t steps = 0; next != 0 && steps < most_steps; ++steps) {
        const std::uint32_t set = next - 1;
        const std::uint64_t seen = life(set).look();
        if (is(set, d) && life(set).pin(seen)) return set;
        next = static_cast<std::uint32_t>(at(set)[next_word].load(std::memory_order_acquire));
    }
    return none;
}

std::uint32_t destination_table::pin(const destination& d) noexcept {
    if (const std::uint32_t set = find_and_pin(d); set != none) return set;
    const std::lock_guard lock(changing_);
    for (std::uint32_t next = home(d).load(); next != 0;) {  // all of the chain: it stands still
        const std::uint32_t set = next - 1;
        if (is(set, d) && life(set).pin(life(set).look())) return set;
        next = static_cast<std::uint32_t>(at(set)[next_word].load());
    }
    return make(d);
}

std::uint32_t destination_table::make(const destination& d) noexcept {
    std::uint32_t set = none;
    if (made() >= std::min(roomy, most_)) set = recycle(few_looks);
    if (set == none) set = make_room();
    if (set == none) set = recycle(made());
    if (set == none) return none;
    word* const words = at(set);
    for (std::uint32_t i = 0; i < d.words.size(); ++i) {
        words[key_words + i].store(d.words[i], std::memory_order_relaxed);
    }
    words[next_word].store(home(d).load());
    life(set).begin();
    home(d).store(set + 1, std::memory_order_release);
    return set;
}

std::uint32_t destination_table::recycle(std::uint32_t looks) noexcept {
    for (; looks != 0; --looks) {
        if (hand_ >= made()) hand_ = 0;
        const std::uint32_t set = hand_++;
        if (!life(set).retire()) continue;
        unlink(set);
        return set;
    }
    return none;
}

void destination_table::unlink(std::uint32_t set) noexcept {
    destination d;
    for (std::uint32_t i = 0; i < d.words.size(); ++i) d.words[i] = at(set)[key_words + i].load();
    const auto after = at(set)[next_word].load();
    auto& first = home(d);
    if (first.load() == set + 1) return first.store(static_cast<std::uint32_t>(after));
    for (std::uint32_t next = first.load(); next != 0;) {
        auto& link = at(next - 1)[next_word];
        if (link.load() == set + 1) return link.store(after);
        next = static_cast<std::uint32_t>(link.load());
    }
}

std::uint32_t destination_table::make_room() noexcept {
    const std::uint32_t set = made();
    if (set == most_) return none;
    auto& chunk = chunks_[set / sets_in_chunk];
    if (chunk.load() == nullptr) {
        line* const fresh = new (std::nothrow) line[sets_in_chunk * lines_]();
        if (fresh == nullptr) return none;
        chunk.store(fresh, std::memory_order_release);
    }
    words(set).fill();
    life(set).make_nobodys();
    made_.store(set + 1, std::memory_order_release);
    return set;
}

std::uint32_t destination_table::pinned() const noexcept {
    std::uint32_t sum = 0;
    for (std::uint32_t set = 0; set < made(); ++set) sum += tuple_life<>::pins(life(set).look()) != 0;
    return sum;
}

}  // namespace berth::outbound
