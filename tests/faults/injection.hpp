// The n-th call fails: every call of the program that reaches the kernel, every piece of memory, every entry of a ring.
//
// The program that links this has functions of its own in the place of libc's, liburing's and operator new, so nothing
// gets past it: the seam of system calls, Asio's own calls, threads, names. They pass on what is not to fail. Counted
// is what all threads do between arm() and disarm(), but for those that stand apart.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace berth::test {

enum class fault_kind : std::uint8_t {
    calls,   ///< a call says an error
    memory,  ///< operator new has none
    ring,    ///< an entry of io_uring ends in an error, is cut short, or is the last of many
};

/// What was made to go wrong.
struct fault {
    bool was_reached = false;      ///< there was an n-th
    bool has_failed = false;       ///< and an error of that number for it
    std::string verb{};            ///< who
    int error = 0;                 ///< an errno; 0: memory, or no error but less than was asked for
    bool is_last_error = true;     ///< no further error for this verb
    std::uint32_t counted = 0;     ///< how many there were until disarm()
};

inline constexpr std::uint32_t any_of_them = 1U << 31;  ///< not 0

/// From now on the n-th (0: the next) of this kind fails, with the `which`-th of its errors. any_of_them: a
/// verb's errors take turns, from one fault to the next.
void arm(fault_kind kind, std::uint32_t n, std::uint32_t which) noexcept;
fault disarm() noexcept;
/// The one that disarm() told of last.
[[nodiscard]] const fault& last_fault() noexcept;

/// While it lives, nothing of the calling thread is counted or fails.
class stands_apart {
public:
    stands_apart() noexcept;
    ~stands_apart();
    stands_apart(const stands_apart&) = delete;
    stands_apart& operator=(const stands_apart&) = delete;

private:
    bool before_;
};

/// Pieces of memory from operator new that are in use.
[[nodiscard]] long pieces_of_memory() noexcept;

/// Whether `ec` is how the failure of a call has to be reported: by berth's own word for it, or by the system's.
[[nodiscard]] bool is_right(const std::error_code& ec, const fault& f) noexcept;

/// True where this kernel's NOP can end as it is told (6.9 and later): else no entry of a ring is made to fail.
[[nodiscard]] bool entries_can_fail() noexcept;

// --- of the functions in the place of others ---

/// What the call is to fail with: an errno, 0: not at all.
int turn_of(const char* verb) noexcept;
int turn_of_entry(unsigned opcode, bool can_be_cut, bool is_multishot) noexcept;
bool turn_of_memory() noexcept;
inline constexpr int cut_short = -1, only_one = -2;  ///< of turn_of_entry()

/// The errors of each verb, as its manual page has them; nullptr: never fails here.
[[nodiscard]] const std::vector<int>* errors_of(const char* verb) noexcept;

}  // namespace berth::test
