// See outbound_proxy_ground.hpp.
#include "scenario/outbound_proxy_ground.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace berth::test {
namespace {

tcp::endpoint endpoint_at(const char* address, std::uint16_t port) { return {asio::ip::make_address(address), port}; }

void give_patience(int fd) {
    const timeval ten{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof ten);
}

std::string new_log() {
    static int number = 0;
    return (std::filesystem::temp_directory_path() / ("proxy" + std::to_string(number++) + ".log")).string();
}

void pause_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

}  // namespace

stream::stream(const char* address, std::uint16_t port) {
    const auto to = endpoint_at(address, port);
    fd_ = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    give_patience(fd_);
    if (::connect(fd_, to.data(), static_cast<socklen_t>(to.size())) != 0) close();
}
stream::~stream() { close(); }

void stream::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}
void stream::close_with_reset() {
    constexpr linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}
void stream::receive_buffer(int bytes) const { ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes); }
void stream::end_sending() const { ::shutdown(fd_, SHUT_WR); }

tcp::endpoint stream::remote() const {
    tcp::endpoint out;
    auto size = static_cast<socklen_t>(out.capacity());
    if (::getpeername(fd_, out.data(), &size) != 0) return {};
    out.resize(size);
    return out;
}

bool stream::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string stream::receive(std::size_t size) const {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const auto n = ::recv(fd_, out.data() + have, size - have, 0);
        if (n <= 0) break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

std::string stream::receive_all(int* how) const {
    std::string out;
    char bytes[65536];
    for (;;) {
        const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
        if (how != nullptr) *how = n < 0 ? errno : 0;
        if (n <= 0) return out;
        out.append(bytes, static_cast<std::size_t>(n));
    }
}

small_server::small_server(std::function<void(stream&)> serve, const char* address) : serve_(std::move(serve)) {
    auto at = endpoint_at(address, 0);
    fd_ = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto size = static_cast<socklen_t>(at.size());
    if (::bind(fd_, at.data(), size) != 0 || ::listen(fd_, 1024) != 0 || ::getsockname(fd_, at.data(), &size) != 0)
        throw std::system_error(errno, std::system_category(), "a server of the test");
    port_ = at.port();
    accepting_ = std::thread([this] {
        for (;;) {
            const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) return;
            give_patience(client);
            const std::lock_guard lock(gate_);
            open_.push_back(client);
            threads_.emplace_back([this, client] {
                stream s(::fcntl(client, F_DUPFD_CLOEXEC, 0));
                {
                    const std::lock_guard visit(gate_);
                    visitors_.push_back(s.remote());
                }
                serve_(s);
                const std::lock_guard over(gate_);
                if (std::erase(open_, client) != 0) ::close(client);  // the connection ends with both
            });
        }
    });
}

small_server::~small_server() {
    ::shutdown(fd_, SHUT_RDWR);
    accepting_.join();
    ::close(fd_);
    {
        const std::lock_guard lock(gate_);
        for (const int client : open_) ::shutdown(client, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
}

std::vector<tcp::endpoint> small_server::visitors(std::size_t least) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    for (;; pause_a_moment()) {
        const std::lock_guard lock(gate_);
        if (visitors_.size() >= least || std::chrono::steady_clock::now() > end) return visitors_;
    }
}

void serve_page(stream& client) {
    std::string request;
    while (request.find("\r\n\r\n") == request.npos) {
        const std::string more = client.receive(1);
        if (more.empty()) return;
        request += more;
    }
    const std::string body(std::stoul("0" + request.substr(5, request.find(' ', 5) - 5)), 'b');
    client.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
}

void serve_echo(stream& client) {
    char bytes[65536];
    for (;;) {
        const auto n = ::recv(client.fd(), bytes, sizeof bytes, 0);
        if (n <= 0 || !client.send({bytes, static_cast<std::size_t>(n)})) return;
    }
}

outbound_proxy_ground::~outbound_proxy_ground() {
    if (HasFailure() && proxy_ > 0) std::fputs(("the proxy's log:\n" + log()).c_str(), stderr);
    if (proxy_ > 0) {
        ::kill(proxy_, SIGKILL);
        ::waitpid(proxy_, nullptr, 0);
    }
}

// In this process. Not in a chroot: its root is no mount, and what is mounted might be seen outside.
static bool has_mounts_alone() {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool outbound_proxy_ground::can_make_up_names() {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr || ::geteuid() != 0) return false;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(has_mounts_alone() ? 0 : 1);
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

pid_t outbound_proxy_ground::spawn(const std::vector<std::string>& arguments, const std::string& log) const {
    std::vector<std::string> all{OUTBOUND_PROXY_PROGRAM};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> words;
    for (std::string& word : all) words.push_back(word.data());
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!hosts_.empty() && (!has_mounts_alone() || ::mount(hosts_.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0))
        ::_exit(126);
    const int to = ::open(log.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ::dup2(to, STDOUT_FILENO);
    ::dup2(to, STDERR_FILENO);
    ::execv(words.front(), words.data());
    ::_exit(127);
}

void outbound_proxy_ground::start(const std::vector<std::string>& more) {
    log_ = new_log();
    std::vector<std::string> arguments{"--listen", "127.0.0.1:0", "--http-ports", "1-65535"};
    if (allows_loopback_) arguments.insert(arguments.end(), {"--allow", "loopback"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    proxy_ = spawn(arguments, log_);
    is_told_ = false;
    ASSERT_TRUE(logs("event=listening at=127.0.0.1:")) << log();
    const std::string text = log();
    std::smatch found;
    ASSERT_TRUE(std::regex_search(text, found, std::regex("event=listening at=127.0.0.1:([0-9]+)")));
    port_ = static_cast<std::uint16_t>(std::stoul(found[1]));
}

void outbound_proxy_ground::tell_to_stop() const { ::kill(proxy_, SIGTERM); }

int outbound_proxy_ground::stop(std::chrono::seconds limit) {
    if (!is_told_) tell_to_stop();
    int status = 0;
    const auto end = std::chrono::steady_clock::now() + limit;
    while (::waitpid(proxy_, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end) return -1;
        pause_a_moment();
    }
    proxy_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string outbound_proxy_ground::run_to_end(const std::vector<std::string>& arguments, int& status) {
    log_ = new_log();
    const pid_t child = spawn(arguments, log_);
    ::waitpid(child, &status, 0);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return log();
}

std::string outbound_proxy_ground::log() const {
    std::ostringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
}

bool outbound_proxy_ground::logs(const std::string& text) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (log().find(text) == std::string::npos) {
        if (std::chrono::steady_clock::now() > end) return false;
        pause_a_moment();
    }
    return true;
}

bool outbound_proxy_ground::is_of(const std::string& source, std::uint16_t port) const {
    const std::string text = log();
    std::smatch found;
    if (!std::regex_search(text, found,
                           std::regex("event=source name=" + source + " .*first=([0-9]+) count=([0-9]+)")))
        return false;
    const auto first = std::stoul(found[1]), count = std::stoul(found[2]);
    return port >= first && port < first + count;
}

long outbound_proxy_ground::resident_kilobytes() const {
    std::ifstream status("/proc/" + std::to_string(proxy_) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    }
    return -1;
}

stream outbound_proxy_ground::connect_socks(std::uint16_t to, int& reply) const {
    stream s = connect();
    s.send("\5\1\0\5\1\0\1\x7f\0\0\1"s + static_cast<char>(to >> 8) + static_cast<char>(to & 0xff));
    const std::string answer = s.receive(12);
    reply = answer.size() < 4 ? -1 : static_cast<unsigned char>(answer[3]);
    return s;
}

int outbound_proxy_ground::curl(const std::string& arguments, std::string& said) {
    said.clear();
    FILE* const pipe = ::popen(("curl -sS -m 10 " + arguments + " 2>&1").c_str(), "r");
    char bytes[65536];
    for (std::size_t n; (n = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;) said.append(bytes, n);
    const int status = ::pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace berth::test
