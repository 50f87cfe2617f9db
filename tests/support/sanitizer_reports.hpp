// What a sanitizer says in any process of a test, also in a server or a child whose end nobody looks at: a file for
// each process, in a folder that every user may write to. In a build without one there is none.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

namespace berth::test {

#ifdef BERTH_SANITIZE
constexpr std::string_view sanitizers = BERTH_SANITIZE;
#else
constexpr std::string_view sanitizers;
#endif
constexpr bool is_thread_sanitized = sanitizers.find("thread") != sanitizers.npos;

class sanitizer_reports {
public:
    sanitizer_reports() {
        if (sanitizers.empty()) return;
        namespace fs = std::filesystem;
        std::string name = (fs::temp_directory_path() / "berth-reports-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) return;
        folder_ = name;
        fs::permissions(folder_, fs::perms::all | fs::perms::sticky_bit);
        const std::string to_files = "log_path=" + name + "/report";
        add("ASAN_OPTIONS", to_files);
        add("UBSAN_OPTIONS", "print_stacktrace=1");
        add("TSAN_OPTIONS", "die_after_fork=0:" + to_files);  // children of the tests start threads of their own
    }
    ~sanitizer_reports() {
        std::error_code ignored;
        if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
    }
    sanitizer_reports(const sanitizer_reports&) = delete;
    sanitizer_reports& operator=(const sanitizer_reports&) = delete;

    // Shows what was reported; true if anything was.
    [[nodiscard]] bool show() const {
        if (folder_.empty()) return false;
        bool any = false;
        for (const auto& file : std::filesystem::directory_iterator(folder_)) {
            std::cerr << "in_namespace: a sanitizer's report, of process "
                      << file.path().extension().string().substr(1) << ":\n"
                      << std::ifstream(file.path()).rdbuf() << std::endl;
            any = true;
        }
        return any;
    }

private:
    static void add(const char* variable, const std::string& options) {
        const char* const before = std::getenv(variable);
        ::setenv(variable, (before != nullptr ? before + (":" + options) : options).c_str(), 1);
    }
    std::filesystem::path folder_;
};

}  // namespace berth::test
