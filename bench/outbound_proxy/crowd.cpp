// See crowd.hpp.
#include "outbound_proxy/crowd.hpp"

#include "measure/clock.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace berth::bench {
namespace {

constexpr std::size_t most_on_their_way = 64;

}  // namespace

crowd::crowd(entrance by, std::vector<std::uint16_t> to) : by_(std::move(by)), to_(std::move(to)) {}

crowd::~crowd() { close_all(); }

void crowd::close_all() {
    for (const auto& [fd, destination] : open_) ::close(fd);
    open_.clear();
}

void crowd::close_one_of_each() {
    std::vector<bool> done(to_.size(), false);
    std::erase_if(open_, [&](const auto& one) {
        if (done[one.second]) return false;
        done[one.second] = true;
        ::close(one.first);
        return true;
    });
}

int crowd::begin(std::size_t destination, bool nonblocking) const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0) throw std::system_error(errno, std::system_category(), "a client's socket");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(by_.port_for(destination));
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 && errno != EINPROGRESS) {
        const int error = errno;
        ::close(fd);
        throw std::system_error(error, std::system_category(), "the proxy cannot be reached");
    }
    return fd;
}

crowd::outcome crowd::open(std::size_t each, int limit) {
    struct coming {
        std::size_t destination;
        bool has_spoken = false;
        std::string answer{};
    };
    outcome out;
    std::map<int, coming> coming_up;
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const nanoseconds end = now() + nanoseconds{limit} * 1'000'000'000;
    const std::size_t wanted = each * to_.size();
    std::array<epoll_event, 64> events;
    for (std::size_t begun = 0; begun < wanted || !coming_up.empty();) {
        for (; begun < wanted && coming_up.size() < most_on_their_way; ++begun) {
            const int fd = begin(begun % to_.size(), true);
            coming_up[fd] = {begun % to_.size()};
            epoll_event e{};
            e.events = EPOLLOUT;
            e.data.fd = fd;
            ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
        }
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1000);
        for (int i = 0; i < count; ++i) {
            epoll_event& e = events[static_cast<std::size_t>(i)];
            const int fd = e.data.fd;
            coming& c = coming_up.at(fd);
            if (!c.has_spoken) {
                const std::string words = words_for(by_.words, to_[c.destination]);
                ::send(fd, words.data(), words.size(), MSG_NOSIGNAL);
                c.has_spoken = true;
                e.events = EPOLLIN;
                ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e);
                continue;
            }
            char bytes[512];
            const auto size = ::recv(fd, bytes, sizeof bytes, 0);
            if (size > 0) c.answer.append(bytes, static_cast<std::size_t>(size));
            int status = -1;
            heard what = size > 0 ? judge(by_.words, c.answer, status) : heard::refused;
            if (size <= 0) status = -1;
            if (what == heard::more) continue;
            ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr);
            const std::size_t destination = c.destination;
            coming_up.erase(fd);
            if (what == heard::echo) {
                ++out.up;
                open_.emplace_back(fd, destination);
            } else {
                ++out.refused[status];
                ::close(fd);
            }
        }
        if (now() > end) break;
    }
    for (const auto& [fd, c] : coming_up) {
        ++out.refused[-1];
        ::close(fd);
    }
    ::close(epoll);
    return out;
}

crowd::probe crowd::one(std::size_t destination, bool keep) {
    const std::string words = words_for(by_.words, to_[destination]);
    const nanoseconds before = now();
    const int fd = begin(destination, false);
    const timeval patience{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::send(fd, words.data(), words.size(), MSG_NOSIGNAL);
    std::string answer;
    probe p;
    heard what = heard::more;
    while (what == heard::more) {
        char bytes[512];
        const auto size = ::recv(fd, bytes, sizeof bytes, 0);
        if (size <= 0) {
            p.status = -1;
            break;
        }
        answer.append(bytes, static_cast<std::size_t>(size));
        what = judge(by_.words, answer, p.status);
    }
    p.time = now() - before;
    if (what == heard::echo && keep) {
        open_.emplace_back(fd, destination);
    } else {
        ::close(fd);
    }
    return p;
}

}  // namespace berth::bench
