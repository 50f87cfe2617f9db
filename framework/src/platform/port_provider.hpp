// The contract between the reservation and a system: who holds ports, opens them, takes them back.
//
// Two classes. A port_provider states facts and makes held_blocks. A held_block is the kernel side of one block for
// one kind of socket: per port a holder, which only keeps the number ours, and a session socket, which is lent to
// workers. It decides nothing: which port is whose, when it rests, who may have it is the reservation's business, and
// the reservation guarantees that at most one thread works on one index at a time (different indices: any threads).
// Siblings: linux/ (bind, filters), windows/ (the system's own reservations), refusing_provider.cpp (the template of
// the next port). One conformance suite runs over all of them: tests/conformance/.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/capabilities.hpp>
#include <berth/detail/waker.hpp>
#include <berth/error.hpp>
#include <berth/reservation_request.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace berth::platform {

enum class port_kind : std::uint8_t { udp, tcp_listen, tcp_connect };

/// The descriptors of one port; -1: none.
struct held_sockets {
    native_socket holder = -1;
    native_socket session = -1;
    native_socket other_holder = -1;  // where a holder is split by family
    bool is_out = false;              // inherited: another process works with the session socket, so it is left alone
};

/// What parks the session sockets of a block besides their own state, as descriptors; -1: nothing.
struct parking_descriptors {
    native_socket table = -1;
    native_socket program = -1;
};

/// How a block comes over from a process that lives and serves with it.
struct coming_over {
    parking_descriptors parking{};         // duplicates, the block's once prepare() succeeded
    std::vector<std::uint64_t> cookies{};  // by index, of the session sockets
};

struct hold_request {
    port_kind kind = port_kind::udp;
    port_block block{};  // specific and valid
    address_family family = address_family::dual;
    asio::ip::address address{};
    int backlog = 1024;
    /// tcp_connect only: an index is a session socket, port's place in the block * sessions_per_port + which of the
    /// port's. Each port has one holder. More than 1: nothing is inherited. A provider may refuse more than 1.
    std::uint32_t sessions_per_port = 1;
    std::string device{};  ///< tcp_connect only; a provider may refuse one
    parking park = parking::best;
    /// Not empty: by index, the sockets of a block of the same request that somebody kept (see held_block::sockets);
    /// they are duplicated, the descriptors stay the caller's. A port without a holder is bound anew, one without a
    /// session socket gets a new one under its holder. Parks by system calls: that state is in the sockets.
    std::vector<held_sockets> inherited{};
    /// Set: `inherited` is what a living process has, which goes on serving. Then nothing of the sockets' state is
    /// changed; what parks them is shared until come_over(); and a descriptor is the block's as soon as held() counts
    /// its port. A port without session socket is to be condemned by the caller.
    std::optional<coming_over> over{};
    /// Not 0: the token of a block that the system itself keeps; session sockets are drawn from it, and it is not
    /// acquired. Only where the system keeps persistent blocks (Windows).
    std::uint64_t drawn_from = 0;
    /// nullptr: hold() waits for what the system takes its time with. Else it does not: see held_block::is_waiting().
    /// Used while reserving only.
    detail::waker* waker = nullptr;
};

/// What park() found and threw away, and whether the session socket can be used again.
struct park_result {
    std::uint32_t discarded = 0;  // datagrams, queued clients
    bool condemned = false;       // the session socket is not fit for another session: renew() first
};

/// Who else in this process names a session socket.
enum class named_by : std::uint8_t {
    nobody,
    event_queue,  // its descriptor was closed, but a registration made with it still delivers events: condemn
    descriptor,   // or a ring's file table: it can still be used
};

/// What renew() says.
enum class renewal : std::uint8_t {
    renewed,      // a fresh parked session socket is in place, and the check found nobody else on the port
    still_named,  // a descriptor somewhere still names the old session socket: still condemned, try later
    failed,       // the system refused, or somebody slipped in: still condemned, try later
};

/// What a caller's socket is, as far as associate and bind must know.
struct socket_facts {
    bool is_tcp = false;  // else UDP: nothing else gets this far
    bool is_ipv6 = false;
    bool is_ipv6_only = false;
    bool is_bound = false;
    std::uint64_t cookie = 0;   // never given out twice while the system runs
    std::uint64_t network = 0;  // its network namespace, as network_namespace() names it
};

class held_block {
public:
    /// Closes every session socket, then every holder. Ports that were detached are not touched.
    virtual ~held_block() = default;

    // --- while reserving, one thread at a time, in this order: hold() until done, then seal() ---

    /// Holds up to `most` further ports, lowest first (or all of them by the first call, where a system holds blocks
    /// whole; or all session sockets of a port, where they must be bound in one go). Post: held() grew by the indices
    /// that have a session socket, or by none while the system takes its time. On failure the failing port is left
    /// unheld, the failure names it, and the caller destroys the block (all or nothing).
    virtual void hold(std::uint32_t most, failure& f) = 0;
    [[nodiscard]] virtual std::uint32_t held() const noexcept = 0;

    /// Of a request with a waker: hold() has begun what has not ended yet, and at its end the waker is told, before the
    /// block's destruction returns or never. Until then hold() does nothing.
    [[nodiscard]] virtual bool is_waiting() noexcept { return false; }
    /// What hold() has begun is to end soon, whatever comes of it. Its end is told as ever.
    virtual void stop_waiting() noexcept {}

    /// Pre: all ports are held. The closing check, piece by piece: looks at `most` ports or fewer. True: call again.
    /// Post once it said false without a failure: no socket but ours is bound to any port of the block, and none can
    /// be. A failure names the port and, where the system tells, whose socket it is.
    virtual bool seal_some(std::uint32_t most, failure& f) = 0;
    /// All of it.
    void seal(failure& f) {
        while (seal_some(~std::uint32_t{0}, f)) {
        }
    }

    // --- after seal, thread-safe for different indices; index = (port - block.first) * sessions_per_port + n ---

    /// Makes a parked session socket audible, or empties one that is parked by that alone. Pre: parked. Post on
    /// success: whatever reaches the port reaches the session socket, and nothing that came before this call will. On
    /// error: still parked.
    virtual error_code open(std::uint32_t index, std::uint32_t& discarded) noexcept = 0;

    /// Makes an open session socket silent, empty and as new. `lent`: its descriptor was in other hands, so its
    /// identity, options and attachments are checked and put back, or it is condemned.
    virtual park_result park(std::uint32_t index, bool lent) noexcept = 0;

    /// The session socket's descriptor was closed, or is somebody else's to close. Post: forgotten; condemned.
    virtual void lose(std::uint32_t index) noexcept = 0;

    /// The session socket's descriptor; stays the block's property.
    [[nodiscard]] virtual native_socket session(std::uint32_t index) const noexcept = 0;

    /// The descriptors of a port; they stay the block's property. Whoever keeps duplicates of them keeps the port.
    [[nodiscard]] virtual held_sockets sockets(std::uint32_t index) const noexcept = 0;

    /// What goes along with sockets() to another process that is to park them.
    [[nodiscard]] virtual parking_descriptors parking() const noexcept { return {}; }
    /// False: the number of the session socket's descriptor names another file by now, or none.
    virtual bool has_session(std::uint32_t index) noexcept { return session(index) >= 0; }
    /// Another process has duplicates of everything and owns the block now. Afterwards only drop() and destruction,
    /// which close and touch nothing that is shared.
    virtual void pass_on() noexcept {}
    /// The block that came over is this process's: the other one only closes from now on.
    virtual void come_over() noexcept {}

    /// The session socket's cookie, as socket_facts has it.
    [[nodiscard]] virtual std::uint64_t cookie(std::uint32_t index) const noexcept = 0;

    /// A new descriptor of the session socket, the caller's to close.
    virtual native_socket duplicate(std::uint32_t index, error_code& ec) noexcept = 0;

    /// Gives the caller's socket `target` the place of the session socket under the same descriptor number: options
    /// that can be carried are carried over, others refuse. Pre: open, target is unbound, same kind and family. Post:
    /// `target` and the block's own descriptor name one socket, whose cookie() may be another than before.
    virtual void hand_over(std::uint32_t index, native_socket target, failure& f) = 0;

    /// For each index: whether a descriptor of this process other than the block's own names the session socket, or
    /// only an event queue does. One pass over the descriptors for all of them (milliseconds for 10^4). `lent`: ports
    /// whose session descriptor is in other hands; closed there, its number may name any socket by now.
    virtual void find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> lent,
                            std::vector<named_by>& names) = 0;

    /// Replaces a condemned session socket. This is the one bind after reserve. Why it fails is not said.
    virtual renewal renew(std::uint32_t index) noexcept = 0;

    /// Of a block made by prepare_share(): this session socket, parked, is the port's from now on. Pre: the port has
    /// none. Post on success: the descriptor is the block's. On error it stays the caller's. One thread at a time.
    virtual error_code receive(std::uint32_t, native_socket) noexcept { return errc::operation_not_supported; }

    /// Packets that came for the port while parked: a counter that only grows (modulo 2^32).
    virtual std::uint32_t heard(std::uint32_t index) noexcept = 0;

    /// Ends the block's hold on one port: session socket first, then holder. Of several session sockets the last one
    /// that is dropped ends it. Descriptors in other hands live on. Where
    /// a system holds blocks whole, the port is free with the last one, or when let_go() is called.
    /// Before seal: a reserve that failed or was called off lets go of its ports one by one.
    virtual void drop(std::uint32_t index) noexcept = 0;

    /// Every port was dropped but those whose sockets workers keep, and no more is drawn. Where ports are held as a
    /// whole, the rest of them are the system's again now.
    virtual void let_go() noexcept {}

    /// In a forked child, instead of anything else: closes the child's descriptors and touches nothing that the
    /// parent shares.
    virtual void abandon() noexcept = 0;

    /// Bytes of user memory per port, for the books.
    [[nodiscard]] virtual std::uint32_t bytes_per_port() const noexcept = 0;
};

/// Ports a wildcard reservation should not choose, one flag a port number (65,536).
struct port_map {
    std::vector<bool> used = std::vector<bool>(65536);   // some socket is bound to it now
    std::vector<bool> avoid = std::vector<bool>(65536);  // ephemeral range, reserved list, 1-1023
};

/// A look at which ports are used, under way.
class port_survey {
public:
    virtual ~port_survey() = default;
    /// A piece of it, some hundreds of sockets. True: call again, with the same map.
    virtual bool look(port_map& out) = 0;
};

class port_provider {
public:
    virtual ~port_provider() = default;
    virtual capabilities facts(parking preference) = 0;

    /// Checks what can be checked before the first bind (descriptors, privilege, address) and returns an empty block
    /// ready for hold(). nullptr and a failure otherwise.
    virtual std::unique_ptr<held_block> prepare(const hold_request& request, failure& f) = 0;

    /// A block whose ports another process holds: nothing is bound, no port has a socket, hold() and seal() are not
    /// called and renew() always fails. Session sockets come by receive() and go by drop().
    virtual std::unique_ptr<held_block> prepare_share(const hold_request&, failure& f) {
        f = {errc::operation_not_supported, "this system hands no sockets from process to process", 0, 0};
        return nullptr;
    }

    /// Which ports to leave alone when choosing a wildcard block for these kinds.
    virtual std::unique_ptr<port_survey> begin_survey(port_kind kind) = 0;
    void survey(port_kind kind, port_map& out) {
        const auto begun = begin_survey(kind);
        while (begun->look(out)) {
        }
    }

    /// An opaque name of the calling thread's network namespace; 0: the system has none. ec: it does not say now.
    virtual std::uint64_t network_namespace(error_code& ec) noexcept = 0;

    /// Dual-stack blocks are IPv4 alone here.
    virtual bool lacks_ipv6() noexcept { return false; }

    /// not_a_socket, operation_not_supported (neither TCP nor UDP).
    virtual error_code inspect(native_socket socket, socket_facts& out) noexcept = 0;

    /// The two facts that bind needs of a socket that associate has inspected: cookie and is_bound. Cheaper.
    virtual error_code recognise(native_socket socket, socket_facts& out) noexcept = 0;

    /// Of a token that this process does not know, where the system itself keeps blocks. Post: the socket's
    /// bind_drawn() draws from the token's. invalid_token: there is none, or the system keeps no blocks.
    virtual error_code associate_drawn(native_socket, std::uint64_t) noexcept { return errc::invalid_token; }
    /// Pre: associate_drawn(). Post: bound. A failure names what was asked for.
    virtual void bind_drawn(native_socket, const asio::ip::address&, std::uint16_t, failure& f) {
        f = {errc::operation_not_supported, {}, 0, 0};
    }

    /// How descriptors name the socket; 0: not a descriptor.
    virtual std::uint64_t inode_of(native_socket socket) noexcept = 0;

    /// False once no descriptor of this process names the socket with this inode. `hint`: where it was seen last,
    /// renewed if it moved. `not_counted`: the library's own descriptor of it, or -1.
    virtual bool is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept = 0;

    /// named[i]: a descriptor of this process names the socket with inode inodes[i]. One pass for all; true if in
    /// doubt.
    virtual void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) = 0;

    /// Closes a caller's descriptor on the caller's request.
    virtual error_code close(native_socket socket) noexcept = 0;
};

/// This system's provider: the CMake file picks which sibling is linked.
port_provider& system_provider() noexcept;

}  // namespace berth::platform
