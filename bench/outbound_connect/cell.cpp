// See cell.hpp.
#include "outbound_connect/cell.hpp"

#include "measure/clock.hpp"
#include "outbound_connect/far_side.hpp"
#include "process/surroundings.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <utility>

namespace berth::bench {
namespace {

constexpr std::uint32_t usual_range = 28'232;
constexpr std::uint32_t failed = ~std::uint32_t{0};
constexpr std::uint32_t no_namespace = ~std::uint32_t{0};

void write_all(int fd, const void* data, std::size_t size) {
    for (const char* at = static_cast<const char*>(data); size != 0;) {
        const ssize_t n = ::send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0) throw std::runtime_error("the other end of a cell is gone");
        at += n, size -= static_cast<std::size_t>(n);
    }
}

bool read_all(int fd, void* data, std::size_t size) {
    for (char* at = static_cast<char*>(data); size != 0;) {
        const ssize_t n = ::recv(fd, at, size, 0);
        if (n <= 0) return false;
        at += n, size -= static_cast<std::size_t>(n);
    }
    return true;
}

// Of one destination the places from 0 on are connected; the last one connected takes the place of the one that ends.
class inside {
public:
    inside(const way_entry& entry, std::uint32_t each) : each_(each), far_(), way_(entry.make(far_.addresses())) {
        for (std::uint32_t d = 0; d < destinations; ++d) {
            for (std::uint32_t i = 0; i < each; ++i) {
                if (!way_->connect(d * ports_each + i)) throw std::runtime_error("a cell could not be filled");
                if (++made_ % 64 == 0) far_.settle(made_);
            }
        }
        far_.settle(made_);
    }

    std::vector<std::uint32_t> slice(std::uint32_t count) {
        std::vector<std::uint32_t> samples;
        const nanoseconds cost = read_cost();
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t number = pick(destinations) * ports_each + pick(each_);
            way_->end(number);
            const nanoseconds before = now();
            const bool up = way_->connect(number);
            const nanoseconds took = now() - before - cost;
            samples.push_back(up ? static_cast<std::uint32_t>(took) : failed);
            while (!up && !way_->connect(number)) ::usleep(100);
            if (++made_ % 16 == 0) far_.settle(made_ > 32 ? made_ - 32 : 0);
        }
        return samples;
    }

private:
    const std::uint32_t each_;
    const far_side far_;
    const std::unique_ptr<way> way_;
    std::uint64_t made_ = 0;
    std::uint32_t pick(std::uint32_t below) {
        return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
    }

    std::minstd_rand random_{1};
};

[[noreturn]] void serve(int channel, const way_entry& entry, std::uint32_t each) {
    int status = 1;
    try {
        const surroundings where =
            enter_surroundings(true, entry.ephemeral_ports != 0 ? entry.ephemeral_ports : usual_range);
        if (!where.own_namespace) {
            write_all(channel, &no_namespace, sizeof no_namespace);
            ::_exit(0);
        }
        stay_on_first_core();
        inside all(entry, each);
        std::uint32_t count = 0;
        write_all(channel, &each, sizeof each);
        while (read_all(channel, &count, sizeof count)) {
            const auto samples = all.slice(count);
            write_all(channel, samples.data(), samples.size() * sizeof samples[0]);
        }
        status = 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "outbound_connect: %s: %s\n", entry.label, problem.what());
    }
    ::_exit(status);
}

}  // namespace

cell::cell(const way_entry& entry, std::uint32_t each) : entry_(&entry), each_(each) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    std::fflush(stdout);
    process_ = ::fork();
    if (process_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(ends[0]);
        serve(ends[1], entry, each);
    }
    ::close(ends[1]);
    channel_ = ends[0];
    std::uint32_t filled = 0;
    if (!read_all(channel_, &filled, sizeof filled)) throw std::runtime_error("a cell could not be made");
    if (filled == no_namespace) throw not_permitted();
}

cell::cell(cell&& other) noexcept
    : entry_(other.entry_),
      each_(other.each_),
      process_(std::exchange(other.process_, -1)),
      channel_(std::exchange(other.channel_, -1)),
      failures_(other.failures_) {}

cell::~cell() {
    if (process_ < 0) return;
    ::close(channel_);
    ::kill(process_, SIGKILL);  // and its far side, which dies with it; those made later have copies of the channel
    ::waitpid(process_, nullptr, 0);
}

std::vector<std::uint32_t> cell::measure(std::uint32_t count) {
    std::vector<std::uint32_t> samples(count);
    write_all(channel_, &count, sizeof count);
    if (!read_all(channel_, samples.data(), samples.size() * sizeof samples[0])) {
        throw std::runtime_error(std::string("the cell has ended: ") + entry_->label);
    }
    failures_ += std::erase(samples, failed);
    return samples;
}

}  // namespace berth::bench
