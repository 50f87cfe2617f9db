// The fixture of the backend's suite: see backend_ground.hpp.
#include "conformance/backend_ground.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>

namespace backend_suite {
namespace {

void never_called(operation&, const completion&) { ADD_FAILURE() << "a backend calls nobody back"; }
constexpr operation_kind asked{never_called, nullptr};

}  // namespace

request::request(verb v, std::size_t size, char fill) : memory(size, fill) {
    what = v;
    kind = &asked;
}

request::~request() {
    if (ground == nullptr || ended()) return;
    ground->engine().cancel(*this);
    EXPECT_TRUE(ground->run_until([this] { return ended(); })) << "cancelled, and it did not end";
}

request& request::to(const ip_address& destination) {
    at = destination.storage;
    address = &at;
    address_size = destination.size;
    return *this;
}

request& request::with_source() {
    asks_source = true;
    return *this;
}

void backend_contract::make(const backend_options& options) {
    take_down();
    std::string reason;
    engine_ = GetParam().make(options, reason);
    if (engine_ == nullptr) {
        EXPECT_FALSE(reason.empty()) << "a refusal says why";
        GTEST_SKIP() << reason;
    }
}

attachment& backend_contract::attach(int fd, bool is_datagram, bool is_ipv6) {
    std::error_code ec;
    auto a = engine_->attach(fd, socket_kind{is_datagram, is_ipv6}, ec);
    if (a == nullptr) throw std::system_error(ec, "attach");
    attached_.push_back(std::move(a));
    return *attached_.back();
}

void backend_contract::detach(attachment& a) {
    engine_->quiet(a);
    EXPECT_TRUE(run_until([&] { return a.first == nullptr; }, 1s)) << "quiet, and not all results came";
    std::erase_if(attached_, [&](const auto& p) { return p.get() == &a; });
}

void backend_contract::take_down() {
    if (engine_ == nullptr) return;
    return_all();
    while (!attached_.empty()) detach(*attached_.back());
    for (const request* r : under_way_) ADD_FAILURE() << "an operation never ended: verb " << int(r->what);
    under_way_.clear();
    engine_.reset();
}

request& backend_contract::start(request& r, attachment& a) {
    r.ground = this;
    r.socket = &a;
    if (r.parts == nullptr && (r.what == verb::send || (r.what == verb::receive && !r.many))) {
        r.pieces.assign(1, {r.memory.data(), r.memory.size()});
        r.parts = r.pieces.data();
        r.part_count = 1;
    }
    r.flags = r.asked_flags;
    if (r.asks_source) {
        r.address = &r.at;
        r.address_size = sizeof(r.at);
    }
    ++r.starts;
    under_way_.insert(&r);
    engine_->start(r);
    return r;
}

bool backend_contract::fetch(completion& out) {
    if (!engine_->next(out)) return false;
    auto& r = static_cast<request&>(*out.op);
    EXPECT_EQ(under_way_.count(&r), 1u) << "a result of an operation that is not under way";
    r.last = out.result;
    r.all.push_back(out.result);
    ++r.results;
    r.lent = out.lent;
    r.lent_id = out.lent_id;
    if (r.lent.data != nullptr) {
        EXPECT_TRUE(r.many && r.what == verb::receive && out.result >= 0);
        EXPECT_EQ(r.lent.size, static_cast<std::size_t>(out.result));
        r.lent_bytes.assign(static_cast<const char*>(r.lent.data), r.lent.size);
        r.heard.push_back(r.lent_bytes);
        if (returns_at_once_) {
            engine_->return_buffer(r.lent_id);
        } else {
            EXPECT_EQ(lent_.count(r.lent_id), 0u) << "lent twice";
            lent_.insert(r.lent_id);
        }
    }
    if (!out.more) {
        ++r.ends;
        under_way_.erase(&r);
    }
    return true;
}

bool backend_contract::run_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
    const auto deadline = backend::clock::now() + limit;
    completion c;
    for (;;) {
        while (fetch(c)) continue;
        if (done()) return true;
        if (backend::clock::now() >= deadline) return false;
        engine_->wait(deadline);
    }
}

completion backend_contract::expect_result(std::chrono::milliseconds limit) {
    const auto deadline = backend::clock::now() + limit;
    completion c;
    while (!fetch(c)) {
        if (backend::clock::now() >= deadline) throw std::runtime_error("no result in time");
        engine_->wait(deadline);
    }
    return c;
}

int backend_contract::end_of(request& r, std::chrono::milliseconds limit) {
    if (!run_until([&] { return r.ended(); }, limit)) ADD_FAILURE() << "it did not end in time";
    return r.last;
}

int backend_contract::settle(std::chrono::milliseconds time) {
    int count = 0;
    completion c;
    const auto end = backend::clock::now() + time;
    do {
        engine_->wait(end);
        while (fetch(c)) ++count;
    } while (backend::clock::now() < end);
    return count;
}

void backend_contract::return_all() {
    for (const auto id : lent_) engine_->return_buffer(id);
    lent_.clear();
}

}  // namespace backend_suite
