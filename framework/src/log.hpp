// How the library speaks to the log sink.
#pragma once

#include <berth/log.hpp>

namespace berth::detail {

void log(log_level level, std::string_view message) noexcept;

}  // namespace berth::detail
