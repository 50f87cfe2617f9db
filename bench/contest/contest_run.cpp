// See contest_run.hpp.
#include "contest/contest_run.hpp"

#include "contest/report_html.hpp"
#include "contest/report_json.hpp"
#include "contest/report_table.hpp"

namespace berth::bench {

void publish(const report& r, const std::string& note, const std::string& json, const std::string& html) {
    print_report(r);
    if (!note.empty()) fmt::print("\n{}\n", note);
    if (!json.empty()) write_json(r, json);
    if (!html.empty()) write_html(r, html);
}

}  // namespace berth::bench
