// See html_page.hpp.
#include "report/html_page.hpp"

#include "report/page_style.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace berth::bench {

std::string escaped(std::string_view words) {
    std::string out;
    for (const char c : words) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else
            out += c;
    }
    return out;
}

std::string card(std::string_view title, std::string_view explained, std::string_view body) {
    return fmt::format("<div class=\"card\"><h3>{}</h3><p class=\"soft\">{}</p>{}</div>", title, explained, body);
}

std::string legend(const std::vector<series>& lines) {
    std::string out = "<ul class=\"legend\">";
    for (const series& line : lines) out += fmt::format("<li><i class=\"b{}\"></i>{}</li>", line.colour, line.label);
    return out + "</ul>";
}

std::string targets_section(std::string_view explained, const std::vector<target_row>& rows) {
    if (rows.empty()) return {};
    std::string out = fmt::format(
        "<h2>Targets</h2><p class=\"soft\">{}</p><div class=\"wide\"><table class=\"plain\"><thead><tr><th>what</th>"
        "<th class=\"l\">target</th><th class=\"l\">measured</th><th></th></tr></thead><tbody>",
        explained);
    for (const target_row& t : rows) {
        const char* const kind = !t.reached ? "soft" : *t.reached ? "yes" : "no";
        const char* const words = !t.reached ? "not measured" : *t.reached ? "reached" : "not reached";
        out += fmt::format(
            "<tr><td>{}</td><td class=\"l\" data-k=\"target\">{}</td><td class=\"l\" data-k=\"measured\">{}</td>"
            "<td class=\"{}\" data-k=\"\">{}</td></tr>",
            escaped(t.what), escaped(t.goal), escaped(t.measured), kind, words);
    }
    return out + "</tbody></table></div>";
}

void write_page(const std::string& path, std::string_view title, std::string_view body) {
    std::ofstream file(path);
    file << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\"><title>"
         << title << "</title><style>" << page_style << "</style></head><body>" << body << "</body></html>\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace berth::bench
