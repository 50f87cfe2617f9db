// What a stranger's first program does with the package: link, use a value, and have an error thrown at it.
#include <berth/error.hpp>
#include <berth/port_block.hpp>

#include <cstdio>
#include <system_error>

int main() {
    const berth::port_block block{.first = 40000, .count = 8};
    if (!block.contains(40007) || block.contains(40008)) return 1;

    const std::error_code full = berth::errc::block_exhausted;
    if (full.message().empty() || full.category() != berth::error_category()) return 2;
    try {
        throw berth::reservation_error({berth::errc::too_many_files, "descriptors", 3});
    } catch (const std::system_error& e) {
        if (e.code() != berth::errc::too_many_files) return 3;
    }
    std::printf("consumer: %s\n", full.message().c_str());
    return 0;
}
