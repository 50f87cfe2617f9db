// Ground for the tests of the ring's backend: sockets that close themselves, operations that write down what came,
// and the backend as each kernel would have it.
#pragma once

#include "backend/uring/uring_backend.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth_test {

using namespace berth::detail;
using clock = backend::clock;
using std::chrono::milliseconds;

class fd {
public:
    fd() = default;
    explicit fd(int n) : n_(n) {}
    fd(fd&& other) noexcept : n_(std::exchange(other.n_, -1)) {}
    fd& operator=(fd&& other) noexcept {
        std::swap(n_, other.n_);
        return *this;
    }
    ~fd() { close(); }
    void close() {
        if (n_ >= 0) ::close(n_);
        n_ = -1;
    }
    operator int() const { return n_; }

private:
    int n_ = -1;
};

inline sockaddr_in loopback(std::uint16_t port = 0) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
inline sockaddr_in name_of(int socket) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&a), &size), 0);
    return a;
}
inline fd bound(int type) {
    fd s(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const auto a = loopback();
    EXPECT_EQ(::bind(s, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    return s;
}
inline fd listener(int backlog = 128) {
    fd s = bound(SOCK_STREAM);
    EXPECT_EQ(::listen(s, backlog), 0);
    return s;
}
inline fd connected_to(const sockaddr_in& to, int type = SOCK_STREAM) {
    fd s(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return s;
}
struct two {
    fd one, other;
};
inline two stream_pair() {
    const fd l = listener();
    two p;
    p.one = connected_to(name_of(l));
    p.other = fd(::accept4(l, nullptr, nullptr, SOCK_CLOEXEC));
    return p;
}
inline void write_to(int socket, const std::string& text) {
    EXPECT_EQ(::send(socket, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// An operation and all that came of it.
struct noted : message_operation {
    std::vector<int> results;  ///< those with more to come, and the last one
    bool has_ended = false;
    std::string bytes;  ///< of a receive
    std::vector<std::uint32_t> lent_ids;
    buffer_part lent;  ///< by the latest result
    std::vector<int> flags_out;
    std::vector<fd> accepted;
    std::function<void(noted&, int, bool)> then;
    std::string memory;
    buffer_part part;
    sockaddr_storage room{};

    explicit noted(verb v, attachment* a, bool goes_on = false) {
        what = v;
        many = goes_on;
        socket = a;
    }
    noted& with_room(std::size_t size) {
        memory.assign(size, '\0');
        return with_part();
    }
    noted& with_text(std::string text) {
        memory = std::move(text);
        return with_part();
    }
    noted& with_part() {
        part = {memory.data(), memory.size()};
        parts = &part;
        part_count = 1;
        return *this;
    }
    noted& with_address(const sockaddr_in* to = nullptr) {
        if (to != nullptr) *reinterpret_cast<sockaddr_in*>(&room) = *to;
        address = &room;
        address_size = to != nullptr ? sizeof *to : sizeof room;
        return *this;
    }
    [[nodiscard]] int last() const { return results.empty() ? 1'000'000 : results.back(); }
};

/// A socket with everything that can be under way on it, in every place an operation can be in.
struct everything {
    std::vector<std::unique_ptr<noted>> ops;

    noted& add(verb v, attachment* a, bool many = false) {
        return *ops.emplace_back(std::make_unique<noted>(v, a, many));
    }
    void fill(attachment* a) {
        add(verb::receive, a).with_room(1 << 16);
        add(verb::receive, a).with_room(1 << 16);
        add(verb::receive, a, true);
        for (int i = 0; i < 6; ++i) add(verb::send, a).with_text(std::string(1 << 20, 'x')).flags = MSG_WAITALL;
        add(verb::readable, a);
        add(verb::writable, a);
        add(verb::error, a);
    }
    [[nodiscard]] bool have_all_ended() const {
        for (const auto& op : ops) {
            if (!op->has_ended) return false;
        }
        return true;
    }
};

struct mode {
    const char* name;
    ring_limits limits;
};
inline std::vector<mode> modes() {
    return {{"newest", {}},
            {"without_deferred_work", {.deferred_work = false}},
            {"without_buffer_rings", {.buffer_rings = false}},
            {"oldest", {.deferred_work = false, .single_issuer = false, .buffer_rings = false}}};
}
inline std::string mode_name(const testing::TestParamInfo<mode>& info) { return info.param.name; }

class uring_ground : public testing::TestWithParam<mode> {
protected:
    std::unique_ptr<uring_backend> ring;
    bool keeps_buffers = false;  ///< lent ones are not given back at once

    void SetUp() override { make({}); }

    virtual void make(const backend_options& options, std::uint32_t completions = 0) {
        ring.reset();
        auto limits = GetParam().limits;
        limits.completion_queue = completions;
        std::string reason;
        ring = uring_backend::make(options, limits, reason);
        for (int tries = 0; ring == nullptr && reason.find("ENOMEM") != std::string::npos && tries < 100; ++tries) {
            std::this_thread::sleep_for(milliseconds(20));  // rings that ended hold their memory for a moment
            ring = uring_backend::make(options, limits, reason);
        }
        if (ring == nullptr) GTEST_SKIP() << reason;
    }
    std::unique_ptr<attachment> attach(int socket, bool is_datagram = false) {
        std::error_code ec;
        auto a = ring->attach(socket, {.is_datagram = is_datagram}, ec);
        EXPECT_FALSE(ec) << ec.message();
        return a;
    }
    /// One result, if there is one.
    bool deliver() {
        completion c;
        if (!ring->next(c)) return false;
        auto& op = static_cast<noted&>(*c.op);
        EXPECT_FALSE(op.has_ended) << "ended twice";
        EXPECT_NE(c.result, -EAGAIN);
        op.results.push_back(c.result);
        op.has_ended = !c.more;
        op.lent = c.lent;
        if (op.what == verb::accept && c.result >= 0) op.accepted.emplace_back(c.result);
        if (op.what == verb::receive && c.result >= 0) {
            op.flags_out.push_back(op.came_with);
            if (c.more) {
                op.bytes.append(static_cast<const char*>(op.lent.data), op.lent.size);
                op.lent_ids.push_back(c.lent_id);
                if (!keeps_buffers) give_back(op);
            } else if (!op.many) {
                op.bytes.append(op.memory.data(),
                                std::min<std::size_t>(op.memory.size(), static_cast<unsigned>(c.result)));
            }
        }
        if (op.then) op.then(op, c.result, c.more);
        return true;
    }
    void give_back(noted& op) {
        for (const auto id : op.lent_ids) ring->return_buffer(id);
        op.lent_ids.clear();
    }
    void deliver_all() {
        while (deliver()) {
        }
    }
    void settle_down(int turns = 3) {
        for (int i = 0; i < turns; ++i) {
            ring->look();
            deliver_all();
        }
    }
    testing::AssertionResult until(const std::function<bool()>& done, milliseconds patience = milliseconds(3000)) {
        const auto end = clock::now() + patience;
        deliver_all();
        while (!done()) {
            if (clock::now() >= end) return testing::AssertionFailure() << "it never came";
            ring->wait(std::min(end, clock::now() + milliseconds(200)));
            deliver_all();
        }
        return testing::AssertionSuccess();
    }
    /// Ends all of a socket's operations and fetches the ends.
    void end(std::unique_ptr<attachment>& a) {
        if (a == nullptr) return;
        ring->quiet(*a);
        ASSERT_TRUE(until([&] { return a->first == nullptr; }));
        a.reset();
    }
};

}  // namespace berth_test
