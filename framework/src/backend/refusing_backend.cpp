// The backend of a system that berth has not been brought to yet: it refuses to be made, and says so.
//
// The template of the next port. A backend is one class derived from `backend`, one derived from `attachment`, and a
// function like the one at the end; `refusing_backend` shows the least that each verb's contract asks for. It is
// never made, so nothing calls it. The order to write a port in, since each step is shown by a part of the suite
// (tests/conformance/backend_*; add the new function to backend_siblings.cpp, and take the refusal out last):
//   1. attach, wait, wake       2. start with readable and writable, next       3. cancel, quiet
//   4. receive, send, connect   5. accept                                       6. receive and accept with `many`
// Then io_context picks it where it picks the others.
#include "backend/backend.hpp"

#include <type_traits>

namespace berth::detail {
namespace {

constexpr backend_facts refusing_facts{.name = "refusing"};

class refusing_backend final : public backend {
public:
    /// What this backend can do beyond the contract, as it turned out when it was made.
    [[nodiscard]] const backend_facts& facts() const noexcept override { return refusing_facts; }

    /// Make the socket non-blocking and known to the system's event queue; keep what start() needs of it. A number
    /// that is no socket is refused here, not by the first operation.
    std::unique_ptr<attachment> attach(platform::native_socket, socket_kind, std::error_code& ec) override {
        ec = std::make_error_code(std::errc::operation_not_supported);
        return nullptr;
    }

    /// Link it to op.socket->first, whatever becomes of it. Then hand it over, or put it where wait() will find it,
    /// or put its failure into the row of results. Fields that change with a result but count as it was started
    /// (address_size, control_size) are to be noted down, in message_operation::scratch.
    void start(operation&) noexcept override {}

    /// Ask the system to let go of it. Nothing to do if its result is in the row already, or was handed out.
    void cancel(operation&) noexcept override {}

    /// As cancel() for each of the socket's, and wait until the system says that it has let go. Turn every result of
    /// theirs that is still in the row into the aborted error, one for each. Clients taken are closed, buffers
    /// taken for them are free again. The caller may close the socket when this returns: forget its number.
    void quiet(attachment&) noexcept override {}

    /// Whoever runs the loop leaves it, and another thread may come: let the system go of all that is under way, keep
    /// what has its result, and hand the others over again with the next wait() or look().
    void rest() noexcept override {}

    /// Sleep on the system's event queue, not longer than until then, not at all if the row has a result or wake()
    /// was called since the last time.
    void wait(clock::time_point) noexcept override {}

    void look() noexcept override {}

    /// Take the first of the row, set the out-fields of its operation; if it ends with this, unlink it from
    /// op->socket->first and do not touch it again: the caller may start or free it at once.
    bool next(completion&) noexcept override { return false; }

    /// Only what a signal handler may do: no lock, no memory.
    void wake() noexcept override {}

    /// The system's event queue itself, if it can be waited for; else an event that is set with each result.
    platform::native_socket wait_handle(std::error_code& ec) noexcept override {
        ec = std::make_error_code(std::errc::operation_not_supported);
        return platform::native_socket{-1};
    }

    /// Lending receives that ran out of buffers go on.
    void return_buffer(std::uint32_t) noexcept override {}

    /// What attach() did, the other way round; both keep the list of what is attached (list, unlist).
    void destroy(attachment&) noexcept override {}
};

}  // namespace

/// Nothing is left behind by a refusal: no descriptor, no thread. `reason` names what refused and what would help.
std::unique_ptr<backend> make_refusing_backend(const backend_options&, std::string& reason) {
    static_assert(!std::is_abstract_v<refusing_backend>, "the template has every verb");
    reason = "berth has no backend for this system yet; framework/src/backend/refusing_backend.cpp is where to begin";
    return nullptr;
}

}  // namespace berth::detail
