// Work on a shard's own thread, and what it came to.
#pragma once

#include <berth/shards.hpp>

#include <asio/post.hpp>

#include <cstddef>
#include <future>

template <class Function>
auto on_shard(berth::shards& s, std::size_t i, Function function) {
    std::promise<decltype(function())> said;
    asio::post(s[i], [&] { said.set_value(function()); });
    return said.get_future().get();
}
