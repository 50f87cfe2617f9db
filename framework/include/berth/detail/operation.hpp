// One request to an event loop, and its end: all that a backend is given and all that it gives back.
//
// The object lives with whoever asks, inside the memory of an asynchronous operation or of a socket that hears for
// good, and it is linked, never copied: to start one allocates nothing. Its address is its identity; it must stay
// where it is until it has ended. A connection that is silent has one of them under way, so an operation is small, and
// what only some need is in message_operation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace berth::detail {

class attachment;
struct operation;

/// What waits for its turn on a loop. run() may throw what a handler throws; the node is not touched after it.
struct ready_node {
    using run_function = void (*)(ready_node&, bool invoke);  ///< invoke false: only free what it owns
    ready_node* next_ready = nullptr;
    union {
        run_function run = nullptr;
        void* note;  ///< in its stead, of an operation that is under way: the backend's, as next_ready is then
    };
};

/// Bytes to be read or written.
struct buffer_part {
    void* data = nullptr;
    std::size_t size = 0;  ///< bytes
};

/// One result. more: the operation goes on, and ends with a later one. Else it has ended and may be destroyed or
/// started again.
struct completion {
    operation* op = nullptr;
    int result = 0;  ///< bytes, a descriptor or 0; negative: the system's error number, aborted_result() after cancel
                     ///< and close
    bool more = false;
    std::uint32_t lent_id = 0;
    buffer_part lent = {};  ///< of a receive that goes on: the bytes, until return_buffer(lent_id); nullptr: none
};

/// What is the same for all operations of a kind.
struct operation_kind {
    void (*on_result)(operation&, const completion&);  ///< called by the loop for each
    void (*destroy)(operation&) noexcept;              ///< frees what it owns; there will be no result
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

/// As it is: accept, a receive of a stream that goes on, and the waits.
struct operation : ready_node {
    const operation_kind* kind = nullptr;
    attachment* socket = nullptr;
    operation* next = nullptr;  ///< the backend's: its neighbours on the same socket
    operation* previous = nullptr;
    verb what = verb::receive;
    bool many : 1 = false;         ///< accept, receive: goes on until it is cancelled or fails; receive lends buffers
    bool has_message : 1 = false;  ///< it is a message_operation
    bool is_waiting : 1 = false;   ///< the loop's: started on another thread, not begun yet
    bool has_slot : 1 = false;     ///< the asker's: it is cancelled by a slot
    std::uint16_t state = 0;       ///< the backend's
    int flags = 0;                 ///< the system's message flags; the same as long as it is under way
    union {
        int outcome = 0;       ///< its last result, until it is told
        std::uint32_t number;  ///< before that: the loop's until it has begun, then the backend's
    };
    std::uint32_t buffer = 0;  ///< the backend's
};
static_assert(sizeof(void*) != 8 || sizeof(operation) == 64, "every idle connection has one: keep it small");

/// With bytes, an address or ancillary data: all that sends, connects or receives into parts, all receives of
/// datagrams, and accepts that ask for the remote.
struct message_operation : operation {
    message_operation() noexcept { has_message = true; }

    const buffer_part* parts = nullptr;  ///< stay where they are, like their bytes, until the end
    std::uint32_t part_count = 0;
    std::uint32_t address_size = 0;  ///< bytes; in: of what is at `address`, or its capacity; out: of the source
    void* address = nullptr;         ///< a socket address in the system's form; nullptr: none is asked for
    void* control = nullptr;         ///< ancillary data in the system's form. In: of a datagram to be sent. Out: of a
                                     ///< lent datagram, if room was asked for; until return_buffer(lent_id)
    std::uint32_t control_size = 0;  ///< bytes; in: of what is at `control`, or the room for it; out: of what came
    int came_with = 0;               ///< out, of a received datagram: the system's message flags
    std::uint64_t scratch[8] = {};   ///< the backend's
};

}  // namespace berth::detail
