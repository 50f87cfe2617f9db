// mimalloc beside the program's malloc: nobody sees its symbols, and malloc gives none of its memory.
#include <berth/shard_allocator.hpp>
#include <berth/shards.hpp>

#include "memory/memory_source.hpp"
#include "unit/memory/on_shard.hpp"

#include <asio/post.hpp>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <string>
#include <vector>

namespace {

using berth::io_context;
using berth::shard_allocator;
using berth::shards;

/// The file that holds the code at an address.
std::string file_of(void* address) {
    Dl_info info{};
    return ::dladdr(address, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

TEST(memory_source, the_programs_malloc_is_not_replaced) {
    if (!berth::detail::the_memory_source().has_heaps) GTEST_SKIP() << io_context::memory_reason();
    std::ifstream maps("/proc/self/maps");
    const std::string mapped{std::istreambuf_iterator<char>(maps), {}};
    ASSERT_NE(mapped.find("libmimalloc"), std::string::npos) << "it is in this process";
    EXPECT_EQ(::dlsym(RTLD_DEFAULT, "mi_malloc"), nullptr) << "but nobody sees its symbols";
    for (const char* name : {"malloc", "free", "calloc", "realloc", "posix_memalign", "_Znwm", "_ZdlPv"}) {
        void* const found = ::dlsym(RTLD_DEFAULT, name);
        ASSERT_NE(found, nullptr) << name;
        EXPECT_EQ(file_of(found).find("mimalloc"), std::string::npos) << name << " is " << file_of(found);
    }
    EXPECT_EQ(file_of(reinterpret_cast<void*>(&std::malloc)).find("mimalloc"), std::string::npos);

    // What malloc gives is none of mimalloc's memory, on this thread and on a shard's.
    void* const library = ::dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library, nullptr);
    const auto is_mimallocs = reinterpret_cast<bool (*)(const void*)>(::dlsym(library, "mi_is_in_heap_region"));
    ASSERT_NE(is_mimallocs, nullptr);
    const auto look = [&] {
        void* const theirs = std::malloc(1000);
        int* const also_theirs = new int;
        std::vector<char, shard_allocator<char>> ours(1000);
        const bool as_it_should = !is_mimallocs(theirs) && !is_mimallocs(also_theirs) && is_mimallocs(ours.data());
        std::free(theirs);
        delete also_theirs;
        return as_it_should;
    };
    EXPECT_TRUE(look());
    shards one({.count = 1});
    one.start();
    EXPECT_TRUE(on_shard(one, 0, look));
}

}  // namespace
