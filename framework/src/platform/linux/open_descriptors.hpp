// The seam's list of this process's descriptors, made in the cheaper of two ways, stretch by stretch.
//
// Asking number by number costs 0.13 us each, and nothing for the numbers that the caller does not want; reading
// /proc/self/fd costs microseconds for every open descriptor, and next to nothing for the numbers between them. So
// the numbers are asked one by one where descriptors lie close together, and the directory leads across the gaps: a
// process that holds ten thousand ports, or once had a million descriptors, pays for those that it asks for.
#pragma once

#include <span>
#include <vector>

namespace berth::platform {

/// Open descriptors that are not in `except`, both ascending. 0 or -errno.
int list_open_descriptors(std::span<const int> except, std::vector<int>& out) noexcept;

}  // namespace berth::platform
