// Settings as an operator writes them. Each throws std::invalid_argument, whose text names the value and shows the
// form.
#pragma once

#include "settings.hpp"

#include <string_view>

namespace outbound_proxy {

/// [NAME=]ADDRESS:FIRST-LAST[/K] or [NAME=]ADDRESS:any*COUNT[/K]: ports, and how many connections share one.
source_setting read_source(std::string_view text);
/// FIRST-LAST or PORT, several with commas between them.
std::vector<port_span> read_port_spans(std::string_view text);
/// ADDRESS or ADDRESS/BITS.
network read_network(std::string_view text);

}  // namespace outbound_proxy
