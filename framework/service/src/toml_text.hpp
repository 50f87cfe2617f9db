// What CLI11's reader of TOML does not understand of strings, done before and after it. Pure: text in, text out.
//
// It ends a line at '#' also inside of a string, knows no escapes, and passes over lines that it cannot read. So what
// it must not see becomes control characters, which no file may contain, and lines that are none are refused.
#pragma once

#include <string>
#include <string_view>

namespace berth::service {

/// The file's text, such that CLI11 reads it as it is meant. `mistake` is empty, or says the line and what is wrong.
[[nodiscard]] std::string guarded_toml(std::string_view text, std::string& mistake);
/// A value that CLI11 has read out of such a text, as it stands in the file.
[[nodiscard]] std::string restored(std::string value);
/// What CLI11 writes as a file, such that guarded_toml() reads it: backslashes in strings are escaped.
[[nodiscard]] std::string escaped_toml(std::string_view text);

}  // namespace berth::service
