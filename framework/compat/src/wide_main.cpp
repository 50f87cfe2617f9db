// The main of programs that have a wmain. A program with a main of its own does not link this object.
#include "windows.h"

#include <clocale>
#include <cwchar>
#include <string>
#include <vector>

namespace {

/// The argument by the locale's encoding; a byte that is none of it becomes the replacement character.
std::wstring wide(const char* text) {
    std::wstring out;
    std::mbstate_t state{};
    const char* const end = text + std::char_traits<char>::length(text);
    while (text < end) {
        wchar_t c = 0;
        const auto used = std::mbrtowc(&c, text, static_cast<std::size_t>(end - text), &state);
        const bool is_bad = used == 0 || used > static_cast<std::size_t>(end - text);
        out += is_bad ? L'\uFFFD' : c;
        text += is_bad ? 1 : used;
        if (is_bad) state = {};
    }
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    if (std::setlocale(LC_CTYPE, "") == nullptr) std::setlocale(LC_CTYPE, "C.UTF-8");
    std::vector<std::wstring> words;
    words.reserve(static_cast<std::size_t>(argc));
    for (int i = 0; i < argc; ++i) words.push_back(wide(argv[i]));
    std::vector<wchar_t*> pointers;
    pointers.reserve(words.size() + 1);
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return wmain(argc, pointers.data());
}
