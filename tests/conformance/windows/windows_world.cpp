// The worlds of the Windows provider: exclusive binds on the real system, reservations on the documents' one.
#include "conformance/provider_world.hpp"
#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/winsock_traffic.hpp"
#include "platform/windows/windows_provider.hpp"

#include <thread>

namespace provider_contract {
namespace {

using berth::address_family;
using berth::platform::windows_calls;

struct stranger {
    const char* name;
    int family;
    bool only_ipv6 = false, loopback = false;
    int option = 0;
    bool listens = true;  // TCP alone
};

constexpr stranger all_strangers[] = {
    {.name = "IPv4", .family = AF_INET},
    {.name = "IPv6 alone", .family = AF_INET6, .only_ipv6 = true},
    {.name = "both families", .family = AF_INET6},
    {.name = "IPv4 loopback", .family = AF_INET, .loopback = true},
    {.name = "IPv6 loopback", .family = AF_INET6, .loopback = true},
    {.name = "SO_REUSEADDR", .family = AF_INET, .option = SO_REUSEADDR},
    {.name = "SO_REUSEADDR, loopback", .family = AF_INET, .loopback = true, .option = SO_REUSEADDR},
    {.name = "SO_REUSEADDR, both families", .family = AF_INET6, .option = SO_REUSEADDR},
    {.name = "SO_REUSEADDR, IPv6 alone", .family = AF_INET6, .only_ipv6 = true, .option = SO_REUSEADDR},
    {.name = "SO_EXCLUSIVEADDRUSE", .family = AF_INET, .option = SO_EXCLUSIVEADDRUSE},
    {.name = "not listening", .family = AF_INET, .listens = false},
    {.name = "SO_REUSEADDR, both families, not listening",
     .family = AF_INET6,
     .option = SO_REUSEADDR,
     .listens = false},
};

class windows_world final : public world {
public:
    windows_world(const hold_request& request, bool is_native, bool completes_later)
        : world(request), is_native_(is_native), traffic_(request.kind, request.family) {
        if (is_native) {
            system_ = std::make_unique<documents::documents_system>(machine_);
            system_->completes_later = completes_later;
        }
        provider_ = std::make_unique<berth::platform::windows_provider>(calls());
    }
    ~windows_world() override { provider_.reset(); }

    port_provider& provider() override { return *provider_; }
    std::vector<std::string> strangers() override {
        std::vector<std::string> names;
        for (const auto& s : all_strangers) names.emplace_back(s.name);
        return names;
    }
    bool let_in(std::size_t who, std::uint16_t port) override {
        auto s = try_to_enter(all_strangers[who], port);
        if (s) inside_.push_back(std::move(s));
        return !inside_.empty();
    }
    bool send_away() override {
        inside_.clear();
        return true;
    }
    bool is_free(std::uint16_t port) override {
        if (is_native_) machine_.sweep();
        for (int tries = 0; tries < (is_native_ ? 2 : 50); ++tries) {
            const auto ipv4 = make_winsock_socket(AF_INET, type()),
                       ipv6 = make_winsock_socket(AF_INET6, type(), true);
            const BOOL on = TRUE;
            for (const auto* s : {&ipv4, &ipv6}) {
                ::setsockopt(**s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&on), sizeof on);
            }
            if (bind_to(*ipv4, AF_INET, false, port) == 0 && bind_to(*ipv6, AF_INET6, false, port) == 0) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return false;
    }
    std::string who_gets_in(std::uint16_t port) override {
        if (is_native_) machine_.sweep();
        std::string names;
        for (const auto& s : all_strangers) {
            if (try_to_enter(s, port)) names += std::string(s.name) + "; ";
        }
        return names;
    }
    std::vector<std::pair<hold_request, errc>> requests_to_refuse() override {
        auto elsewhere = request_;  // addresses kept for documentation
        elsewhere.address =
            asio::ip::make_address(request_.family == address_family::ipv6 ? "2001:db8::1" : "192.0.2.1");
        return {{elsewhere, errc::address_mismatch}};
    }
    std::string missing_from_advice(const port_map& map) override {
        for (std::size_t p = 49152; p < 65536; ++p) {
            if (!map.avoid[p]) return "port " + std::to_string(p) + " of the dynamic range";
        }
        return {};
    }
    bool holds_blocks_whole() override { return is_native_; }
    bool keeps_lent_sockets() override { return kind() == port_kind::tcp_listen; }
    bool tells_numbers() override { return false; }

    std::uint32_t leave_unread(native_socket session, std::uint16_t port) override {
        return traffic_.leave_unread(socket_of(session), port);
    }
    std::string hears(native_socket session, std::uint16_t port) override {
        return traffic_.hears(socket_of(session), port);
    }
    std::string is_deaf(native_socket session, std::uint16_t port) override {
        return traffic_.leaves_something(socket_of(session), port);
    }
    bool counts_what_it_hears() override { return kind() != port_kind::tcp_connect; }

    native_socket make_socket() override {
        const int family = request_.family == address_family::ipv4 ? AF_INET : AF_INET6;
        return static_cast<native_socket>(
            make_winsock_socket(family, type(), request_.family == address_family::ipv6).let_go());
    }
    void change_option(native_socket socket) override { set(socket, option(), 1); }
    bool option_is_changed(native_socket socket) override {
        DWORD value = 0;
        int size = sizeof value;
        EXPECT_EQ(::getsockopt(socket_of(socket), SOL_SOCKET, option(), reinterpret_cast<char*>(&value), &size), 0);
        return value != 0;
    }
    bool make_unacceptable(native_socket socket) override {
        set(socket, SO_REUSEADDR, 1);
        return true;
    }
    void close_behind(held_block& block, std::uint32_t index) override {
        ::closesocket(socket_of(block.session(index)));
    }
    // Numbers are given out again, lowest first or not: a file gets this one sooner or later.
    std::shared_ptr<void> swap_in(held_block& block, std::uint32_t index) override {
        const auto number = berth::platform::handle_of(block.session(index));
        close_behind(block, index);
        std::vector<HANDLE> others;
        HANDLE same = nullptr;
        while (same == nullptr && others.size() < 10'000) {
            const HANDLE h = ::CreateFileW(L"NUL", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
            h == number ? static_cast<void>(same = h) : others.push_back(h);
        }
        for (const HANDLE h : others) ::CloseHandle(h);
        return {same, [](void* h) { EXPECT_TRUE(h == nullptr || ::CloseHandle(h)) << "somebody else closed it"; }};
    }
    std::shared_ptr<void> name_by_queue(held_block&, std::uint32_t, std::uint16_t) override { return nullptr; }
    std::vector<native_socket> not_sockets() override {
        files_ = std::shared_ptr<void>(::CreateFileW(L"NUL", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr),
                                       ::CloseHandle);
        return {-1, reinterpret_cast<native_socket>(files_.get())};
    }
    bool can_fork() override { return false; }
    std::string complaints() override {
        return is_native_ && machine_.reservations() != 0 ? "a reservation was left behind" : "";
    }

private:
    windows_calls& calls() { return is_native_ ? *system_ : berth::platform::real_windows_calls(); }
    [[nodiscard]] int type() const { return kind() == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM; }
    [[nodiscard]] int option() const { return kind() == port_kind::udp ? SO_BROADCAST : SO_KEEPALIVE; }
    static SOCKET socket_of(native_socket s) { return static_cast<SOCKET>(s); }
    static void set(native_socket s, int option, DWORD value) {
        EXPECT_EQ(::setsockopt(socket_of(s), SOL_SOCKET, option, reinterpret_cast<const char*>(&value), sizeof value),
                  0);
    }

    winsock_socket try_to_enter(const stranger& who, std::uint16_t port) const {
        auto s = make_winsock_socket(who.family, type(), who.only_ipv6);
        if (who.option != 0) set(static_cast<native_socket>(*s), who.option, 1);
        if (bind_to(*s, who.family, who.loopback, port) != 0) return winsock_socket();
        if (type() == SOCK_STREAM && who.listens && ::listen(*s, 1) != 0) return winsock_socket();
        return s;
    }

    const bool is_native_;
    documents::documents_machine machine_;
    std::unique_ptr<documents::documents_system> system_;
    std::unique_ptr<berth::platform::windows_provider> provider_;
    winsock_traffic traffic_;
    std::vector<winsock_socket> inside_;
    std::shared_ptr<void> files_;
};

struct way {
    const char* name;
    bool is_native, completes_later;
};
constexpr way ways[] = {{"exclusive", false, false}, {"documents", true, false}, {"documents_later", true, true}};

}  // namespace

std::vector<sibling> kernel_siblings() {
    static constexpr const char* kinds[] = {"udp", "tcp_listen", "tcp_connect"};
    static constexpr const char* families[] = {"ipv4", "ipv6", "dual"};
    std::vector<sibling> all;
    for (const auto& w : ways) {
        for (const auto kind : {port_kind::udp, port_kind::tcp_listen, port_kind::tcp_connect}) {
            for (const auto family : {address_family::ipv4, address_family::ipv6, address_family::dual}) {
                if (w.completes_later && family != address_family::dual) continue;
                const hold_request request{.kind = kind, .family = family};
                all.push_back(
                    {std::string("windows_") + w.name + '_' + kinds[static_cast<int>(kind)] + '_' +
                         families[static_cast<int>(family)],
                     [=] { return std::make_unique<windows_world>(request, w.is_native, w.completes_later); }});
            }
        }
    }
    return all;
}

}  // namespace provider_contract
