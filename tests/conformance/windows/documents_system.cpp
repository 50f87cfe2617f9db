// One process's view of a documents_machine; see documents_system.hpp.
#include "conformance/windows/documents_system.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace documents {

namespace {

// "Not totally contained in a valid part of the user address space."
bool is_memory(const void* at, std::size_t size, bool to_write) {
    MEMORY_BASIC_INFORMATION page{};
    if (at == nullptr || ::VirtualQuery(at, &page, sizeof page) == 0 || page.State != MEM_COMMIT) return false;
    constexpr DWORD writable = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    const DWORD usable = to_write ? writable : writable | PAGE_READONLY | PAGE_EXECUTE_READ;
    if ((page.Protect & usable) == 0 || (page.Protect & PAGE_GUARD) != 0) return false;
    const auto* const end = static_cast<const char*>(page.BaseAddress) + page.RegionSize;
    const auto* const wanted = static_cast<const char*>(at) + size;
    return wanted <= end || is_memory(end, static_cast<std::size_t>(wanted - end), to_write);
}

constexpr DWORD directions = IOC_VOID | IOC_OUT | IOC_IN;
constexpr std::uint64_t pending_status = 0x103;

int own_error(int r) noexcept { return -r; }

struct routine_call {
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
    DWORD error, bytes;
    OVERLAPPED* overlapped;
};
void CALLBACK run_routine(ULONG_PTR argument) {
    const std::unique_ptr<routine_call> call(reinterpret_cast<routine_call*>(argument));
    call->routine(call->error, call->bytes, call->overlapped, 0);
}

}  // namespace

native_socket documents_system::make_plain_socket(int family, int type, int protocol) {
    const SOCKET s = ::WSASocketW(family, type, protocol, nullptr, 0, 0);
    plain_.push_back(static_cast<native_socket>(s));
    return plain_.back();
}

// Every rule that can be checked before anything is done, in the order of the parameters. 0: `perform` does it.
int documents_system::judge(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size,
                            DWORD* returned, const OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
                            std::function<int()>& perform) {
    WSAPROTOCOL_INFOW kind{};
    int size = sizeof kind;
    if (winsock_calls::getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, &kind, &size) < 0) return WSAENOTSOCK;
    if (next_error != 0) return std::exchange(next_error, 0);
    if (!is_supported) return WSAEOPNOTSUPP;
    const bool tcp = kind.iProtocol == IPPROTO_TCP && kind.iSocketType == SOCK_STREAM;
    if (!tcp && !(kind.iProtocol == IPPROTO_UDP && kind.iSocketType == SOCK_DGRAM)) return WSAEOPNOTSUPP;
    const bool acquires = code == SIO_ACQUIRE_PORT_RESERVATION;
    if (in_size < (acquires ? sizeof(INET_PORT_RANGE) : sizeof(INET_PORT_RESERVATION_TOKEN))) return WSAEINVAL;
    if (acquires ? out_size < sizeof(INET_PORT_RESERVATION_INSTANCE) : out_size != 0) return WSAEINVAL;
    if (!is_memory(in, in_size, false) || (acquires && !is_memory(out, out_size, true))) return WSAEFAULT;
    if (!is_memory(returned, sizeof *returned, true)) return WSAEFAULT;
    if (overlapped != nullptr && !is_memory(overlapped, sizeof *overlapped, true)) return WSAEFAULT;
    if (routine != nullptr && !is_memory(reinterpret_cast<const void*>(routine), 1, false)) return WSAEFAULT;
    if (acquires) {
        INET_PORT_RANGE range;
        std::memcpy(&range, in, sizeof range);
        perform = [this, s, tcp, range, out, returned, is_later = overlapped != nullptr] {
            std::uint16_t first = 0;
            std::uint64_t token = 0;
            const int error =
                machine_.acquire(process_, s, tcp, ntohs(range.StartPort), range.NumberOfPorts, first, token);
            if (error != 0) return error;
            INET_PORT_RESERVATION_INSTANCE instance{};
            instance.Reservation = {htons(first), range.NumberOfPorts};
            instance.Token.Token = token;
            std::memcpy(out, &instance, sizeof instance);
            if (!is_later) *returned = sizeof instance;
            return 0;
        };
        return 0;
    }
    std::uint64_t token = 0;
    std::memcpy(&token, in, sizeof token);
    perform = [this, s, tcp, token, code, returned, is_later = overlapped != nullptr] {
        const int error = code == SIO_ASSOCIATE_PORT_RESERVATION
                              ? machine_.associate(process_, is_administrator, s, tcp, token)
                              : machine_.release(process_, token);
        if (error == 0 && !is_later) *returned = sizeof token;  // left open: no output, yet not zero
        return error;
    };
    return 0;
}

int documents_system::control(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size,
                              DWORD* returned, OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    if (code == SIO_FLUSH) {
        const std::lock_guard lock(mutex_);
        return abort_on(s), 0;
    }
    const bool ours = code == SIO_ACQUIRE_PORT_RESERVATION || code == SIO_ASSOCIATE_PORT_RESERVATION ||
                      code == SIO_RELEASE_PORT_RESERVATION;
    if ((code & directions) == 0) return -WSAEINVAL;  // not a valid command
    if (!ours) return winsock_calls::ioctl(s, code, in, in_size, out, out_size, *returned, overlapped);
    if (is_memory(returned, sizeof *returned, true)) *returned = 0;
    const std::lock_guard lock(mutex_);
    if (std::find(plain_.begin(), plain_.end(), s) != plain_.end())
        overlapped = nullptr, routine = nullptr;  // ignored
    std::function<int()> perform;
    if (const int error = judge(s, code, in, in_size, out, out_size, returned, overlapped, routine, perform))
        return -error;
    if (overlapped == nullptr) return -perform();  // left open: a routine without the structure
    overlapped->Internal = pending_status;
    if (overlapped->hEvent != nullptr) ::ResetEvent(overlapped->hEvent);
    operation op{.socket = s, .overlapped = overlapped, .perform = std::move(perform), .routine = routine};
    op.bytes = code == SIO_ACQUIRE_PORT_RESERVATION ? sizeof(INET_PORT_RESERVATION_INSTANCE) : sizeof(std::uint64_t);
    if (routine != nullptr) op.thread = {::OpenThread(THREAD_SET_CONTEXT, FALSE, op.thread_id), ::CloseHandle};
    pending_.push_back(std::move(op));
    if (completes_later) return -WSA_IO_PENDING;
    end(pending_.size() - 1, -1, true);
    return own_error(static_cast<int>(overlapped->Internal));
}

// `error` -1: it is carried out, and that says.
void documents_system::end(std::size_t i, int error, bool at_once) {
    auto op = std::move(pending_[i]);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    op.overlapped->Internal = static_cast<ULONG_PTR>(error == -1 ? op.perform() : error);
    if (op.overlapped->hEvent != nullptr) ::SetEvent(op.overlapped->hEvent);
    if (at_once && op.overlapped->Internal != 0) return;  // a refusal is told by the call alone
    if (op.routine != nullptr) {                          // runs when its thread waits alertably
        const auto status = static_cast<DWORD>(op.overlapped->Internal);
        auto* const call = new routine_call{op.routine, status, status == 0 ? op.bytes : 0, op.overlapped};
        if (::QueueUserAPC(run_routine, op.thread.get(), reinterpret_cast<ULONG_PTR>(call)) == 0) delete call;
    }
    if (const auto on = ports_.find(op.socket); on != ports_.end())
        winsock_calls::post_completion(on->second, op.overlapped);
}

void documents_system::finish() {
    const std::lock_guard lock(mutex_);
    while (!pending_.empty()) end(0, -1);
}

std::size_t documents_system::pending() {
    const std::lock_guard lock(mutex_);
    return pending_.size();
}

void documents_system::abort_on(native_socket s) {
    for (std::size_t i = pending_.size(); i-- != 0;) {
        if (pending_[i].socket == s) end(i, WSA_OPERATION_ABORTED);
    }
}

void documents_system::end_thread() {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = pending_.size(); i-- != 0;) {
        if (pending_[i].thread_id != ::GetCurrentThreadId() || ports_.count(pending_[i].socket) != 0) continue;
        end(i, WSA_OPERATION_ABORTED);
    }
}

int documents_system::result(native_socket, OVERLAPPED& overlapped, DWORD timeout_ms) noexcept {
    if (timeout_ms == INFINITE && !ends_at_second_look) ::WaitForSingleObject(overlapped.hEvent, INFINITE);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        if (pending_[i].overlapped != &overlapped) continue;
        if (timeout_ms != INFINITE && (!ends_at_second_look || ++pending_[i].looks < 2)) return -WSA_IO_INCOMPLETE;
        end(i, -1);
        break;
    }
    return own_error(static_cast<int>(overlapped.Internal));
}

int documents_system::cancel(native_socket s, OVERLAPPED* overlapped) noexcept {
    const std::lock_guard lock(mutex_);
    bool any = false;
    for (std::size_t i = pending_.size(); i-- != 0;) {
        if (pending_[i].socket != s || (overlapped != nullptr && pending_[i].overlapped != overlapped)) continue;
        end(i, WSA_OPERATION_ABORTED);
        any = true;
    }
    return any ? 0 : winsock_calls::cancel(s, overlapped);
}

int documents_system::close(native_socket s) noexcept {
    {
        const std::lock_guard lock(mutex_);
        abort_on(s);
        std::erase(plain_, s);
        ports_.erase(s);
    }
    const int r = winsock_calls::close(s);
    machine_.sweep();
    return r;
}

int documents_system::bind(native_socket s, const sockaddr* address, int size) noexcept {
    WSAPROTOCOL_INFOW info{};
    int info_size = sizeof info;
    if (const int r = winsock_calls::getsockopt(s, SOL_SOCKET, SO_PROTOCOL_INFOW, &info, &info_size); r < 0) return r;
    socket_kind kind{.is_tcp = info.iSocketType == SOCK_STREAM, .family = info.iAddressFamily};
    DWORD only = 0;
    int only_size = sizeof only;
    if (kind.family == AF_INET6) winsock_calls::getsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, &only_size);
    kind.is_ipv6_only = only != 0;
    const auto error = machine_.bind(s, kind, address, size);
    return error ? -*error : winsock_calls::bind(s, address, size);
}

int documents_system::set_completion(native_socket s, HANDLE port, bool replaces) noexcept {
    const int r = winsock_calls::set_completion(s, port, replaces);
    const std::lock_guard lock(mutex_);
    if (r >= 0 && port == nullptr) ports_.erase(s);
    if (r >= 0 && port != nullptr) ports_[s] = port;
    return r;
}

int documents_system::count_handles(HANDLE h, std::uint32_t& out) noexcept {
    machine_.sweep();
    const int r = winsock_calls::count_handles(h, out);
    if (r >= 0) out -= machine_.own_handles(h);
    return r;
}

void documents_system::exit() noexcept {
    {
        const std::lock_guard lock(mutex_);
        while (!pending_.empty()) end(0, WSA_OPERATION_ABORTED);
    }
    machine_.end_process(process_);
}

int documents_system::create_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                        std::uint64_t& token) noexcept {
    if (!is_administrator) return -ERROR_ACCESS_DENIED;
    return -machine_.create_persistent(tcp, ntohs(first), count, token);
}
int documents_system::delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept {
    return is_administrator ? -machine_.delete_persistent(tcp, ntohs(first), count) : -ERROR_ACCESS_DENIED;
}
int documents_system::look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                         std::uint64_t& token) noexcept {
    return -machine_.look_up_persistent(tcp, ntohs(first), count, token);
}

}  // namespace documents
