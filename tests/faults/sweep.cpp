// The sweep over N; see sweep.hpp.
#include "faults/sweep.hpp"

#include "memory/memory_source.hpp"

#include <berth/log.hpp>

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iomanip>
#include <iostream>
#include <map>
#include <new>
#include <thread>

namespace berth::test {
namespace {

// What is being done, for the message of a std::terminate: that kills the program.
char present[256] = "nothing";

[[noreturn]] void say_and_abort() {
    disarm();
    std::fprintf(stderr, "std::terminate during %s\n", present);
    std::_Exit(99);
}

outcome attempt(stage& s) {
    try {
        return s.act();
    } catch (const std::bad_alloc&) {
        return {std::make_error_code(std::errc::not_enough_memory), "std::bad_alloc", false};
    } catch (const reservation_error& e) {
        return {e.code(), e.what(), true};
    } catch (const std::system_error& e) {
        return {e.code(), e.what(), false};
    }
}

std::string joined(const std::vector<std::string>& all) {
    std::string text;
    for (const auto& one : all) text += one + " ";
    return text;
}

// Descriptors that are there and were not, and the reverse.
std::string difference(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    std::vector<std::string> more, fewer;
    std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::back_inserter(more));
    std::set_difference(before.begin(), before.end(), now.begin(), now.end(), std::back_inserter(fewer));
    if (more.empty() && fewer.empty()) return {};
    return "more: " + joined(more) + "fewer: " + joined(fewer);
}

struct tally {
    std::uint32_t n = 0, attempts = 0, refused = 0, endured = 0;
    std::map<std::string, int> verbs;
};

class sweep {
public:
    sweep(const scenario& s, fault_kind kind)
        : s_(s),
          kind_(kind),
          stays_(s.stays && !(s.recycles && (kind == fault_kind::memory || recycles_what_is_counted()))) {}

    void run() {
        set_log_sink(nullptr);
        std::set_terminate(say_and_abort);
        warm_up();
        const auto before = descriptors_at_rest();
        for (std::uint32_t n = 0;; ++n) {
            if (n == most) FAIL() << s_.name << ": it never gets through";
            if (!each_error_of(n)) {
                tally_.n = n;
                break;
            }
        }
        stage_.reset();
        if (*s_.leaves_one == '\0') {
            EXPECT_EQ(difference(before, descriptors_at_rest()), "") << s_.name;
        }
        print();
        const char* const why = kind_ == fault_kind::calls    ? s_.no_calls
                                : kind_ == fault_kind::memory ? s_.no_memory
                                                              : s_.no_ring;
        if (kind_ == fault_kind::memory && recycles_what_is_counted() && tally_.n != 0) return;
        EXPECT_EQ(tally_.n == 0, *why != '\0') << s_.name << ": N is " << tally_.n << ", and the reason for none is '"
                                               << why << "'";
    }

private:
    // Without a heap of mimalloc's, as under a sanitizer, what a loop keeps for what begins next is of operator new too.
    static bool recycles_what_is_counted() { return !detail::the_memory_source().has_heaps; }

    static constexpr std::uint32_t most = 3000;
    static constexpr int repeats = 4;

    // By day the n-th call fails with one of its errors, another one each time; at night, and the few entries of a
    // ring always, with all of them, one by one.
    bool each_error_of(std::uint32_t n) {
        const bool all_errors = std::getenv("BERTH_ALL_ERRORS") != nullptr || kind_ == fault_kind::ring;
        bool is_reached = true, is_last = false;
        for (std::uint32_t which = all_errors ? 0 : any_of_them; is_reached && !is_last; ++which) {
            const fault f = once(n, which);
            is_reached = f.was_reached;
            is_last = !all_errors || f.is_last_error;
        }
        return is_reached && !testing::Test::HasFatalFailure();
    }

    // What an object left to a thread of its own is closed a moment after its end.
    static std::vector<std::string> descriptors_at_rest() {
        for (auto now = open_descriptors();;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            auto later = open_descriptors();
            if (later == now) return later;
            now = std::move(later);
        }
    }

    // As with descriptors: what a thread of an object's own has is given back a moment later.
    static bool stays_above(long pieces) {
        for (int i = 0; i < 20 && pieces_of_memory() > pieces; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return pieces_of_memory() > pieces;
    }

    // What is made once in a process, caches and the like, is made now.
    void warm_up() {
        for (int i = 0; i < 2; ++i) {
            const auto all = s_.make();
            const outcome o = attempt(*all);
            ASSERT_FALSE(o.code) << s_.name << " fails without a fault: " << o.code.message() << ": " << o.what;
            all->look(o);
            all->undo();
        }
    }

    fault once(std::uint32_t n, std::uint32_t which) {
        if (!stage_ && stays_) {  // what it keeps for later is there before the first fault
            stage_ = s_.make();
            attempt(*stage_);
            stage_->undo();
        }
        const auto before = open_descriptors();
        const long memory = pieces_of_memory();
        fault f = once_in(n, which, before);
        if (!f.was_reached) torn_down(before, f, n);  // a stage that stays
        if (!f.was_reached || testing::Test::HasFatalFailure()) return f;
        // Something that is kept for good is made once; a leak is one each time.
        const bool may_keep = f.verb == s_.kept_after || *s_.keeps_memory != '\0';
        if (const long left = pieces_of_memory() - memory; left > 0 && !may_keep) {
            int grown = 0;
            for (int i = 0; i < repeats && grown == i; ++i) {
                const long again = pieces_of_memory();
                const bool is_same = once_in(n, which, before).verb == f.verb;  // whose words go before they are counted
                grown += is_same && stays_above(again);
            }
            EXPECT_LT(grown, repeats) << where(f, n) << ": " << left << " pieces of memory are left each time";
        }
        return f;
    }

    fault once_in(std::uint32_t n, std::uint32_t which, const std::vector<std::string>& at_first) {
        const auto before = *s_.leaves_one != '\0' ? open_descriptors() : at_first;
        if (!stage_) stage_ = s_.make();  // fresh for each N, unless it stays
        stage* const all = stage_.get();
        const auto ready = open_descriptors();
        std::snprintf(present, sizeof present, "%s, %s number %u, error number %u", s_.name.c_str(),
                      kind_ == fault_kind::memory ? "piece of memory" : "call", n, which);
        arm(kind_, n, which);
        const outcome o = attempt(*all);
        const fault f = disarm();
        if (f.has_failed) {
            ++tally_.attempts;
            ++tally_.verbs[f.verb];
            ++(o.code ? tally_.refused : tally_.endured);
        }
        const std::string at = where(f, n) + ": " + o.code.message() + " '" + o.what + "'";
        if (o.code) {
            EXPECT_TRUE(f.has_failed) << at << ": an error without a fault";
            EXPECT_TRUE(is_right(o.code, f) || is_also_right(o.code)) << at << ": the wrong error, " << o.code;
            // Words take memory.
            EXPECT_FALSE(o.has_words && o.what.empty() && o.code != std::errc::not_enough_memory)
                << at << ": without a word";
            if (!s_.keeps_descriptors) {
                EXPECT_EQ(difference(ready, open_descriptors()), "") << at;
            }
        }
        all->look(o);
        if (!o.code) all->undo();
        if (o.code && f.has_failed) {
            const outcome again = attempt(*all);
            EXPECT_FALSE(again.code) << at << ": then without a fault: " << again.code.message() << " " << again.what;
            all->look(again);
            all->undo();
        }
        if (stays_) {
            // Not which: a session socket that was renewed is another one.
            for (int i = 0; i < 20 && open_descriptors().size() != ready.size(); ++i) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));  // a thread of an object's own closes later
            }
            EXPECT_EQ(open_descriptors().size(), ready.size()) << at << ", undone";
        }
        if (!stays_ || testing::Test::HasFailure()) torn_down(before, f, n);
        return f;
    }

    void torn_down(const std::vector<std::string>& before, const fault& f, std::uint32_t n) {
        if (!stage_) return;
        const port_block ports = stage_->ports();
        stage_.reset();
        if (*s_.leaves_one != '\0') {
            EXPECT_EQ(open_descriptors().size(), before.size() + 1) << where(f, n) << ", torn down";
        } else if (!stays_) {
            EXPECT_EQ(difference(before, open_descriptors()), "") << where(f, n) << ", torn down";
        }
        EXPECT_EQ(who_is_left_on(ports), "") << where(f, n);
    }

    [[nodiscard]] bool is_also_right(const error_code& ec) const {
        return std::find(s_.also.codes.begin(), s_.also.codes.end(), ec) != s_.also.codes.end();
    }
    [[nodiscard]] std::string where(const fault& f, std::uint32_t n) const {
        return s_.name + ": " + (f.verb.empty() ? "nothing" : f.verb) + " was number " + std::to_string(n) +
               (f.error != 0 ? ", errno " + std::to_string(f.error) + " (" + std::strerror(f.error) + ")" : "");
    }

    void print() const {
        static constexpr const char* names[] = {"calls", "memory", "ring"};
        std::cout << std::left << std::setw(8) << names[static_cast<int>(kind_)] << std::setw(44) << s_.name << "N="
                  << std::setw(5) << tally_.n << "faults=" << std::setw(6) << tally_.attempts << "refused="
                  << std::setw(6) << tally_.refused << "endured=" << std::setw(6) << tally_.endured;
        for (const auto& [verb, times] : tally_.verbs) std::cout << ' ' << verb << ':' << times;
        std::cout << std::endl;  // also where the program ends early
    }

    const scenario& s_;
    const fault_kind kind_;
    const bool stays_;
    tally tally_;
    std::unique_ptr<stage> stage_;
};

}  // namespace

void fail_each(const scenario& s, fault_kind kind) {
    if (kind == fault_kind::memory && *s.needs_memory != '\0') GTEST_SKIP() << s.needs_memory;
    sweep all(s, kind);
    all.run();
}

std::vector<std::string> open_descriptors() {
    std::vector<std::string> all;
    DIR* const folder = ::opendir("/proc/self/fd");
    const std::string own = std::to_string(::dirfd(folder));
    while (const dirent* const entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.' || own == entry->d_name) continue;
        char target[128];
        const ssize_t size = ::readlinkat(::dirfd(folder), entry->d_name, target, sizeof target);
        all.push_back(entry->d_name + (":" + std::string(target, size > 0 ? static_cast<std::size_t>(size) : 0)));
    }
    ::closedir(folder);
    std::sort(all.begin(), all.end());
    return all;
}

std::string who_is_left_on(port_block block) {
    std::string left;
    for (std::uint32_t i = 0; i < block.count; ++i) {
        for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
            const int fd = ::socket(AF_INET6, type | SOCK_CLOEXEC, 0);
            sockaddr_in6 a{};
            a.sin6_family = AF_INET6, a.sin6_port = htons(static_cast<std::uint16_t>(block.first + i));
            const int one = 1;  // what waits for its time is nobody's
            if (type == SOCK_STREAM) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
            if (::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0 && errno == EADDRINUSE) {
                left += std::string(type == SOCK_DGRAM ? "UDP " : "TCP ") + std::to_string(block.first + i) + " ";
            }
            ::close(fd);
        }
    }
    return left;
}

}  // namespace berth::test
