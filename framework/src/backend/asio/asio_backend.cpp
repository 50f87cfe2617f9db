// Making the backend, its sockets, and a turn of it: sleep until one result is there, and hand the results out.
//
// A wait runs one of Asio's handlers that yields a result, not all: then Asio asks the system once for as many
// results as the system has, and an idle loop asks it once for each. What is left is run by the waits that follow.
#include "backend/asio/asio_backend.hpp"
#include "backend/asio/system_words.hpp"

#include <asio/error.hpp>
#include <asio/socket_base.hpp>

#include <exception>
#include <new>

namespace berth::detail {
namespace {

constexpr std::uint32_t servings_of_a_turn = 256;
constexpr backend_facts asio_facts{.name = "asio", .lends_buffers = true};

}  // namespace

int aborted_result() noexcept { return -static_cast<int>(asio::error::operation_aborted); }

// UNSAFE: no locks inside Asio. All verbs are called by one thread at a time, and wake() goes through the system.
asio_backend::asio_backend(const backend_options& options)
    : buffer_size_(options.buffer_size),
      context_(ASIO_CONCURRENCY_HINT_UNSAFE),
      alarm_(context_, alarm_memory_),
      always_busy_(context_.get_executor()),
      buffers_(new std::byte[std::size_t{options.buffer_size} * options.buffer_count]) {
    free_buffers_.reserve(options.buffer_count);
    for (std::uint32_t id = options.buffer_count; id-- > 0;) free_buffers_.push_back(id);
}

asio_backend::~asio_backend() = default;

const backend_facts& asio_backend::facts() const noexcept { return asio_facts; }

asio_attachment::asio_attachment(asio_backend& b, asio::io_context& context, platform::native_socket native,
                                 socket_kind k)
    : attachment(b, native, k), socket(context), transport(k.is_datagram, k.is_ipv6) {}

asio_attachment::~asio_attachment() {
    std::error_code ec;
    if (socket.is_open()) socket.release(ec);
}

/// Asio takes descriptors that are no sockets; the option tells. A fresh one is the library's own, and may be one
/// that is only waited on. Asio keeps memory for each socket that its event queue refuses, until its context ends: so
/// after one that was refused the system is asked first, and clients in a shortage cost nothing that stays.
void asio_backend::assign(asio_attachment& s, std::error_code& ec) {
    using native_handle = engine_socket::native_handle_type;
    if (was_refused_) {
        if (const int error = try_to_watch(s.native()); error != 0) {
            ec = {error, asio::error::get_system_category()};
            return;
        }
    }
    s.socket.assign(s.transport, static_cast<native_handle>(s.native()), ec);
    was_refused_ = static_cast<bool>(ec);
    if (ec) return;
    asio::socket_base::receive_buffer_size size;
    if (!s.kind.is_fresh) s.socket.get_option(size, ec);
    if (!ec) s.socket.non_blocking(true, ec);
    std::error_code ignored;
    if (ec) s.socket.release(ignored);
}

/// Asio's context makes its service of sockets for the first of them, and may find no memory for it.
asio_attachment* asio_backend::make_attachment(platform::native_socket socket, socket_kind kind) {
    void* const memory = socket_memory_.take(sizeof(asio_attachment));
    try {
        return ::new (memory) asio_attachment(*this, context_, socket, kind);
    } catch (...) {
        socket_memory_.put(memory, sizeof(asio_attachment));
        throw;
    }
}

std::unique_ptr<attachment> asio_backend::attach(platform::native_socket socket, socket_kind kind,
                                                 std::error_code& ec) {
    try {
        asio_attachment* const fresh = make_attachment(socket, kind);
        list(*fresh);
        std::unique_ptr<attachment> made(fresh);
        assign(*fresh, ec);
        if (!ec) return made;
        ec = {ec.value(), std::system_category()};  // not the private copy of Asio's
    } catch (const std::bad_alloc&) {
        ec = std::make_error_code(std::errc::not_enough_memory);
    }
    return nullptr;
}

void asio_backend::destroy(attachment& socket) noexcept {
    auto& s = static_cast<asio_attachment&>(socket);
    stop_starving(s);
    unlist(s);
    s.~asio_attachment();
    socket_memory_.put(&s, sizeof s);
}

// The event queue of a forked child is its parent's: whoever takes a socket off it takes it off the parent's. So the
// child gets one of its own; what its parent began is called off here and goes on there.
void asio_backend::come_apart() noexcept {
    if (process_ == platform::fork_stamp()) return;
    process_ = platform::fork_stamp();
    alarm_.be_ours();
    try {
        context_.notify_fork(asio::execution_context::fork_child);
    } catch (const std::exception&) {  // no descriptor is left for a queue: nothing is heard, and nothing taken away
    }
    for (attachment* s = attached(); s != nullptr; s = s->next) {
        for (operation* op = s->first; op != nullptr;) {
            operation* const next = op->next;
            cancel(*op);
            op = next;
        }
    }
}

void asio_backend::begin_turn() noexcept {
    come_apart();
    ready_.append(later_);
    servings_ = servings_of_a_turn;
}

void asio_backend::look() noexcept {
    begin_turn();
    alarm_.take();
    while (context_.poll_one() != 0 && ready_.empty()) continue;
    alarm_.take();
}

void asio_backend::wait(clock::time_point until) noexcept {
    begin_turn();
    bool rang = alarm_.take();
    if (!ready_.empty() || rang) context_.poll_one();
    while (ready_.empty() && !rang && context_.run_one_until(until) != 0) rang = alarm_.take();
    alarm_.take();
}

bool asio_backend::next(completion& out) noexcept {
    while (operation* const op = ready_.pop()) {
        if (state_of(*op) == op_state::served) {
            if (servings_ == 0) {
                later_.push(*op);
                continue;
            }
            --servings_;
            if (!serve(*op, out)) continue;
        } else {
            out = {.op = op, .result = op->outcome};
        }
        if (!out.more) forget(*op);
        return true;
    }
    return false;
}

std::unique_ptr<backend> make_asio_backend(const backend_options& options, std::string& reason) {
    try {
        return std::make_unique<asio_backend>(options);
    } catch (const std::bad_alloc&) {
        reason = "asio: no memory left for its buffers";
    } catch (const std::exception& refused) {
        reason = std::string("asio: ") + refused.what() + "; a higher limit of open files (RLIMIT_NOFILE) may help";
    }
    return nullptr;
}

}  // namespace berth::detail
