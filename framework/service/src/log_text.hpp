// What follows the time and the severity in a line of the log. Pure: fields in, text out.
#pragma once

#include <berth/service/logger.hpp>

#include <string>
#include <string_view>

namespace berth::service {

/// text: event=... key=value ...; json: "event":"...","key":value ... without the braces. One line in printable
/// ASCII, whatever the values contain. Throws std::bad_alloc.
[[nodiscard]] std::string log_text(log_format format, std::string_view event, logger::fields what);

}  // namespace berth::service
