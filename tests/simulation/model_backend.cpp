// The model's verbs but for what each operation does (model_operations.cpp): order, time, cancel, quiet, results.
#include "simulation/model_backend.hpp"

#include "backend/loop_parts.hpp"

#include "simulation/virtual_clock.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace berth::simulation {

using detail::attachment;
using detail::completion;
using detail::message_operation;
using detail::operation;
using detail::verb;

namespace {

model_chances* installed = nullptr;
std::vector<model_backend*> backends;

}  // namespace

void model_backend::install(model_chances* chances) noexcept { installed = chances; }

model_backend::model_backend(model_chances& chances)
    : chances_(chances), buffers_(std::size_t{buffer_count} * buffer_size) {
    backends.push_back(this);
}

const std::vector<model_backend*>& model_backend::all() noexcept { return backends; }

model_backend::~model_backend() {
    std::erase(backends, this);
    for (attachment* s = attached(); s != nullptr; s = s->next) s->home = nullptr;
    if (attached() != nullptr) chances_.complain("backend: it goes before its attachments");
    if (std::find(is_lent_.begin(), is_lent_.end(), true) != is_lent_.end()) {
        chances_.complain("backend: a lent buffer never came back");
    }
}

const detail::backend_facts& model_backend::facts() const noexcept {
    static constexpr detail::backend_facts model_facts{
        .name = "simulated", .lends_buffers = true, .accepts_many = true};
    return model_facts;
}

std::unique_ptr<attachment> model_backend::attach(platform::native_socket socket, detail::socket_kind kind,
                                                  std::error_code& ec) {
    ec = {};
    if (model_network::installed().find(socket) == nullptr) {
        ec.assign(EBADF, std::system_category());
        return nullptr;
    }
    if (chances_.strikes(chances_.fault_rate / 4, model_chances::fault)) {
        ec.assign(ENOMEM, std::system_category());
        return nullptr;
    }
    std::unique_ptr<attachment> made(new model_attachment(*this, socket, kind));
    list(*made);
    return made;
}

void model_backend::destroy(attachment& socket) noexcept {
    auto& s = static_cast<model_attachment&>(socket);
    if (s.first != nullptr) chances_.complain("backend: an attachment is destroyed over its operations");
    unlist(s);
    s.~model_attachment();
    ::operator delete(&s);
}

model_backend::lane model_backend::lane_of(const operation& op) noexcept {
    switch (op.what) {
        case verb::receive:
        case verb::accept:
            return incoming;
        case verb::send:
        case verb::connect:
            return outgoing;
        default:
            return waits;
    }
}

void model_backend::start(operation& op) noexcept {
    auto& s = of(op);
    if (s.is_quiet) chances_.complain("backend: an operation begins on a quiet socket");
    for (const operation* other = s.first; other != nullptr; other = other->next) {
        if (other == &op) return chances_.complain("backend: an operation begins twice");
    }
    op.next = s.first;
    op.previous = nullptr;
    if (s.first != nullptr) s.first->previous = &op;
    s.first = &op;
    op.state = is_under_way;
    auto ready_at = clock::now();
    if (chances_.strikes(chances_.delay_rate, model_chances::delayed)) {
        ready_at += std::chrono::microseconds(1 + chances_.random.below(3000));
    }
    s.queues[lane_of(op)].push_back({&op, ready_at});
}

void model_backend::unlink(operation& op) noexcept {
    (op.previous != nullptr ? op.previous->next : op.socket->first) = op.next;
    if (op.next != nullptr) op.next->previous = op.previous;
}

// False: it has its last result.
bool model_backend::take_out(operation& op) noexcept {
    auto& queue = of(op).queues[lane_of(op)];
    const auto at = std::find_if(queue.begin(), queue.end(), [&](const auto& u) { return u.op == &op; });
    if (at == queue.end()) return false;
    queue.erase(at);
    return true;
}

model_backend::verdict model_backend::end(operation& op, int outcome) noexcept {
    op.state = has_result;
    results_.push_back({.what = {.op = &op, .result = outcome}});
    return verdict::ended;
}

// One that is not under way may be without its socket, which is gone: the loop ends such a one by itself.
// It may be done at the very moment when it is cancelled: then it ends as it would have.
void model_backend::cancel(operation& op) noexcept {
    if (op.state != is_under_way) return;
    auto& s = of(op);
    auto& queue = s.queues[lane_of(op)];
    const bool is_first = !queue.empty() && queue.front().op == &op;
    if (is_first && !op.many && chances_.random.chance(200) && carry_out(s, op) == verdict::ended) {
        ++chances_.counts[model_chances::raced_cancel];
        queue.pop_front();
        return;
    }
    if (take_out(op)) end(op, detail::aborted_result());
}

void model_backend::quiet(attachment& socket) noexcept {
    auto& s = static_cast<model_attachment&>(socket);
    std::deque<result> kept;
    for (auto& r : results_) {
        operation& op = *r.what.op;
        if (op.socket != &socket) {
            kept.push_back(r);
            continue;
        }
        ++chances_.counts[model_chances::dropped_by_quiet];
        if (op.what == verb::accept && r.what.result >= 0) model_network::installed().close(r.what.result);
        if (r.what.more && op.what == verb::receive) is_lent_[r.what.lent_id] = false;
        if (!r.what.more) kept.push_back({.what = {.op = &op, .result = detail::aborted_result()}});
    }
    results_.swap(kept);
    for (auto& queue : s.queues) {
        while (!queue.empty()) {
            end(*queue.front().op, detail::aborted_result());
            queue.pop_front();
        }
    }
}

// Every lane of every socket, from one that chance names on: sockets are in no order among each other.
void model_backend::settle() noexcept {
    std::size_t count = 0;
    for (attachment* s = attached(); s != nullptr; s = s->next) ++count;
    if (count == 0) return;
    std::size_t from = chances_.random.below(static_cast<std::uint32_t>(count));
    attachment* first = attached();
    while (from-- != 0) first = first->next;
    for (attachment* s = first; count-- != 0; s = s->next != nullptr ? s->next : attached()) {
        const std::size_t turn = chances_.random.below(lanes);
        for (std::size_t i = 0; i < lanes; ++i) {
            while (settle_lane(static_cast<model_attachment&>(*s), static_cast<lane>((turn + i) % lanes))) {
            }
        }
    }
}

// True: something ended, or a receive with many results brought one; perhaps there is more.
bool model_backend::settle_lane(model_attachment& socket, lane which) noexcept {
    auto& queue = socket.queues[which];
    bool any = false;
    for (std::size_t i = 0; i < queue.size();) {
        const auto u = queue[i];
        if (u.ready_at > clock::now()) {
            if (which != waits) break;
            ++i;
            continue;
        }
        const verdict v = carry_out(socket, *u.op);
        if (v == verdict::ended) {
            queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i));
            any = true;
            continue;
        }
        if (v == verdict::goes_on) return true;
        if (which != waits) break;
        ++i;
    }
    return any && which != waits && !queue.empty() && results_.size() < 64;
}

model_backend::clock::time_point model_backend::next_event() const noexcept {
    auto next = clock::time_point::max();
    const auto now = clock::now();
    for (attachment* s = attached(); s != nullptr; s = s->next) {
        for (const auto& queue : static_cast<model_attachment*>(s)->queues) {
            for (const auto& u : queue) {
                if (u.ready_at > now) next = std::min(next, u.ready_at);
            }
        }
    }
    return next;
}

void model_backend::look() noexcept {
    is_woken_ = false;
    settle();
}

// Sleeps in the virtual time, which passes up to the next thing that happens.
void model_backend::wait(clock::time_point until) noexcept {
    settle();
    while (results_.empty() && !std::exchange(is_woken_, false) && clock::now() < until) {
        if (chances_.strikes(20, model_chances::idle_wake)) return;
        const auto next = std::min(next_event(), until);
        if (next == clock::time_point::max()) {
            chances_.complain("hang: the loop sleeps, and nothing will ever wake it");
            return loop->stop();
        }
        virtual_clock::set(next.time_since_epoch().count());
        settle();
    }
}

bool model_backend::next(completion& out) noexcept {
    if (results_.empty()) return false;
    const result r = results_.front();
    results_.pop_front();
    out = r.what;
    operation& op = *out.op;
    if (op.has_message && r.from != 0) {
        auto& message = static_cast<message_operation&>(op);
        message.came_with = r.is_truncated ? MSG_TRUNC : 0;
        const sockaddr_in6 name = name_of(r.from);
        if (message.address != nullptr) std::memcpy(message.address, &name, sizeof name);
        message.address_size = sizeof name;
    }
    if (!out.more) unlink(op), op.state = 0;
    return true;
}

void model_backend::return_buffer(std::uint32_t id) noexcept {
    if (id >= buffer_count || !is_lent_[id])
        return chances_.complain("backend: a buffer that is not lent is returned");
    is_lent_[id] = false;
}

platform::native_socket model_backend::wait_handle(std::error_code& ec) noexcept {
    ec = {};
    return 0;  // is_readable() says the rest
}

bool model_backend::is_readable() noexcept {
    if (!is_woken_) settle();
    return is_woken_ || !results_.empty();
}

}  // namespace berth::simulation

namespace berth::detail {

std::unique_ptr<backend> make_backend(const loop_options&, std::string& reason) {
    reason = "a simulation";
    return std::make_unique<simulation::model_backend>(*simulation::installed);
}

}  // namespace berth::detail
