// The system's resolver as the tests want it: this program's getaddrinfo (Windows: GetAddrInfoW) is asked first, see
// linux/asked_first.cpp and windows/asked_first.cpp.
//
// A host that begins with "slow" is answered (127.0.0.1) when it is allowed to, one that begins with "none" with
// EAI_NONAME, one that begins with "later" with EAI_AGAIN; all others go on to the system.
#pragma once

#include <string_view>

namespace io_test::slow_names {

void hold();             ///< from now on slow hosts wait
void let_go();           ///< all of them are answered
int waiting() noexcept;  ///< how many wait
int most_at_once() noexcept;
int asked() noexcept;  ///< how often the system was asked for a name, numbers left out

enum class answer { as_the_system_says, no_such_name, try_again, loopback };
answer ask(std::string_view name);  ///< of asked_first.cpp; waits, if the name is slow

}  // namespace io_test::slow_names
