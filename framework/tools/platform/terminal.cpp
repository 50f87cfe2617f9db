// See terminal.hpp. Signals stay on: Ctrl-C and Ctrl-Z are the program's to hear.
#include "terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace berth::top {

struct terminal::saved {
    termios before{};
    bool has_modes = false, is_entered = false;
};

bool output_is_terminal() noexcept { return ::isatty(STDOUT_FILENO) == 1; }

terminal_size size_of_output() noexcept {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
    return {size.ws_col, size.ws_row};
}

terminal::terminal() : saved_(std::make_unique<saved>()) {
    saved_->has_modes = ::tcgetattr(STDIN_FILENO, &saved_->before) == 0;
}

terminal::~terminal() { leave(); }

void terminal::enter() noexcept {
    if (saved_->is_entered) return;
    saved_->is_entered = true;
    if (saved_->has_modes) {
        termios mine = saved_->before;
        mine.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        mine.c_cc[VMIN] = 1;
        mine.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &mine);
    }
    write("\x1b[?1049h\x1b[?25l\x1b[2J");  // the other screen, no cursor, empty
}

void terminal::leave() noexcept {
    if (!saved_->is_entered) return;
    saved_->is_entered = false;
    write("\x1b[0m\x1b[?25h\x1b[?1049l");
    if (saved_->has_modes) ::tcsetattr(STDIN_FILENO, TCSANOW, &saved_->before);
}

void terminal::stop_process() noexcept {
    leave();
    ::raise(SIGSTOP);
    enter();
}

int terminal::open_keys() const noexcept { return ::open("/dev/tty", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }

bool terminal::write(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {  // whoever shares the terminal made it so
            pollfd room{STDOUT_FILENO, POLLOUT, 0};
            ::poll(&room, 1, 1000);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

}  // namespace berth::top
