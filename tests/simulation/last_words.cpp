// Signals that end the process say the seed first. One thread; what they print is written down before.
#include "simulation/last_words.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace berth::simulation::last_words {
namespace {

constexpr unsigned patience = 60;  // seconds

char digits[24] = "";
char after[1024] = "\n";
bool is_armed = false;

void write_all(const char* text) {
    const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
    static_cast<void>(written);  // nobody is left to be told
}

void say(int number) {
    write_all(number == SIGALRM ? "\nthe program hangs; replay: BERTH_SIMULATION_SEED="
                                : "\nthe program broke off; replay: BERTH_SIMULATION_SEED=");
    write_all(digits);
    write_all(after);
    ::signal(number, SIG_DFL);
    ::raise(number);
}

}  // namespace

void replays_with(const std::string& executable, const std::string& test) {
    const std::string text = ' ' + executable + " --gtest_filter=" + test + '\n';
    std::memcpy(after, text.c_str(), std::min(text.size() + 1, sizeof after - 1));
}

void program_begins(std::uint64_t seed) {
    if (!is_armed) {
        is_armed = true;
        for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM}) {
            const auto before = ::signal(number, say);
            if (before != SIG_DFL) ::signal(number, before);  // a sanitizer's, which says more
        }
    }
    *std::to_chars(digits, digits + sizeof digits - 1, seed).ptr = '\0';
    ::alarm(patience);
}

void program_ended() { ::alarm(0); }

}  // namespace berth::simulation::last_words
