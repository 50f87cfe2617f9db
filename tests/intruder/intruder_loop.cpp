// The child's loop: orders, the choice of the next attempt, what becomes of a hit. The attempt itself: attempt.cpp.
#include "intruder_loop.hpp"

#include <sys/prctl.h>

#include <cerrno>
#include <csignal>

namespace berth::test {
namespace {

constexpr std::size_t most_kept = 64;

}  // namespace

intruder_loop::intruder_loop(intruder_page& page, intruder_tally& tally, std::span<const attack_variation> variations,
                             attacked what, unsigned number)
    : page_(page),
      tally_(tally),
      variations_(variations),
      what_(what),
      skipped_(variations.size()),
      next_(number * variations.size() / most_intruders),
      random_state_(0x9e3779b9u + number) {
    for (std::size_t i = 0; i < variations.size(); ++i)
        if (variations[i].sharp) sharp_.push_back(i);
    last_hit_ = sharp_.front();
    kept_.reserve(most_kept);
}

void intruder_loop::run(pid_t parent, uid_t become) {
    settle(parent, become);
    for (std::uint32_t turn = 0; !page_.stop.load(std::memory_order_relaxed); ++turn) {
        if (tally_.seen != page_.order) obey();
        if (turn % 64 == 0) serve_kept();
        if (count_ == 0) {
            usleep(100);
            continue;
        }
        if (const std::uint16_t port = pick_port()) attempt(pick_variation(), port);
    }
    drop_kept();
    _exit(0);
}

/// The parent-death signal comes after the change of uid, which clears it.
void intruder_loop::settle(pid_t parent, uid_t become) {
    close_range(3, ~0u, 0);
    std::signal(SIGPIPE, SIG_IGN);
    if (become != 0 && (setresgid(become, become, become) != 0 || setresuid(become, become, become) != 0)) _exit(2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(3);

    // Kept until exit: connect and sendto need somewhere to go that is nobody else's.
    const int sink = socket(AF_INET6, what_ == attacked::tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    const int off = 0;
    setsockopt(sink, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    socklen_t size = sizeof name;
    if (bind(sink, reinterpret_cast<sockaddr*>(&name), size) != 0) return;
    listen(sink, 1);
    getsockname(sink, reinterpret_cast<sockaddr*>(&name), &size);
    sink_port_ = ntohs(name.sin6_port);
}

void intruder_loop::obey() {
    const std::uint32_t order = page_.order;
    if (page_.drop_kept) drop_kept();
    first_ = page_.first, count_ = page_.count, ambush_ = page_.ambush;
    tally_.seen = order;
}

void intruder_loop::drop_kept() {
    for (const kept_hit& k : kept_) {
        close(k.descriptor);
        --page_.inside[k.port];
    }
    kept_.clear();
}

/// A kept hit is worth what reaches it.
void intruder_loop::serve_kept() {
    for (const kept_hit& k : kept_) {
        if (what_ == attacked::udp) {
            char datagram[16];
            while (recv(k.descriptor, datagram, sizeof datagram, MSG_DONTWAIT) >= 0) ++tally_.received;
        } else {
            const int client = accept4(k.descriptor, nullptr, nullptr, SOCK_NONBLOCK);
            if (client < 0) continue;
            ++tally_.received;
            close(client);
        }
    }
}

/// 0: none yet.
std::uint16_t intruder_loop::pick_port() {
    const std::uint32_t told = page_.changing_hands.load(std::memory_order_relaxed);
    if (told != 0 && random() % 4 != 0) return static_cast<std::uint16_t>(told);
    if (ambush_ && told == 0) return 0;
    return static_cast<std::uint16_t>(first_ + random() % (ambush_ ? told - first_ + 1 : count_));
}

/// Half of the attempts are known to be sharp, a quarter walks over the whole list, a quarter repeats what worked.
/// In ambush the walk gets one in sixteen: speed is all there.
std::size_t intruder_loop::pick_variation() {
    std::uint32_t way = random() % 4;
    if (ambush_ && way == 3 && random() % 4 != 0) way = 0;
    if (way < 2) return sharp_[random() % sharp_.size()];
    if (way == 2) return last_hit_;
    do {
        if (++next_ == variations_.size()) {
            next_ = 0;
            ++tally_.rounds;
        }
    } while (skipped_[next_]);
    return next_;
}

void intruder_loop::hit(int descriptor, std::size_t index, std::uint16_t port, std::uint32_t promise) {
    last_hit_ = index;
    ++tally_.hits[index];
    if ((promise & 1) && page_.promise == promise) ++tally_.broken_promises;
    if (what_ == attacked::tcp && listen(descriptor, 8) == 0) ++tally_.listening;
    ++tally_.bound;  // last: whoever sees the sum may rely on the rest
    if (random() % 2 == 0 && kept_.size() < most_kept) {
        kept_.push_back({descriptor, port});
        ++page_.inside[port];
    } else {
        close(descriptor);
    }
}

void intruder_loop::skip(std::size_t index) {
    if (skipped_[index]) return;
    skipped_[index] = true;
    ++tally_.skipped;
}

std::uint32_t intruder_loop::random() noexcept {
    random_state_ ^= random_state_ << 13, random_state_ ^= random_state_ >> 17, random_state_ ^= random_state_ << 5;
    return random_state_;
}

}  // namespace berth::test
