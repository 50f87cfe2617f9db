// See berth_compat/printing.h: a format of Windows, taken apart and printed piece by piece.
#include "berth_compat/printing.h"

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cwctype>
#include <string>

namespace berth::compat {
namespace {

/// The system's function, past the templates of its name.
int system_print(FILE* stream, const wchar_t* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = ::vfwprintf(stream, format, arguments);
    va_end(arguments);
    return written;
}

enum class length { none, half, quarter, wide, bits_64 };

struct piece {
    std::wstring flags;
    int width = -1;
    int precision = -1;
    length size = length::none;
    wchar_t what = 0;
};

class printer {
public:
    printer(FILE* stream, const print_argument* arguments, size_t count)
        : stream_(stream), next_(arguments), end_(arguments + count) {}

    bool run(const wchar_t* format) {
        while (*format != 0) {
            const auto text = std::wcscspn(format, L"%");
            if (!put(system_print(stream_, L"%.*ls", static_cast<int>(text), format))) return false;
            format += text;
            if (*format == 0) break;
            piece p;
            if (!parse(++format, p) || !print(p)) return false;
        }
        return true;
    }
    [[nodiscard]] int written() const { return written_; }

private:
    bool put(int result) {
        if (result < 0) return false;
        written_ += result;
        return true;
    }
    const print_argument* take() { return next_ == end_ ? nullptr : next_++; }

    bool number(const wchar_t*& at, int& out) {
        if (*at == L'*') {
            const auto* const given = take();
            if (given == nullptr || given->kind != print_argument::integer) return false;
            out = static_cast<int>(given->number);
            ++at;
            return true;
        }
        for (out = 0; std::iswdigit(static_cast<wint_t>(*at)); ++at) {
            if (out > 100'000) return false;
            out = out * 10 + (*at - L'0');
        }
        return true;
    }

    static void parse_length(const wchar_t*& at, length& size) {
        const auto is = [&](const wchar_t* word) {
            const auto n = std::wcslen(word);
            if (std::wcsncmp(at, word, n) != 0) return false;
            at += n;
            return true;
        };
        if (is(L"I64") || is(L"ll") || is(L"j") || is(L"z") || is(L"t")) {
            size = length::bits_64;
        } else if (is(L"I32")) {
            size = length::none;
        } else if (is(L"I")) {
            size = length::bits_64;
        } else if (is(L"hh")) {
            size = length::quarter;
        } else if (is(L"h")) {
            size = length::half;
        } else if (is(L"l") || is(L"w") || is(L"L")) {
            size = length::wide;
        }
    }

    bool parse(const wchar_t*& at, piece& p) {
        while (*at != 0 && std::wcschr(L"-+ #0", *at) != nullptr) p.flags += *at++;
        if ((*at == L'*' || std::iswdigit(static_cast<wint_t>(*at))) && !number(at, p.width)) return false;
        if (p.width < -1) {
            p.flags += L'-';
            p.width = -p.width;
        }
        if (*at == L'.' && !number(++at, p.precision)) return false;
        parse_length(at, p.size);
        p.what = *at;
        if (p.what != 0) ++at;
        return p.what != 0;
    }

    static std::wstring form(const piece& p, const wchar_t* size_and_what) {
        std::wstring out = L"%" + p.flags;
        if (p.width >= 0) out += std::to_wstring(p.width);
        if (p.precision >= 0) out += L'.' + std::to_wstring(p.precision);
        return out + size_and_what;
    }

    /// The number as a variable of the format's size holds it: `long` has 32 bits on Windows.
    static long long signed_value(long long n, length size) {
        switch (size) {
            case length::bits_64:
                return n;
            case length::half:
                return static_cast<short>(n);
            case length::quarter:
                return static_cast<signed char>(n);
            default:
                return static_cast<int>(n);
        }
    }
    static unsigned long long unsigned_value(long long n, length size) {
        switch (size) {
            case length::bits_64:
                return static_cast<unsigned long long>(n);
            case length::half:
                return static_cast<unsigned short>(n);
            case length::quarter:
                return static_cast<unsigned char>(n);
            default:
                return static_cast<unsigned>(n);
        }
    }

    bool print(const piece& p) {
        if (p.what == L'%') return put(system_print(stream_, L"%%"));
        const auto* const given = take();
        if (given == nullptr) return false;
        switch (p.what) {
            case L'd':
            case L'i':
                return print_integer(p, *given, true);
            case L'u':
            case L'x':
            case L'X':
            case L'o':
                return print_integer(p, *given, false);
            case L'c':
            case L'C':
                return print_character(p, *given);
            case L's':
            case L'S':
                return print_text(p, *given);
            case L'p':
                return print_pointer(p, *given);
            case L'a':
            case L'A':
            case L'e':
            case L'E':
            case L'f':
            case L'F':
            case L'g':
            case L'G':
                return print_real(p, *given);
            default:
                return false;  // %n among them, which Windows refuses too
        }
    }

    bool print_integer(const piece& p, const print_argument& given, bool is_signed) {
        if (given.kind != print_argument::integer) return false;
        const wchar_t what[] = {L'l', L'l', p.what, 0};
        const auto how = form(p, what);
        return put(is_signed ? system_print(stream_, how.c_str(), signed_value(given.number, p.size))
                             : system_print(stream_, how.c_str(), unsigned_value(given.number, p.size)));
    }
    bool print_real(const piece& p, const print_argument& given) {
        if (given.kind != print_argument::floating) return false;
        const wchar_t what[] = {L'L', p.what, 0};
        return put(system_print(stream_, form(p, what).c_str(), given.real));
    }
    bool print_character(const piece& p, const print_argument& given) {
        if (given.kind != print_argument::integer) return false;
        return put(system_print(stream_, form(p, L"lc").c_str(), static_cast<wint_t>(given.number)));
    }
    /// Wide or narrow as the argument is, whatever the format says: taken for the other it would be nonsense.
    bool print_text(const piece& p, const print_argument& given) {
        if (given.kind != print_argument::wide_text && given.kind != print_argument::narrow_text) return false;
        if (given.address == nullptr) return put(system_print(stream_, form(p, L"ls").c_str(), L"(null)"));
        const bool is_wide = given.kind == print_argument::wide_text;
        return put(system_print(stream_, form(p, is_wide ? L"ls" : L"s").c_str(), given.address));
    }
    bool print_pointer(const piece& p, const print_argument& given) {
        if (given.kind == print_argument::integer || given.kind == print_argument::floating) return false;
        piece digits = p;
        digits.precision = 16;
        return put(system_print(stream_, form(digits, L"llX").c_str(),
                                static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(given.address))));
    }

    FILE* stream_;
    const print_argument* next_;
    const print_argument* end_;
    int written_ = 0;
};

}  // namespace

int print(FILE* stream, const wchar_t* format, const print_argument* arguments, size_t count) {
    ::flockfile(stream);  // one call is one piece for other threads, as it is of the system's
    printer p(stream, arguments, count);
    errno = 0;
    const bool done = p.run(format);
    if (!done && errno == 0) errno = EINVAL;
    ::funlockfile(stream);
    return done ? p.written() : -1;
}

}  // namespace berth::compat

extern "C" int _wtoi(const wchar_t* text) {
    while (std::iswspace(static_cast<wint_t>(*text))) ++text;
    const bool is_negative = *text == L'-';
    if (*text == L'-' || *text == L'+') ++text;
    long long value = 0;
    for (; *text >= L'0' && *text <= L'9'; ++text) {
        value = value * 10 + (*text - L'0');
        if (value > -static_cast<long long>(INT_MIN)) {
            errno = ERANGE;
            return is_negative ? INT_MIN : INT_MAX;
        }
    }
    if (!is_negative && value > INT_MAX) {
        errno = ERANGE;
        return INT_MAX;
    }
    return static_cast<int>(is_negative ? -value : value);
}
