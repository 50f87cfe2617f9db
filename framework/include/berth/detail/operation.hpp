// One request to an event loop, and its end: all that a backend is given and all that it gives back.
//
// The object lives with whoever asks, inside the memory of an asynchronous operation or of a socket that hears for
// good, and it is linked, never copied: to start one allocates nothing. Its address is its identity; it must stay
// where it is until it has ended.
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::detail {

class attachment;

/// What waits for its turn on a loop. run() may throw what a handler throws; the node is not touched after it.
struct ready_node {
    using run_function = void (*)(ready_node&, bool invoke);  ///< invoke false: only free what it owns
    ready_node* next_ready = nullptr;
    run_function run = nullptr;
};

/// Bytes to be read or written.
struct buffer_part {
    void* data = nullptr;
    std::size_t size = 0;  ///< bytes
};

enum class verb : std::uint8_t {
    receive,   ///< parts; with `address` the source too. 0 of a stream: its end
    send,      ///< parts; with `address` to there
    accept,    ///< result: the new descriptor, close-on-exec; with `address` the remote
    connect,   ///< `address`
    readable,  ///< result 0: would not block
    writable,
    error,
};

struct operation : ready_node {
    /// Called by the loop for each result. more: it goes on, and ends with a later one. Else the operation has ended
    /// and may be destroyed or started again, also by this call. result: bytes, a descriptor or 0; negative: the
    /// system's error number, aborted_result() after cancel and close.
    using result_function = void (*)(operation&, int result, bool more);

    using destroy_function = void (*)(operation&) noexcept;  ///< frees what it owns; there will be no result

    result_function on_result = nullptr;
    destroy_function destroy = nullptr;
    verb what = verb::receive;
    bool many = false;        ///< accept, receive: goes on until it is cancelled or fails; receive lends buffers
    std::uint8_t state = 0;   ///< the backend's
    bool is_waiting = false;  ///< the loop's: started on another thread, not begun yet
    int flags = 0;            ///< in: the system's message flags; out, of a datagram: those it came with
    attachment* socket = nullptr;
    const buffer_part* parts = nullptr;  ///< stay where they are, like their bytes, until the end
    std::uint32_t part_count = 0;
    std::uint32_t address_size = 0;  ///< bytes; in: of what is at `address`, or its capacity; out: of the source
    void* address = nullptr;         ///< a socket address in the system's form; nullptr: none is asked for
    buffer_part lent;                ///< out, of a receive that goes on: the bytes, until return_buffer(lent_id)
    std::uint32_t lent_id = 0;
    std::uint32_t control_size = 0;  ///< bytes; in: of what is at `control`, or the room for it; out: of what came
    void* control = nullptr;         ///< ancillary data in the system's form. In: of a datagram to be sent. Out: of a
                                     ///< lent datagram, if room was asked for; until return_buffer(lent_id)

    operation* next = nullptr;  ///< the backend's: its neighbours on the same socket
    operation* previous = nullptr;
    std::uint64_t scratch[10] = {};  ///< the backend's
};

}  // namespace berth::detail
