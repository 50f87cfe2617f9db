// `berth top` on a terminal: its screen, its keys, a terminal that changes its size, an endpoint that goes and comes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

namespace {

using asio::ip::tcp;

/// Metrics of a game server, each reading 30 takes more than the one before.
class endpoint {
public:
    explicit endpoint(std::uint16_t port = 0) {
        acceptor_.open(tcp::v4());
        fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);  // or the program would have it too
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind({asio::ip::address_v4::loopback(), port});
        acceptor_.listen();
        thread_ = std::thread([this] { serve(); });
    }
    ~endpoint() {
        ends_ = true;
        std::error_code ignored;
        asio::io_context none;
        tcp::socket(none).connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    void serve() {
        for (int takes = 0; !ends_; takes += 30) {
            tcp::socket client(context_);
            std::error_code ec;
            acceptor_.accept(client, ec);
            if (ends_) return;
            std::string request;
            asio::read_until(client, asio::dynamic_buffer(request), "\r\n\r\n", ec);
            asio::write(client,
                        asio::buffer("HTTP/1.1 200 OK\r\n\r\nberth_ports{block=\"matches\",state=\"open\"} 42\n"
                                     "berth_takes_total{block=\"matches\"} " +
                                     std::to_string(takes) + "\n"),
                        ec);
        }
    }
    asio::io_context context_;
    tcp::acceptor acceptor_{context_};
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

/// The program on a terminal of its own.
class top_terminal : public testing::Test {
protected:
    void start(std::uint16_t port, const char* no_color = "") {
        for (int* const end : {&slave_, &master_}) {  // of a terminal before
            if (*end >= 0) close(*end);
            *end = -1;
        }
        said_.clear();
        master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        ASSERT_GE(master_, 0);
        ASSERT_EQ(grantpt(master_), 0);
        ASSERT_EQ(unlockpt(master_), 0);
        resize(100, 24);
        ASSERT_EQ(tcgetattr(slave(), &before_), 0);
        const std::string at = "127.0.0.1:" + std::to_string(port);
        program_ = fork();
        if (program_ == 0) {
            setsid();
            ioctl(slave(), TIOCSCTTY, 0);
            for (const int to : {0, 1, 2}) dup2(slave(), to);
            setenv("TERM", "xterm", 1);
            setenv("NO_COLOR", no_color, 1);
            execl(BERTH_PROGRAM, BERTH_PROGRAM, "top", "--interval", "0.1", at.c_str(), nullptr);
            _exit(127);
        }
    }
    void TearDown() override {
        if (program_ > 0) kill(program_, SIGKILL), waitpid(program_, nullptr, 0);
        if (slave_ >= 0) close(slave_);
        if (master_ >= 0) close(master_);
    }
    int slave() {
        if (slave_ < 0) slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
        return slave_;
    }
    void resize(unsigned short width, unsigned short height) {
        const winsize size{height, width, 0, 0};
        ASSERT_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
    }
    void type(char key) { ASSERT_EQ(write(master_, &key, 1), 1); }

    /// Post: this has been written since the last call. All of that is forgotten up to its end.
    void expect(const std::string& words) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (auto found = said_.find(words);; found = said_.find(words)) {
            if (found != std::string::npos) {
                said_.erase(0, found + words.size());
                return;
            }
            ASSERT_LT(std::chrono::steady_clock::now(), until) << "'" << words << "' is not in: " << said_;
            hear();
        }
    }
    void hear() {
        pollfd ready{master_, POLLIN, 0};
        char bytes[4096];
        if (poll(&ready, 1, 100) != 1) return;
        const auto size = read(master_, bytes, sizeof bytes);
        if (size > 0) said_.append(bytes, static_cast<std::size_t>(size));
    }
    /// Post: it has ended by itself, with this code, and the terminal is as it was.
    void expect_end(int code) {
        int status = 0;
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (waitpid(program_, &status, WNOHANG) == 0) {
            ASSERT_LT(std::chrono::steady_clock::now(), until) << said_;
            hear();
        }
        program_ = 0;
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == code) << status;
        expect("\x1b[?25h");
        expect("\x1b[?1049l");
        termios after{};
        ASSERT_EQ(tcgetattr(slave(), &after), 0);
        EXPECT_EQ(after.c_lflag, before_.c_lflag);
        EXPECT_EQ(after.c_iflag, before_.c_iflag);
        EXPECT_EQ(after.c_cc[VMIN], before_.c_cc[VMIN]);
    }

    int master_ = -1, slave_ = -1;
    pid_t program_ = 0;
    termios before_{};
    std::string said_;
};

TEST_F(top_terminal, it_draws_on_a_screen_of_its_own_and_q_ends_it) {
    endpoint server;
    start(server.port());
    expect("\x1b[?1049h");
    expect("q quits");
    expect("matches");
    expect("42");
    termios now{};
    ASSERT_EQ(tcgetattr(slave(), &now), 0);
    EXPECT_EQ(now.c_lflag & static_cast<tcflag_t>(ICANON | ECHO), 0u);
    type('x');
    type('q');
    expect_end(0);
}

TEST_F(top_terminal, a_rate_comes_with_the_second_reading) {
    endpoint server;
    start(server.port(), "1");
    expect("matches     42      0      0    42      0     0     0        -");
    for (bool has_rate = false; !has_rate;) {  // about 300 a second
        ASSERT_NO_FATAL_FAILURE(expect("matches     42      0      0    42      0     0     0 "));
        while (said_.find('\n') == std::string::npos && said_.size() < 9) hear();
        has_rate = said_.find_first_of("123456789") < 9;
    }
    EXPECT_EQ(said_.find("\x1b[3"), std::string::npos) << "NO_COLOR is heard";
    type('q');
    expect_end(0);
}

TEST_F(top_terminal, signals_end_it_and_leave_the_terminal_as_it_was) {
    endpoint server;
    start(server.port());
    expect("matches");
    type(3);  // Ctrl-C
    expect_end(0);
    start(server.port());
    expect("matches");
    kill(program_, SIGTERM);
    expect_end(0);
}

TEST_F(top_terminal, a_terminal_that_changes_its_size_is_drawn_again) {
    endpoint server;
    start(server.port(), "1");
    expect("TAKES/S");
    resize(40, 24);
    expect("AVAIL  OPEN  COOL\x1b[K");
    resize(40, 3);
    expect("more lines");
    resize(120, 24);
    expect("~resting");
    type('q');
    expect_end(0);
}

TEST_F(top_terminal, an_endpoint_that_goes_is_gone_and_comes_back) {
    std::optional<endpoint> server(std::in_place);
    const auto port = server->port();
    start(port, "1");
    expect("matches");
    server.reset();
    expect("gone since");
    expect("Connection refused");
    server.emplace(port);
    expect("matches");
    type('q');
    expect_end(0);
}

TEST_F(top_terminal, stopped_it_gives_the_terminal_back_and_takes_it_again) {
    endpoint server;
    start(server.port());
    expect("matches");
    type(26);  // Ctrl-Z
    expect("\x1b[?1049l");
    int status = 0;
    ASSERT_EQ(waitpid(program_, &status, WUNTRACED), program_);
    ASSERT_TRUE(WIFSTOPPED(status));
    termios now{};
    ASSERT_EQ(tcgetattr(slave(), &now), 0);
    EXPECT_EQ(now.c_lflag, before_.c_lflag);
    kill(program_, SIGCONT);
    expect("\x1b[?1049h");
    expect("matches");
    type('q');
    expect_end(0);
}

TEST_F(top_terminal, a_terminal_that_hangs_up_ends_it) {
    endpoint server;
    start(server.port());
    expect("matches");
    close(slave_);
    slave_ = -1;
    close(master_);
    master_ = -1;
    int status = 0;
    ASSERT_EQ(waitpid(program_, &status, 0), program_);
    program_ = 0;
    EXPECT_TRUE(WIFEXITED(status)) << status;
}

}  // namespace
