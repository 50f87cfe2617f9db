// wprintf and fwprintf with the formats of Windows: %s is a wide string, %I64d has 64 bits, %ld has 32.
//
// Templates beside the system's functions: each argument is taken with the type it has, so the size that a format
// names cannot go wrong. A call without arguments is the system's own, and writes to the same stream.
#pragma once

#include "types.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include <type_traits>

namespace berth {
namespace compat {

struct print_argument {
    enum kind_type { integer, floating, wide_text, narrow_text, pointer };
    kind_type kind;
    long long number = 0;  // an integer, sign-extended as its type has it
    long double real = 0;
    const void* address = nullptr;

    print_argument(const wchar_t* text) : kind(wide_text), address(text) {}
    print_argument(const char* text) : kind(narrow_text), address(text) {}
    print_argument(const void* any) : kind(pointer), address(any) {}
    print_argument(decltype(nullptr)) : kind(pointer) {}
    template <class Type,
              typename std::enable_if<std::is_integral<Type>::value || std::is_enum<Type>::value, int>::type = 0>
    print_argument(Type value) : kind(integer), number(static_cast<long long>(value)) {}
    template <class Type, typename std::enable_if<std::is_floating_point<Type>::value, int>::type = 0>
    print_argument(Type value) : kind(floating), real(value) {}
    // A small structure goes by its bytes, as Windows passes it: the documents print one, with a token in it.
    template <class Type, typename std::enable_if<std::is_class<Type>::value, int>::type = 0>
    print_argument(const Type& value) : kind(integer) {
        static_assert(sizeof(Type) <= sizeof(number) && std::is_trivially_copyable<Type>::value,
                      "only a number, a string, a pointer or a structure of at most eight bytes can be printed");
        memcpy(&number, &value, sizeof value);
    }
};

/// Characters written, or -1 with errno EINVAL if the format asks for what is not there. Nothing is written then
/// beyond the fault.
int print(FILE* stream, const wchar_t* format, const print_argument* arguments, size_t count);

}  // namespace compat
}  // namespace berth

template <class First, class... More>
int fwprintf(FILE* stream, const wchar_t* format, First first, More... more) {
    const berth::compat::print_argument arguments[] = {first, more...};
    return berth::compat::print(stream, format, arguments, 1 + sizeof...(More));
}

template <class First, class... More>
int wprintf(const wchar_t* format, First first, More... more) {
    return fwprintf(stdout, format, first, more...);
}

/// The number that the text begins with, 0 if with none; what is beyond an int is the nearest int.
extern "C" int _wtoi(const wchar_t* text);
