// The terminal that `berth top` draws on: its size, its keys one by one, the screen beside the one of the shell.
//
// Invariant: what enter() changed, leave() undoes, and the end of the object does, however the program ends by
// itself.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace berth::top {

struct terminal_size {
    std::size_t width = 0, height = 0;  ///< 0: unknown
};

/// Of the standard output.
[[nodiscard]] bool output_is_terminal() noexcept;
[[nodiscard]] terminal_size size_of_output() noexcept;

class terminal {
public:
    terminal();
    terminal(const terminal&) = delete;
    terminal& operator=(const terminal&) = delete;
    ~terminal();

    void enter() noexcept;
    void leave() noexcept;
    /// The process stops, as for Ctrl-Z, and goes on here.
    void stop_process() noexcept;
    /// A descriptor of its own for keys, so that nothing but it is non-blocking; -1: there is none. The caller closes
    /// it.
    [[nodiscard]] int open_keys() const noexcept;
    /// All of it, or not at all if the terminal has gone.
    bool write(std::string_view text) noexcept;

private:
    struct saved;
    std::unique_ptr<saved> saved_;
};

}  // namespace berth::top
