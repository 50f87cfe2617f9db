// The ground that every backend is tried on: sockets made by the kernel alone, and operations that count their ends.
//
// Nothing here calls Asio or a ring. A request is an operation with memory of its own; the fixture fetches results,
// counts for each request how often it ended, and complains at the end about whoever did not end exactly as often as
// it was started. What a test has not taken down itself, the fixture takes down as a program would: quiet, fetch,
// destroy.
#pragma once

#include "backend/backend.hpp"
#include "conformance/backend_sockets.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace backend_suite {

using berth::detail::aborted_result;
using berth::detail::attachment;
using berth::detail::backend;
using berth::detail::backend_options;
using berth::detail::buffer_part;
using berth::detail::completion;
using berth::detail::message_operation;
using berth::detail::operation;
using berth::detail::operation_kind;
using berth::detail::socket_kind;
using berth::detail::verb;
using namespace std::chrono_literals;

struct sibling {
    std::string name;
    std::function<std::unique_ptr<backend>(const backend_options&, std::string&)> make;
};
inline void PrintTo(const sibling& s, std::ostream* out) { *out << s.name; }
std::vector<sibling> every_backend();  // backend_siblings.cpp: the one place that lists them

class backend_contract;

/// An operation with its own memory. One that is still under way is cancelled, and waited for, when it goes.
struct request : message_operation {
    explicit request(verb v, std::size_t size = 0, char fill = 0);
    request(const request&) = delete;
    ~request();

    [[nodiscard]] std::string received() const { return memory.substr(0, last > 0 ? std::size_t(last) : 0); }
    request& to(const ip_address& destination);  // send, connect
    request& with_source();                      // receive, accept
    [[nodiscard]] bool ended() const { return ends == starts; }
    [[nodiscard]] ip_address source() const { return {at, static_cast<socklen_t>(address_size)}; }

    std::string memory;
    std::vector<buffer_part> pieces;
    sockaddr_storage at{};
    backend_contract* ground = nullptr;
    int asked_flags = 0;  // put into flags by each start
    bool asks_source = false;
    int starts = 0, ends = 0, results = 0;
    int last = -9999;                // the latest result
    std::vector<int> all;            // every result
    buffer_part lent;                // by the latest result, with its number
    std::uint32_t lent_id = 0;
    std::string lent_bytes;          // of the latest result that lent
    std::vector<std::string> heard;  // all that was lent
};

// What the tests of lending receives share.
constexpr backend_options few_buffers{.entries = 64, .buffer_size = 512, .buffer_count = 4};

inline request& hears_for_good(request& r) {
    r.many = true;
    return r;
}

inline std::chrono::milliseconds since(backend::clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(backend::clock::now() - begin);
}

inline std::string joined(const request& r) {
    std::string all;
    for (const auto& part : r.heard) all += part;
    return all;
}

class backend_contract : public testing::TestWithParam<sibling> {
public:
    backend& engine() { return *engine_; }
    /// Waits until it is true.
    bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s);

protected:
    void SetUp() override { make({}); }
    void TearDown() override { take_down(); }

    /// A backend with these options in place of the one before.
    void make(const backend_options& options);

    attachment& attach(int fd, bool is_datagram = false, bool is_ipv6 = false);
    attachment& attach(const descriptor& d, bool is_datagram = false) { return attach(d.fd(), is_datagram); }
    void detach(attachment& a);  // quiet, fetch, destroy
    void take_down();

    request& start(request& r, attachment& a);

    /// Fetches one result if one is there.
    bool fetch(completion& out);
    /// Waits for the next result; fails after `limit`.
    completion expect_result(std::chrono::milliseconds limit = 5s);
    /// Waits until the request has ended, and says with what.
    int end_of(request& r, std::chrono::milliseconds limit = 5s);
    /// Lets all that can happen happen, and counts the results.
    int settle(std::chrono::milliseconds time = 30ms);
    /// Whether lent buffers go back as soon as their result was fetched.
    bool returns_at_once_ = true;
    std::multiset<std::uint32_t> lent_;  // ids that were not returned
    void return_all();

    std::unique_ptr<backend> engine_;
    std::vector<std::unique_ptr<attachment>> attached_;
    std::set<request*> under_way_;
};

}  // namespace backend_suite
