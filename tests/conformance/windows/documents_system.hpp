// One process's view of a documents_machine: the seam of system calls with the documents' rules in front of Winsock.
//
// Structure sizes, byte order, pointers, error rows, overlapped calls and their ends are here; who has which port is
// the machine's. Everything else goes to the real Winsock, so sockets are real and packets flow.
#pragma once

#include "conformance/windows/documents_machine.hpp"

#include <functional>
#include <memory>

namespace documents {

class documents_system final : public berth::platform::winsock_calls {
public:
    explicit documents_system(documents_machine& machine, std::uint32_t process = ::GetCurrentProcessId())
        : machine_(machine), process_(process) {}
    ~documents_system() override { exit(); }

    // --- what a test can set ---
    bool is_administrator = true;     // and runs elevated
    bool is_supported = true;         // by the transport provider
    bool completes_later = false;     // overlapped calls are pending until finish() or the second look
    bool ends_at_second_look = true;  // else finish() alone ends them
    int next_error = 0;               // of the next port reservation call: WSAENETDOWN, WSAEINPROGRESS, WSAEINTR
    std::uint32_t build_number = 17763;

    void finish();  // what is pending comes to its end
    [[nodiscard]] std::size_t pending();
    void exit() noexcept;                                                 // the process ends
    native_socket make_plain_socket(int family, int type, int protocol);  // without the overlapped attribute
    void end_thread();  // the calling thread exits: what it began and no port waits for is aborted

    /// WSAIoctl with all that it has, of which berth uses less. 0 or the negated error.
    int control(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size,
                DWORD* returned, OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

    // --- the seam ---
    int close(native_socket s) noexcept override;
    int bind(native_socket s, const sockaddr* address, int size) noexcept override;
    int ioctl(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size, DWORD& returned,
              OVERLAPPED* overlapped) noexcept override {
        return control(s, code, in, in_size, out, out_size, &returned, overlapped, nullptr);
    }
    int result(native_socket s, OVERLAPPED& overlapped, DWORD timeout_ms) noexcept override;
    int cancel(native_socket s, OVERLAPPED* overlapped) noexcept override;
    int count_handles(HANDLE h, std::uint32_t& out) noexcept override;
    int set_completion(native_socket s, HANDLE port, bool replaces) noexcept override;
    std::uint32_t build() noexcept override { return build_number; }
    int create_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token) noexcept override;
    int delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept override;
    int look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                           std::uint64_t& token) noexcept override;

private:
    struct operation {
        native_socket socket;
        OVERLAPPED* overlapped;
        std::function<int()> perform;  // 0 or a Winsock error
        int looks = 0;
        LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr;
        std::shared_ptr<void> thread{};  // that began it, if there is a routine
        DWORD thread_id = ::GetCurrentThreadId();
        DWORD bytes = 0;  // at a good end
    };
    int judge(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size, DWORD* returned,
              const OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
              std::function<int()>& perform);
    void end(std::size_t i, int error, bool at_once = false);
    void abort_on(native_socket s);

    documents_machine& machine_;
    const std::uint32_t process_;
    std::mutex mutex_;
    std::vector<operation> pending_;
    std::vector<native_socket> plain_;
    std::map<native_socket, HANDLE> ports_;  // completion ports that sockets are on
};

}  // namespace documents
