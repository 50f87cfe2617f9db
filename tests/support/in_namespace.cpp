// Runs one test program apart from everything else: in_namespace [--unprivileged] program [args].
//
// As root the program gets a network namespace of its own with `lo` up (BERTH_OWN_NAMESPACE=1 says so), so that tests
// run side by side. --unprivileged: another uid, no capability and none to be regained; skipped (77) if not root,
// since the plain variant is that already. Each run has a temporary directory of its own (TMPDIR, working directory).
// The program is copied there, because another uid may not be able to reach the build directory. A process that
// outlives the program is a failure of the test, and so is a sanitizer's report in any process of it.
// Where the kernel's BPF stands still (a deadlock of 6.18 that fast classic filters bring about; it lasts until the
// next boot) every filter call would wait for ever: then the program runs without the right to make any, is told so
// by BERTH_NO_BPF=1, and this run says so.
#include "sanitizer_reports.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
constexpr int skipped = 77;
constexpr int launcher_failed = 125;

// Nobody in particular, and each program another one: limits of a user, as that of locked memory, are not shared.
unsigned stranger_of(pid_t launcher) { return 10'000 + static_cast<unsigned>(launcher) % 50'000; }

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "in_namespace: %s: %s\n", what, std::strerror(errno));
    std::_Exit(launcher_failed);
}

void enter_own_namespace() {
    if (::unshare(CLONE_NEWNET) != 0) {
        std::printf("in_namespace: no network namespace of its own (%s): sharing this one\n", std::strerror(errno));
        return;
    }
    ifreq lo{};
    std::memcpy(lo.ifr_name, "lo", sizeof "lo");
    lo.ifr_flags = IFF_UP | IFF_RUNNING;
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::ioctl(fd, SIOCSIFFLAGS, &lo) != 0) fail("setting lo up");
    ::close(fd);
    ::setenv("BERTH_OWN_NAMESPACE", "1", 1);
}

void drop_every_privilege(unsigned id) {
    for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap) ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 || ::setresuid(id, id, id) != 0)
        fail("changing to a uid of its own");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");

    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capget, &header, sets) != 0) fail("capget");
    for (const auto& s : sets)
        if ((s.effective | s.permitted | s.inheritable) != 0) fail("a capability is left");
}

// Tasks in the state D that wait for the memory of BPF programs.
std::vector<std::string> waiting_for_bpf() {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::string where;
        std::getline(std::ifstream(entry.path() / "wchan"), where);
        if (where.starts_with("bpf_prog_pack")) out.push_back(pid);
    }
    return out;
}

bool bpf_stands_still() {
    const auto before = waiting_for_bpf();
    if (before.empty()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    const auto after = waiting_for_bpf();
    return std::any_of(before.begin(), before.end(),
                       [&](const auto& pid) { return std::find(after.begin(), after.end(), pid) != after.end(); });
}

void give_up_bpf() {
    constexpr int cap_sys_admin = 21, cap_bpf = 39;
    for (const int cap : {cap_sys_admin, cap_bpf})
        if (::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) fail("dropping CAP_BPF");
}

fs::path make_own_directory() {
    std::string name = (fs::temp_directory_path() / "berth-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
    ::setenv("TMPDIR", name.c_str(), 1);
    return name;
}

std::vector<pid_t> living_children() {
    std::ifstream in("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    std::vector<pid_t> out;
    for (pid_t pid; in >> pid;) out.push_back(pid);
    return out;
}

bool is_alone() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return living_children().empty();
}

// Orphans come to this process, a subreaper. Those that are on their way out get a second; so do those that are
// killed, whose own children come here only then.
bool somebody_outlived_the_program() {
    constexpr std::chrono::milliseconds pause{10};
    for (int round = 0; round < 100; ++round, std::this_thread::sleep_for(pause)) {
        if (is_alone()) return false;
    }
    for (const pid_t pid : living_children())
        std::printf("in_namespace: process %d outlived the test\n", static_cast<int>(pid));
    for (int round = 0; round < 100 && !is_alone(); ++round, std::this_thread::sleep_for(pause)) {
        for (const pid_t pid : living_children()) ::kill(pid, SIGKILL);
    }
    return true;
}

int wait_for(pid_t program) {
    int status = 0;
    while (::waitpid(program, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        std::printf("in_namespace: ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

}  // namespace

int main(int argc, char** argv) {
    bool unprivileged = false;
    int first = 1;
    for (; first < argc && std::string_view{argv[first]}.starts_with("--"); ++first) {
        if (std::string_view{argv[first]} == "--unprivileged") unprivileged = true;
    }
    if (first >= argc) {
        std::fputs("usage: in_namespace [--unprivileged] program [args]\n", stderr);
        return launcher_failed;
    }
    const bool root = ::geteuid() == 0;
    if (unprivileged && !root) {
        std::puts("skipped: not root, so the plain variant of this test ran without privilege already");
        return skipped;
    }
    if (root) enter_own_namespace();
    const bool without_bpf = bpf_stands_still();
    if (without_bpf) {
        std::puts("in_namespace: BPF of this kernel stands still: what needs it is skipped until the next boot");
        ::setenv("BERTH_NO_BPF", "1", 1);
    }

    fs::path program = fs::absolute(argv[first]);
    if (!fs::exists(program)) {
        std::fprintf(stderr, "in_namespace: %s is not there: was it built?\n", program.c_str());
        return launcher_failed;
    }
    const berth::test::sanitizer_reports reports;
    const fs::path directory = make_own_directory();
    const unsigned stranger = stranger_of(::getpid());
    if (unprivileged) {
        const fs::path copy = directory / program.filename();
        fs::copy_file(program, copy);
        fs::permissions(copy, fs::perms{0755});
        if (::chown(directory.c_str(), stranger, stranger) != 0) fail("chown");
        program = copy;
    }
    fs::current_path(directory);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    std::fflush(stdout);

    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        if (unprivileged) drop_every_privilege(stranger);
        if (without_bpf && root && !unprivileged) give_up_bpf();
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        // The shadow memory of g++ 12's TSan clashes with the wide address randomisation of newer kernels.
        if (berth::test::is_thread_sanitized) ::personality(ADDR_NO_RANDOMIZE);
        ::execv(program.c_str(), argv + first);
        fail(program.c_str());
    }
    int result = wait_for(child);
    if (somebody_outlived_the_program() && result == 0) result = 1;
    if (reports.show() && (result == 0 || result == skipped)) result = 1;
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    return result;
}
