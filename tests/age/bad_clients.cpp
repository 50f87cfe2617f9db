// Bad clients of any server, one after the other and at once, until they are told to stop: bad_clients PORT... (TCP
// and UDP).
//
// They come and say nothing, say something slowly, say what nobody understands, reset, do not read, and send
// datagrams of nonsense. Each keeps its place for a moment only, so that what they leave behind shows.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace {

volatile std::sig_atomic_t is_over = 0;

sockaddr_in at(std::uint16_t port) {
    sockaddr_in a{};
    a.sin_family = AF_INET, a.sin_port = htons(port), a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

struct guest {
    int fd = -1;
    unsigned kind = 0;
    int turns_left = 0;
};
enum : unsigned { silent, slow, nonsense, resets, does_not_read, kinds };

class crowd {
public:
    explicit crowd(std::vector<std::uint16_t> ports)
        : ports_(std::move(ports)), udp_(::socket(AF_INET, SOCK_DGRAM, 0)) {}
    void turn() {
        guest& one = guests_[turn_++ % guests_.size()];
        if (one.fd < 0) return come(one);
        act(one);
        if (--one.turns_left <= 0) leave(one);
        datagram();
    }
    [[nodiscard]] unsigned long long came() const { return came_; }

private:
    void come(guest& one) {
        one = {::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
               static_cast<unsigned>(random_() % kinds), static_cast<int>(1 + random_() % 60)};
        const auto to = at(ports_[random_() % ports_.size()]);
        ::connect(one.fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        ++came_;
    }
    void act(guest& one) {
        fill();
        switch (one.kind) {
            case slow:
                ::send(one.fd, "C", 1, MSG_NOSIGNAL);
                break;
            case nonsense:
            case resets:
                ::send(one.fd, noise_.data(), 1 + random_() % noise_.size(), MSG_NOSIGNAL);
                break;
            case does_not_read:
                ::send(one.fd, "CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\n", 32, MSG_NOSIGNAL);
                break;
            default:
                break;
        }
    }
    static void leave(guest& one) {
        const linger now{1, 0};
        if (one.kind == resets) ::setsockopt(one.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(std::exchange(one.fd, -1));
    }
    void datagram() {
        fill();
        const auto to = at(ports_[random_() % ports_.size()]);
        ::sendto(udp_, noise_.data(), 1 + random_() % noise_.size(), MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    void fill() {
        for (auto& byte : noise_) byte = static_cast<char>(random_());
    }

    const std::vector<std::uint16_t> ports_;
    const int udp_;
    std::mt19937 random_{20001};
    std::array<guest, 64> guests_{};
    std::array<char, 200> noise_{};
    unsigned turn_ = 0;
    unsigned long long came_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::uint16_t> ports;
    for (int i = 1; i < argc; ++i) {
        std::uint16_t port = 0;
        std::from_chars(argv[i], argv[i] + std::strlen(argv[i]), port);
        if (port != 0) ports.push_back(port);
    }
    if (ports.empty()) return std::fputs("bad_clients PORT...\n", stderr), 2;
    std::signal(SIGTERM, [](int) { is_over = 1; });
    crowd all(ports);
    while (is_over == 0) {
        all.turn();
        ::usleep(300);
    }
    std::printf("%llu bad clients came\n", all.came());
    return 0;
}
