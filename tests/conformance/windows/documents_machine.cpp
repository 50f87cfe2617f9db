// A computer that follows the documents; see documents_machine.hpp.
#include "conformance/windows/documents_machine.hpp"

#include "platform/windows/winsock_address.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace documents {

using berth::platform::handle_of;
using berth::platform::make_address;
using berth::platform::set_flag;

namespace {

native_socket bound_keeper(berth::platform::winsock_calls& os, bool tcp, int family, std::uint16_t port) {
    const native_socket s = os.socket(family, tcp ? SOCK_STREAM : SOCK_DGRAM, tcp ? IPPROTO_TCP : IPPROTO_UDP);
    if (s < 0) return -1;
    const auto address = make_address(family, {}, port);
    int r = family == AF_INET6 ? set_flag(os, s, IPPROTO_IPV6, IPV6_V6ONLY, true) : 0;
    if (r >= 0) r = set_flag(os, s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, true);
    if (r >= 0) r = os.bind(s, address.data(), address.size);
    if (r >= 0) return s;
    os.close(s);
    return -1;
}

}  // namespace

documents_machine::~documents_machine() {
    while (!reservations_.empty()) end(reservations_.size() - 1);
    for (auto& m : members_) os_.let_go(m.object);
}

std::uint64_t documents_machine::new_token() {
    std::uint64_t token = 0;
    while (token == 0 || find(token) != nullptr) token = random_();
    return token;
}

documents_machine::reservation* documents_machine::find(std::uint64_t token) {
    for (auto& r : reservations_) {
        if (r.token == token) return &r;
    }
    return nullptr;
}

documents_machine::member* documents_machine::member_of(native_socket s) {
    for (auto& m : members_) {
        if (os_.same(m.object, s) == 1) return &m;
    }
    return nullptr;
}

bool documents_machine::keep(bool tcp, std::uint16_t port) {
    auto& k = kept_[{tcp, port}];
    if (k.ipv4 < 0) k.ipv4 = bound_keeper(os_, tcp, AF_INET, port);
    if (k.ipv6 < 0) k.ipv6 = bound_keeper(os_, tcp, AF_INET6, port);
    return k.ipv4 >= 0 && k.ipv6 >= 0;
}

void documents_machine::let_go(bool tcp, std::uint16_t port) {
    const auto known = kept_.find({tcp, port});
    if (known == kept_.end()) return;
    if (known->second.ipv4 >= 0) os_.close(known->second.ipv4);
    if (known->second.ipv6 >= 0) os_.close(known->second.ipv6);
    kept_.erase(known);
}

bool documents_machine::is_reserved(bool tcp, std::uint32_t port) const {
    return std::any_of(reservations_.begin(), reservations_.end(),
                       [&](const auto& r) { return r.tcp == tcp && port >= r.first && port - r.first < r.count; });
}

// All or nothing.
int documents_machine::reserve(reservation r) {
    for (std::uint32_t i = 0; i < r.count; ++i) {
        const auto port = static_cast<std::uint16_t>(r.first + i);
        if (!is_reserved(r.tcp, port) && keep(r.tcp, port)) continue;
        if (!is_reserved(r.tcp, port)) let_go(r.tcp, port);
        while (i-- != 0) let_go(r.tcp, static_cast<std::uint16_t>(r.first + i));
        return WSAEADDRINUSE;
    }
    reservations_.push_back(r);
    return 0;
}

// Sockets that are bound to its ports keep them by themselves.
void documents_machine::end(std::size_t i) {
    const reservation r = reservations_[i];
    if (r.acquiring != nullptr) os_.let_go(r.acquiring);
    reservations_.erase(reservations_.begin() + static_cast<std::ptrdiff_t>(i));
    for (std::uint32_t p = 0; p < r.count; ++p) let_go(r.tcp, static_cast<std::uint16_t>(r.first + p));
    std::erase_if(members_, [&](const member& m) {
        if (m.token == r.token) os_.let_go(m.object);
        return m.token == r.token;
    });
}

void documents_machine::sweep_locked() {
    const auto is_closed = [&](HANDLE h) {
        std::uint32_t handles = 0, own = 0;
        for (const auto& r : reservations_)
            own += r.acquiring && os_.same(h, reinterpret_cast<native_socket>(r.acquiring)) == 1;
        for (const auto& m : members_) own += os_.same(h, reinterpret_cast<native_socket>(m.object)) == 1;
        return os_.count_handles(h, handles) >= 0 && handles <= own;
    };
    for (std::size_t i = reservations_.size(); i-- != 0;) {
        if (reservations_[i].acquiring != nullptr && is_closed(reservations_[i].acquiring)) end(i);
    }
    for (std::size_t i = members_.size(); i-- != 0;) {
        if (!is_closed(members_[i].object)) continue;
        const member gone = members_[i];
        os_.let_go(gone.object);
        members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(i));
        if (gone.port != 0) keep(gone.kind.is_tcp, gone.port);
    }
}

void documents_machine::sweep() {
    const std::lock_guard lock(mutex_);
    sweep_locked();
}

int documents_machine::acquire(std::uint32_t process, native_socket s, bool tcp, std::uint16_t first,
                               std::uint16_t count, std::uint16_t& got, std::uint64_t& token) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    if (count == 0 || std::uint32_t{first} + count > 65536) return WSAEINVAL;
    reservation r{tcp, first, count, new_token(), process, nullptr};
    int error = WSAEADDRINUSE;
    for (int tries = 0; tries < (first == 0 ? 64 : 1) && error != 0; ++tries) {
        if (first == 0)
            r.first = static_cast<std::uint16_t>(20000 + random_() % (40000u - std::min<unsigned>(count, 39999)));
        error = reserve(r);
    }
    if (error != 0) return error;
    os_.name(s, reservations_.back().acquiring);
    got = r.first;
    token = r.token;
    return 0;
}

int documents_machine::associate(std::uint32_t process, bool admin, native_socket s, bool tcp, std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    const auto* const r = find(token);
    if (r == nullptr || r->tcp != tcp) return WSAEINVAL;
    if (r->process != 0 && r->process != process) return WSAEINVAL;
    if (r->process == 0 && !admin) return WSAEACCES;
    std::uint16_t port = 0;
    if (berth::platform::local_port(os_, s, port) >= 0 && port != 0) return WSAEINVAL;
    if (auto* const again = member_of(s)) return again->token = token, 0;
    HANDLE object = nullptr;
    if (os_.name(s, object) < 0) return WSAENOBUFS;
    members_.push_back({object, token, process, 0, {}});
    return 0;
}

int documents_machine::release(std::uint32_t process, std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    const auto* const r = find(token);
    if (r == nullptr || r->process == 0 || r->process != process) return WSAEINVAL;
    end(static_cast<std::size_t>(r - reservations_.data()));
    return 0;
}

std::optional<int> documents_machine::bind(native_socket s, const socket_kind& kind, const sockaddr* address,
                                           int size) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    auto* const known = member_of(s);
    if (known == nullptr || known->port != 0) return std::nullopt;
    sockaddr_in6 to{};
    std::memcpy(&to, address, std::min<std::size_t>(static_cast<std::size_t>(size), sizeof to));
    if (to.sin6_port != 0) return WSAEINVAL;  // left open: only port 0 is described
    const auto r = *find(known->token);
    std::vector<std::uint16_t> left;
    for (std::uint32_t i = 0; i < r.count; ++i) {
        const auto port = static_cast<std::uint16_t>(r.first + i);
        const bool is_taken = std::any_of(members_.begin(), members_.end(),
                                          [&](const member& m) { return m.token == r.token && m.port == port; });
        if (!is_taken) left.push_back(port);
    }
    if (left.empty()) return WSAEADDRINUSE;  // left open: with which error it fails
    const std::uint16_t port = left[random_() % left.size()];
    auto& k = kept_[{r.tcp, port}];
    const bool ipv4 = kind.family == AF_INET || !kind.is_ipv6_only, ipv6 = kind.family == AF_INET6;
    if (ipv4 && k.ipv4 >= 0) os_.close(std::exchange(k.ipv4, -1));
    if (ipv6 && k.ipv6 >= 0) os_.close(std::exchange(k.ipv6, -1));
    to.sin6_port = htons(port);
    set_flag(os_, s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, true);  // so that strangers meet a reserved port
    const int error = os_.bind(s, reinterpret_cast<const sockaddr*>(&to), size);
    if (error < 0) return keep(r.tcp, port), -error;
    known->port = port;
    known->kind = kind;
    return 0;
}

int documents_machine::create_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    if (first == 0 || count == 0 || std::uint32_t{first} + count > 65536) return ERROR_INVALID_PARAMETER;
    const reservation r{tcp, first, count, new_token(), 0, nullptr};
    if (reserve(r) != 0) return ERROR_SHARING_VIOLATION;
    token = r.token;
    return NO_ERROR;
}

int documents_machine::delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    if (first == 0 || count == 0) return ERROR_INVALID_PARAMETER;
    for (std::size_t i = 0; i < reservations_.size(); ++i) {
        const auto& r = reservations_[i];
        if (r.process == 0 && r.tcp == tcp && r.first == first && r.count == count) return end(i), NO_ERROR;
    }
    return ERROR_NOT_FOUND;
}

int documents_machine::look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token) {
    const std::lock_guard lock(mutex_);
    if (first == 0 || count == 0) return ERROR_INVALID_PARAMETER;
    for (const auto& r : reservations_) {
        if (r.process == 0 && r.tcp == tcp && r.first == first && r.count == count) return token = r.token, NO_ERROR;
    }
    return ERROR_NOT_FOUND;
}

void documents_machine::end_process(std::uint32_t process) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = reservations_.size(); i-- != 0;) {
        if (process != 0 && reservations_[i].process == process) end(i);
    }
    sweep_locked();
}

void documents_machine::restart() {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = reservations_.size(); i-- != 0;) {
        if (reservations_[i].process != 0) end(i);
    }
    for (auto& r : reservations_) r.token = new_token();
}

std::uint32_t documents_machine::own_handles(HANDLE h) {
    const std::lock_guard lock(mutex_);
    std::uint32_t own = 0;
    for (const auto& r : reservations_) {
        own += r.acquiring != nullptr && os_.same(h, reinterpret_cast<native_socket>(r.acquiring)) == 1 ? 1 : 0;
    }
    for (const auto& m : members_) own += os_.same(h, reinterpret_cast<native_socket>(m.object)) == 1 ? 1 : 0;
    return own;
}

std::size_t documents_machine::reservations() {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    return reservations_.size();
}

std::size_t documents_machine::free_ports(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    const auto* const r = find(token);
    if (r == nullptr) return 0;
    return r->count - static_cast<std::size_t>(std::count_if(members_.begin(), members_.end(), [&](const member& m) {
               return m.token == token && m.port != 0;
           }));
}

}  // namespace documents
