// Windows'; see ../child_process.hpp.
#include "support/child_process.hpp"

#include <windows.h>

#include <system_error>
#include <thread>
#include <vector>

namespace berth::test {

struct child_process::handles {
    HANDLE child = nullptr, out = nullptr;
};

child_process::child_process(const std::string& role, const std::string& word) : handles_(std::make_unique<handles>()) {
    SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
    HANDLE in = nullptr;
    if (!::CreatePipe(&handles_->out, &in, &inherited, 0)) {
        throw std::system_error(static_cast<int>(::GetLastError()), std::system_category(), "CreatePipe");
    }
    ::SetHandleInformation(handles_->out, HANDLE_FLAG_INHERIT, 0);
    char program[MAX_PATH] = "";
    ::GetModuleFileNameA(nullptr, program, MAX_PATH);
    const std::string line =
        '"' + std::string(program) + "\" --gtest_filter=" + role + " --gtest_also_run_disabled_tests";
    std::vector<char> words(line.begin(), line.end());
    words.push_back('\0');
    STARTUPINFOA how{};
    how.cb = sizeof how;
    how.dwFlags = STARTF_USESTDHANDLES;
    how.hStdOutput = in;
    how.hStdError = ::GetStdHandle(STD_ERROR_HANDLE);
    PROCESS_INFORMATION made{};
    ::SetEnvironmentVariableA("BERTH_CHILD_WORD", word.c_str());
    const BOOL started =
        ::CreateProcessA(program, words.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr, &how, &made);
    const auto error = static_cast<int>(::GetLastError());
    ::SetEnvironmentVariableA("BERTH_CHILD_WORD", nullptr);
    ::CloseHandle(in);
    if (!started) throw std::system_error(error, std::system_category(), "CreateProcess");
    ::CloseHandle(made.hThread);
    handles_->child = made.hProcess;
}

child_process::~child_process() {
    kill();
    ::CloseHandle(handles_->out);
}

std::string child_process::hear(std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (auto line = take_line(); !line.empty()) return line;
        DWORD there = 0, taken = 0;
        if (!::PeekNamedPipe(handles_->out, nullptr, 0, nullptr, &there, nullptr)) return {};
        if (there == 0) {
            if (std::chrono::steady_clock::now() >= until) return {};
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            continue;
        }
        char bytes[512];
        if (!::ReadFile(handles_->out, bytes, sizeof bytes, &taken, nullptr)) return {};
        unread_.append(bytes, taken);
    }
}

void child_process::kill() noexcept {
    if (handles_->child == nullptr) return;
    ::TerminateProcess(handles_->child, 1);
    ::WaitForSingleObject(handles_->child, INFINITE);
    ::CloseHandle(handles_->child);
    handles_->child = nullptr;
}

}  // namespace berth::test
