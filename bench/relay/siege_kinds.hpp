// The sieges, one function each. Private to siege_table.cpp and where they are made.
#pragma once

#include "relay/siege.hpp"

#include <memory>

namespace berth::bench {

[[nodiscard]] std::unique_ptr<besieger> begin_allocate_flood(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_garbage(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_replay(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_reflection(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_half_open(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_slow_words(const siege_ground& ground);
[[nodiscard]] std::unique_ptr<besieger> begin_deaf(const siege_ground& ground);

}  // namespace berth::bench
