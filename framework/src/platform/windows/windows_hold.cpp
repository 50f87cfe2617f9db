// The binds of a block, and the closing check; see windows_block.hpp.
//
// Native: one acquire for the block, then draws, whose ports come in the order the system likes: held() counts them,
// and every port is ours from the first draw on. Fallback: port by port, the other family's socket first.
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

namespace berth::platform {
namespace {

constexpr DWORD sio_udp_connreset = _WSAIOW(IOC_VENDOR, 12), sio_udp_netreset = _WSAIOW(IOC_VENDOR, 15);
constexpr DWORD patience_of_search = 500;  // milliseconds

}  // namespace

native_socket windows_block::make_socket(int of, bool session) noexcept {
    const native_socket s = os_.socket(of, is_udp() ? SOCK_DGRAM : SOCK_STREAM, is_udp() ? IPPROTO_UDP : IPPROTO_TCP);
    if (s < 0) return s;
    const bool only_ipv6 = !session || request_.family == address_family::ipv6;
    int r = of == AF_INET6 ? set_flag(os_, s, IPPROTO_IPV6, IPV6_V6ONLY, only_ipv6) : 0;
    if (r >= 0 && !methods_.is_native) r = set_flag(os_, s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, true);
    if (r >= 0 && session) r = os_.set_blocking(s, false);
    if (r >= 0 && is_udp()) {
        // What the last session sent may be answered "unreachable" in the next one: such errors are never reported.
        const DWORD off = 0;
        DWORD returned = 0;
        os_.ioctl(s, sio_udp_connreset, &off, sizeof off, nullptr, 0, returned, nullptr);
        os_.ioctl(s, sio_udp_netreset, &off, sizeof off, nullptr, 0, returned, nullptr);
    }
    if (r >= 0) return s;
    os_.close(s);
    return r;
}

int windows_block::bind_socket(native_socket s, int of, const asio::ip::address& address,
                               std::uint16_t port) noexcept {
    const auto to = make_address(of, address, port);
    return os_.bind(s, to.data(), to.size);
}

// The socket is the port's session socket from now on; a listener listens as long as it lives. On error it is closed.
int windows_block::place(std::uint32_t index, native_socket session) noexcept {
    auto& slot = slots_[index];
    if (const int r = is_listener() ? os_.listen(session, request_.backlog) : 0; r < 0) {
        os_.close(session);
        return r;
    }
    slot.cookie = socket_identities::new_cookie();
    slot.session = session;
    return 0;
}

// Under drawing_, or while nobody else can draw. Post: the drawn socket is its port's spare.
int windows_block::draw_any(std::uint32_t& index, bool& none_left) noexcept {
    none_left = false;
    const native_socket s = make_socket(family(), true);
    if (s < 0) return static_cast<int>(s);
    int r = reservation_.associate(s);
    if (r >= 0) {
        r = bind_socket(s, family(), request_.address, 0);
        none_left = r < 0;
    }
    std::uint16_t port = 0;
    if (r >= 0) r = local_port(os_, s, port);
    const std::uint32_t drawn = std::uint32_t{port} - request_.block.first;
    if (r >= 0 && (!request_.block.contains(port) || slots_[drawn].spare >= 0)) r = -WSAEINVAL;
    if (r < 0) {
        os_.close(s);
        return r;
    }
    slots_[drawn].spare = s;
    index = drawn;
    return 0;
}

// The socket of this very port. What is drawn for other ports is kept for them: they are renewed as well.
int windows_block::draw(std::uint32_t index, native_socket& out, bool& none_left) noexcept {
    const std::lock_guard lock(drawing_);
    none_left = false;
    while (slots_[index].spare < 0) {
        std::uint32_t drawn = 0;
        if (const int r = draw_any(drawn, none_left); r < 0) return r;
    }
    out = std::exchange(slots_[index].spare, -1);
    return 0;
}

int windows_block::bind_exclusively(std::uint32_t index) noexcept {
    auto& slot = slots_[index];
    int r = 0;
    if (methods_.keeps_other_family && slot.other_family < 0) {
        const int other = family() == AF_INET ? AF_INET6 : AF_INET;
        const native_socket s = make_socket(other, false);
        r = s < 0 ? static_cast<int>(s) : bind_socket(s, other, {}, port_at(index));
        if (s >= 0 && r < 0) os_.close(s);
        if (r < 0) return r;
        slot.other_family = s;
    }
    const native_socket session = make_socket(family(), true);
    if (session < 0) return static_cast<int>(session);
    r = bind_socket(session, family(), request_.address, port_at(index));
    const native_socket holder = r < 0 ? r : os_.duplicate(session);
    if (holder < 0) {
        os_.close(session);
        return static_cast<int>(holder);
    }
    r = place(index, session);
    if (r < 0) {
        os_.close(holder);
        return r;
    }
    slot.holder = holder;
    return 0;
}

int windows_block::hold_one(std::uint32_t& index) noexcept {
    if (!methods_.is_native) return bind_exclusively(index);
    bool none_left = false;
    const int r = draw_any(index, none_left);
    return r < 0 ? r : place(index, std::exchange(slots_[index].spare, -1));
}

std::string windows_block::who_has(std::uint16_t port) noexcept {
    std::vector<table_row> rows;
    if (os_.read_table(!is_udp(), rows) < 0) return {};
    for (const auto& row : rows) {
        if (row.port == port && row.process != 0) return "process " + std::to_string(row.process);
    }
    return {};
}

// The refusal is the block's as a whole: the lowest port that cannot be had is found by asking for shorter blocks.
void windows_block::say_what_is_in_the_way(int error, failure& f) {
    std::uint32_t can = 0, cannot = request_.block.count;
    const bool is_taken = error == -WSAEADDRINUSE || error == -WSAEACCES;
    while (is_taken && cannot - can > 1) {
        const std::uint32_t middle = can + (cannot - can) / 2;
        runtime_reservation attempt(os_, family(), !is_udp());
        const port_block shorter{request_.block.first, middle};
        int r = attempt.acquire(shorter, request_.waker != nullptr ? 0 : patience_of_search);
        if (r == -WSA_IO_PENDING && request_.waker == nullptr) r = attempt.acquire(shorter, patience_of_search);
        if (r == -WSA_IO_PENDING) break;
        (r == 0 ? can : cannot) = middle;
    }
    const std::uint16_t port = port_at(is_taken ? can : 0);
    f = port_failure(error, protocol(), port, is_taken ? who_has(port) : std::string());
    if (is_taken && cannot - can > 1) {
        f.what = std::string("Windows says ") + name_of_error(error) + " of a block with " + std::to_string(cannot) +
                 " " + protocol() + " ports from " + std::to_string(request_.block.first) +
                 ", and does not tell soon which of them is in use; choose another block";
    }
    if (is_taken) return;
    f.what = std::string("Windows refuses the reservation of ") + std::to_string(request_.block.count) + " " +
             protocol() + " ports from " + std::to_string(request_.block.first) + ": " + name_of_error(error);
}

// False: not yet, or not at all.
bool windows_block::acquire(failure& f) {
    const int r = request_.waker != nullptr ? reservation_.begin(request_.block, *methods_.watch, *request_.waker)
                                            : reservation_.acquire(request_.block, INFINITE);
    if (r < 0 && r != -WSA_IO_PENDING) say_what_is_in_the_way(r, f);
    return r >= 0;
}

void windows_block::hold(std::uint32_t most, failure& f) {
    if (most == 0 || (methods_.is_native && !acquire(f))) return;
    for (; most != 0 && held_ < request_.block.count; --most) {
        std::uint32_t index = held_;
        const int r = hold_one(index);
        if (r < 0 && request_.drawn_from != 0) {
            f = {errc::block_exhausted,
                 "the system gave " + std::to_string(held_) + " of the " + std::to_string(request_.block.count) +
                     " ports of this persistent block (" + name_of_error(r) +
                     "): others use the rest, or its token is stale; a share needs all, associate() needs one",
                 request_.block.count - held_, 0};
            return;
        }
        if (r < 0) {
            if (slots_[index].other_family >= 0) os_.close(std::exchange(slots_[index].other_family, -1));
            const bool is_taken = r == -WSAEADDRINUSE || r == -WSAEACCES;
            f = port_failure(r, protocol(), port_at(index), is_taken ? who_has(port_at(index)) : std::string());
            return;
        }
        ++held_;
    }
}

// Whoever had a port before us would have made the acquire or a bind fail: this is the table's word on it. Rows
// without a process are remains, or a system that does not tell.
bool windows_block::seal_some(std::uint32_t, failure& f) {
    std::vector<table_row> rows;
    if (const int r = os_.read_table(!is_udp(), rows); r < 0) {
        f = {errc::system_failure, "the system's table of sockets cannot be read: " + name_of_error(r), 0, 0};
        return false;
    }
    for (const auto& row : rows) {
        if (!request_.block.contains(row.port) || row.process == 0 || row.process == os_.process()) continue;
        f = port_failure(-WSAEADDRINUSE, protocol(), row.port, "process " + std::to_string(row.process));
        return false;
    }
    if (is_listener()) audit_.note(os_, slots_[0].session, family() == AF_INET6);
    return false;
}

}  // namespace berth::platform
