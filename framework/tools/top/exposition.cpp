// See exposition.hpp. One walk over the bytes; a line is read to its end or to the first thing that is wrong.
#include "exposition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace berth::top {
namespace {

bool is_letter(char c, bool colon) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
}
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class line_reader {
public:
    explicit line_reader(std::string_view line) noexcept : rest_(line) {}

    // Each: what is wrong, or nothing.
    std::optional<exposition_error> read(sample& out) {
        skip_blanks();
        out.name = name(true);
        if (out.name.empty()) return exposition_error::no_name;
        const bool blank = skip_blanks();
        if (next_is('{')) {
            if (const auto wrong = read_labels(out.with)) return wrong;
            skip_blanks();
        } else if (!blank && !rest_.empty()) {
            return exposition_error::no_name;  // a name with a letter that is none
        }
        if (const auto wrong = read_value(out.value)) return wrong;
        skip_blanks();
        return read_timestamp();
    }

private:
    bool skip_blanks() noexcept {
        const auto size = rest_.size();
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
        return rest_.size() != size;
    }
    [[nodiscard]] bool next_is(char c) const noexcept { return !rest_.empty() && rest_.front() == c; }
    bool skip(char c) noexcept {
        const bool is = next_is(c);
        if (is) rest_.remove_prefix(1);
        return is;
    }
    std::string name(bool colon) {
        std::size_t size = 0;
        while (size < rest_.size() && (is_letter(rest_[size], colon) || (size > 0 && is_digit(rest_[size])))) ++size;
        std::string out(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return out;
    }
    std::string_view word() noexcept {
        const auto size = std::min(rest_.find_first_of(" \t"), rest_.size());
        const auto out = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return out;
    }

    std::optional<exposition_error> read_labels(labels& out) {
        skip('{');
        for (skip_blanks(); !skip('}'); skip_blanks()) {
            auto key = name(false);
            if (key.empty()) return exposition_error::bad_label_name;
            skip_blanks();
            if (!skip('=')) return exposition_error::no_equals_sign;
            skip_blanks();
            if (!skip('"')) return exposition_error::no_quote;
            std::string value;
            if (const auto wrong = read_quoted(value)) return wrong;
            out.emplace_back(std::move(key), std::move(value));
            skip_blanks();
            if (!skip(',') && !next_is('}')) return exposition_error::labels_have_no_end;
        }
        return std::nullopt;
    }

    std::optional<exposition_error> read_quoted(std::string& out) {
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return std::nullopt;
            if (c != '\\') {
                out += c;
                continue;
            }
            if (rest_.empty()) break;
            const char escaped = rest_.front();
            rest_.remove_prefix(1);
            if (escaped != '\\' && escaped != '"' && escaped != 'n') return exposition_error::bad_escape;
            out += escaped == 'n' ? '\n' : escaped;
        }
        return exposition_error::label_has_no_end;
    }

    std::optional<exposition_error> read_value(double& out) {
        auto text = word();
        if (text.empty()) return exposition_error::no_value;
        if (text.front() == '+') {
            text.remove_prefix(1);
            if (text.starts_with('-')) return exposition_error::bad_value;
        }
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, out);
        if (read.ptr != end || (std::isnan(out) && text.ends_with(')'))) return exposition_error::bad_value;
        if (read.ec == std::errc::result_out_of_range) return exposition_error::value_out_of_range;
        if (read.ec != std::errc{}) return exposition_error::bad_value;
        return std::nullopt;
    }

    std::optional<exposition_error> read_timestamp() {
        const auto text = word();
        if (text.empty()) return std::nullopt;
        std::int64_t ignored = 0;
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, ignored);
        if (read.ptr != end || read.ec != std::errc{}) return exposition_error::bad_timestamp;
        skip_blanks();
        if (!rest_.empty()) return exposition_error::more_than_a_sample;
        return std::nullopt;
    }

    std::string_view rest_;
};

}  // namespace

std::string_view words_of(exposition_error error) noexcept {
    switch (error) {
        case exposition_error::no_name:
            return "no metric's name";
        case exposition_error::bad_label_name:
            return "no label's name";
        case exposition_error::no_equals_sign:
            return "a label without =";
        case exposition_error::no_quote:
            return "a label's value without \"";
        case exposition_error::bad_escape:
            return "an escape that there is not";
        case exposition_error::label_has_no_end:
            return "a label's value without its end";
        case exposition_error::labels_have_no_end:
            return "labels without their end";
        case exposition_error::no_value:
            return "no value";
        case exposition_error::bad_value:
            return "a value that is no number";
        case exposition_error::value_out_of_range:
            return "a value out of range";
        case exposition_error::bad_timestamp:
            return "a time that is no whole number";
        case exposition_error::more_than_a_sample:
            return "more than a sample";
    }
    return "unknown";
}

std::string_view sample::label(std::string_view of) const noexcept {
    const auto found = std::find_if(with.begin(), with.end(), [&](const auto& one) { return one.first == of; });
    return found == with.end() ? std::string_view() : std::string_view(found->second);
}

exposition parse(std::string_view text) {
    exposition out;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto size = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, size);
        text.remove_prefix(std::min(size + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto begin = line.find_first_not_of(" \t");
        if (begin == std::string_view::npos || line[begin] == '#') continue;
        sample read;
        if (const auto wrong = line_reader(line).read(read)) {
            if (!out.first_bad) out.first_bad = bad_line{number, *wrong};
            ++out.bad_count;
        } else {
            out.samples.push_back(std::move(read));
        }
    }
    return out;
}

}  // namespace berth::top
