// What is the same on every system; see child_process.hpp.
#include "support/child_process.hpp"

#include <cstdlib>
#include <iostream>
#include <thread>

namespace berth::test {

std::string child_process::take_line() {
    const std::string mark = "said: ";
    for (auto end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
        std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const auto at = line.find(mark);  // the test framework may have written before it
        if (at != std::string::npos) return line.substr(at + mark.size());
    }
    return {};
}

std::string child_word() {
    const char* const word = std::getenv("BERTH_CHILD_WORD");
    return word != nullptr ? word : "";
}

void say(const std::string& line) { std::cout << "\nsaid: " << line << std::endl; }

void wait_to_be_killed() { std::this_thread::sleep_for(std::chrono::minutes(4)); }

}  // namespace berth::test
