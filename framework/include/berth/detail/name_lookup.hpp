// Questions to the system's resolver, and who waits for the answers.
//
// The system's call blocks, so it runs on threads of berth's own: at most four in a process, made when they are
// needed, gone when idle. Who asked may leave at any time: then the late answer is dropped, and nobody waits for it.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace berth::detail {

struct native_address {
    alignas(8) std::array<std::byte, 32> bytes{};  ///< in the system's form
    std::size_t size = 0;
};

struct lookup_question {
    std::string host;  ///< empty: this machine, as the flags say
    std::string service;
    int flags = 0;  ///< the system's, as asio::ip::resolver_base has them
    int family = 0;
    int type = 0;
    int protocol = 0;
    bool is_reverse = false;  ///< the names of `address`; of the fields above only `type` counts
    native_address address;
};

enum class lookup_error : std::uint8_t {
    none,
    host_not_found,
    try_again,
    no_recovery,
    service_not_found,
    type_not_supported,
    system,  ///< lookup_answer::number says which
};

struct lookup_answer {
    lookup_error error = lookup_error::none;
    int number = 0;
    std::string host;  ///< as asked, or the canonical name if that was asked for; reverse: the name
    std::string service;
    std::vector<native_address> addresses;
};

/// Blocks.
BERTH_DECL lookup_answer look_up(const lookup_question& question);

class lookup;

/// Waits for an answer as a timer that is never due: so it counts as work, and ends with its loop.
struct lookup_wait : timer_node {
    std::shared_ptr<lookup> asked;
};

/// Begins it. The wait's run() is called from a turn of the loop, never from inside this call; the answer is there
/// then. Numbers are answered without a thread. Any thread. Throws std::bad_alloc, and nothing is begun then.
BERTH_DECL void begin_lookup(event_loop& loop, lookup_wait& wait, lookup_question question);
/// Post: true: the wait ends as cancelled, later; false: it has its answer.
BERTH_DECL bool cancel_lookup(event_loop& loop, lookup_wait& wait) noexcept;
/// For a wait's run(). Post: no thread knows the wait any more. The answer is empty after a cancel.
BERTH_DECL lookup_answer end_lookup(lookup_wait& wait) noexcept;

}  // namespace berth::detail
