// What a stranger's first program does with the package: link, reserve two ports, and have an error thrown at it.
#include <berth/port_reservation.hpp>

#include <cstdio>
#include <system_error>

int main() {
    berth::reservation_request request;
    request.block = {.first = 0, .count = 2};
    const auto ports = berth::port_reservation::reserve(request);
    if (ports.block().is_wildcard() || ports.block().count != 2) return 1;

    const std::error_code full = berth::errc::block_exhausted;
    if (full.message().empty() || full.category() != berth::error_category()) return 2;

    request.block.count = 0;
    try {  // the library is compiled without RTTI: its exception must be recognised out here all the same
        static_cast<void>(berth::port_reservation::reserve(request));
        return 3;
    } catch (const berth::reservation_error& e) {
        if (e.code() != berth::errc::invalid_argument) return 4;
    }
    std::printf("consumer: reserved %u ports\n", static_cast<unsigned>(ports.block().count));
    return 0;
}
