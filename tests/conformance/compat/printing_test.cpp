// wprintf as Windows has it, and the numbers that its programs read from their arguments.
#include <gtest/gtest.h>

#include <windows.h>

#include <mstcpip.h>

#include <climits>
#include <cstdlib>
#include <string>

namespace {

/// What is written, and -1 as "<refused>".
template <class... Arguments>
std::wstring printed(const wchar_t* format, Arguments... arguments) {
    wchar_t* text = nullptr;
    std::size_t size = 0;
    FILE* const stream = ::open_wmemstream(&text, &size);
    const int written = fwprintf(stream, format, arguments...);
    std::fclose(stream);
    std::wstring out(text, size);
    std::free(text);
    if (written >= 0) {
        EXPECT_EQ(static_cast<std::size_t>(written), out.size());
    }
    return written < 0 ? L"<refused>" : out;
}

}  // namespace

TEST(compat_printing, sizes_are_those_of_windows) {
    EXPECT_EQ(printed(L"%I64d", ULONG64{1} << 63), L"-9223372036854775808");
    EXPECT_EQ(printed(L"%I64u %I64x", ~ULONG64{0}, ULONG64{255}), L"18446744073709551615 ff");
    EXPECT_EQ(printed(L"%lld %I32d %Iu", 1ll << 40, 5, sizeof(int)), L"1099511627776 5 4");
    EXPECT_EQ(printed(L"%ld", 5ul), L"5");
    EXPECT_EQ(printed(L"%ld", (1ul << 32) + 7), L"7") << "a long has 32 bits there";
    EXPECT_EQ(printed(L"%d", static_cast<unsigned short>(65535)), L"65535");
    EXPECT_EQ(printed(L"%hd %hhu", 65535, 257), L"-1 1");
    EXPECT_EQ(printed(L"%u", DWORD{4294967295u}), L"4294967295");
    EXPECT_EQ(printed(L"%d", DWORD{4294967295u}), L"-1");
}

TEST(compat_printing, a_token_structure_goes_as_the_number_in_it) {
    EXPECT_EQ(printed(L"%I64d", INET_PORT_RESERVATION_TOKEN{4711}), L"4711");
}

TEST(compat_printing, strings_are_wide_unless_their_argument_is_not) {
    const wchar_t* const wide = L"w\u00efde";
    EXPECT_EQ(printed(L"%s|%ws|%ls|%S", wide, wide, wide, "narrow"), L"w\u00efde|w\u00efde|w\u00efde|narrow");
    EXPECT_EQ(printed(L"%hs", "narrow"), L"narrow");
    EXPECT_EQ(printed(L"%s", static_cast<const wchar_t*>(nullptr)), L"(null)");
    EXPECT_EQ(printed(L"%c%c", L'a', 'b'), L"ab");
}

TEST(compat_printing, flags_widths_and_precisions) {
    EXPECT_EQ(printed(L"[%5d|%-5d|%05d|%+d]", 42, 42, 42, 42), L"[   42|42   |00042|+42]");
    EXPECT_EQ(printed(L"[%*d|%-*d|%.*s]", 4, 7, 4, 7, 2, L"abc"), L"[   7|7   |ab]");
    EXPECT_EQ(printed(L"%.2f %g %%", 1.005, 0.5), L"1.00 0.5 %");
    EXPECT_EQ(printed(L"%#x %o %X", 255, 8, 255), L"0xff 10 FF");
    EXPECT_EQ(printed(L"%p", static_cast<const void*>(nullptr)), L"0000000000000000");
}

TEST(compat_printing, what_does_not_fit_is_refused) {
    EXPECT_EQ(printed(L"%d %d", 1), L"<refused>") << "an argument is missing";
    EXPECT_EQ(printed(L"%s", 1), L"<refused>") << "a number is no string";
    EXPECT_EQ(printed(L"%d", L"text"), L"<refused>");
    EXPECT_EQ(printed(L"%", 1), L"<refused>");
    int count = 5;
    EXPECT_EQ(printed(L"%n", &count), L"<refused>") << "nor on Windows";
    EXPECT_EQ(count, 5);
    EXPECT_EQ(printed(L"%999999999999d", 1), L"<refused>");
}

TEST(compat_printing, numbers_are_read_as_far_as_they_go) {
    EXPECT_EQ(_wtoi(L"5000"), 5000);
    EXPECT_EQ(_wtoi(L"  -17 ports"), -17);
    EXPECT_EQ(_wtoi(L"+3"), 3);
    EXPECT_EQ(_wtoi(L"none"), 0);
    EXPECT_EQ(_wtoi(L""), 0);
    EXPECT_EQ(_wtoi(L"2147483647"), INT_MAX);
    EXPECT_EQ(_wtoi(L"2147483648"), INT_MAX);
    EXPECT_EQ(_wtoi(L"-2147483648"), INT_MIN);
    EXPECT_EQ(_wtoi(L"-99999999999999999999999"), INT_MIN);
}
