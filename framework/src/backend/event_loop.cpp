// The turns of a loop; see include/berth/detail/event_loop.hpp.
//
// A turn runs one handler: a ready node or a result of the backend, in turns, so that neither starves the other. Only
// when there is neither, the loop looks at its inbox, its timers and the clock, and sleeps.
#include <berth/detail/event_loop.hpp>

#include "backend/loop_parts.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace berth::detail {
namespace {

constexpr unsigned handlers_per_look = 64;
constexpr std::chrono::milliseconds inspection_every{500}, hurried{2};

}  // namespace

event_loop::event_loop(std::unique_ptr<loop_parts> parts) noexcept : parts_(std::move(parts)) {}

event_loop::~event_loop() {
    abandon();
    parts_->wait_for_visitors();
    while (attachment* const left = parts_->engine->attached()) delete left;  // of sockets that nobody will destroy
}

std::unique_ptr<event_loop> event_loop::make(const loop_options& options, failure& f) {
    f = {};
    auto parts = std::make_unique<loop_parts>();
    parts->spin = options.spin;
    parts->buffer_size = options.buffer_size;
    parts->engine = make_backend(options, parts->reason);
    if (!parts->engine) {
        f = {errc::operation_not_supported, parts->reason, 0, 0};
        return nullptr;
    }
    std::unique_ptr<event_loop> made(new event_loop(std::move(parts)));
    made->parts_->engine->loop = made.get();
    return made;
}

const void* event_loop::this_thread_mark() noexcept {
    thread_local const char mark = 0;
    return &mark;
}

std::size_t event_loop::run(clock::time_point until, std::size_t most, error_code& ec) {
    ec = {};
    const loop_parts::ownership mine(*this, loop_parts::purpose::run);
    if (!mine) {
        ec = std::make_error_code(std::errc::operation_not_permitted);
        return 0;
    }
    const loop_parts::sleep_elsewhere afterwards(*this, mine.is_new());
    if (mine.is_new()) parts_->sleeping.store(false);  // in somebody else's loop: nobody need wake who is here
    std::size_t done = 0;
    while (done < most && parts_->turn(*this, until)) ++done;
    parts_->has_more = done == most;
    return done;
}

std::intptr_t event_loop::wait_handle(error_code& ec) noexcept {
    std::intptr_t handle = -1;
    loop_parts::perform(*this, [&]() noexcept {
        handle = parts_->engine->wait_handle(ec);
        if (!ec) parts_->is_embedded = true;
    });
    return handle;
}

event_loop::clock::time_point event_loop::next_due() const noexcept {
    return clock::time_point(clock::duration(parts_->next_due.load()));
}

void loop_parts::show_due() noexcept {
    next_due = (heap.empty() ? clock::time_point::max() : heap.front()->due).time_since_epoch().count();
}

// As before a sleep: from here on whoever posts wakes the engine, and with it the other loop.
void loop_parts::fall_asleep(bool is_stopped) noexcept {
    show_due();
    sleeping.store(true);
    const bool has_something = inbox.load() != nullptr || has_requests.load();
    if (has_something || (!is_stopped && (has_more || work() == 0))) wake_if_asleep();
}

bool loop_parts::turn(event_loop& loop, clock::time_point until) {
    bool looked = false;
    is_inspected = false;
    for (;;) {
        if (loop.stopped()) return false;
        if (++handlers_since_look >= handlers_per_look) {
            end_turn();
            engine->look();
            look_around();
        }
        results_first = !results_first;
        if (results_first && run_result()) return true;
        if (run_ready()) return true;
        if (!results_first && run_result()) return true;
        if (look_around() || end_turn()) continue;
        if (guest != nullptr && guest->is_busy && guest->serve(*guest)) return true;
        if (work() == 0) {
            if (is_embedded.load()) engine->look();  // or its handle stays readable for nothing
            loop.stop();
            return false;
        }
        const auto now = clock::now();
        const bool is_late = until <= now;
        if (is_late && looked) return false;
        const auto inspected_until = inspect_guest(now);
        if (is_late || spin) {
            engine->look();
            looked = true;
            continue;
        }
        const auto due = std::min(heap.empty() ? clock::time_point::max() : heap.front()->due, inspected_until);
        sleeping.store(true);
        if (inbox.load() == nullptr && !has_requests.load() && !loop.stopped() && work() != 0) {
            engine->wait(std::min(due, until));
        }
        sleeping.store(false, std::memory_order_relaxed);
    }
}

// Asking for it costs more than a turn: so a busy loop does it now and then, and an idle one once before it sleeps on.
// A loop that slept a moment ago is busy; that its sleep has an end would cost it a timer of the kernel's each time.
event_loop::clock::time_point loop_parts::inspect_guest(clock::time_point now) {
    const bool is_hurried = now - std::exchange(last_slow_turn, now) < hurried;
    if (guest == nullptr || (is_inspected && !guest->is_busy)) return clock::time_point::max();
    if (now >= next_inspection) {
        next_inspection = now + inspection_every;
        is_inspected = true;
        guest->inspect(*guest);
        if (!guest->is_busy) return clock::time_point::max();
    }
    return is_hurried && !guest->is_busy ? clock::time_point::max() : next_inspection;
}

bool loop_parts::run_ready() {
    ready_node* const node = ready.pop();
    if (node == nullptr) return false;
    const counted_down work_done(*this);
    node->run(*node, true);
    return std::exchange(ran_handler, true);
}

bool loop_parts::run_result() {
    completion c;
    if (!engine->next(c)) return false;
    attachment* const socket = c.op->socket;
    if (c.more) {
        c.op->kind->on_result(*c.op, c);
        return true;
    }
    const counted_down work_done(*this);
    if (c.op->many && socket->is_quiet) c.op->socket = nullptr;
    destroy_if_done(socket);
    c.op->kind->on_result(*c.op, c);
    return true;
}

bool loop_parts::look_around() noexcept {
    handlers_since_look = 0;
    take_inbox();
    serve_requests();
    if (!heap.empty()) {
        const auto now = clock::now();
        while (!heap.empty() && heap.front()->due <= now) ready.push(*pop_timer());
    }
    return !ready.empty();
}

void loop_parts::take_inbox() noexcept {
    ready_node* taken = inbox.exchange(nullptr, std::memory_order_acquire);
    ready_node* in_order = nullptr;
    while (taken != nullptr) {
        ready_node* const next = std::exchange(taken->next_ready, in_order);
        in_order = std::exchange(taken, next);
    }
    while (in_order != nullptr) ready.push(*std::exchange(in_order, in_order->next_ready));
}

void loop_parts::wake_if_asleep() noexcept {
    if (sleeping.load() && sleeping.exchange(false)) engine->wake();
}

void event_loop::look_soon() noexcept {
    if (is_here()) parts_->handlers_since_look = handlers_per_look;
}

void event_loop::stop() noexcept {
    const loop_parts::visit here(*parts_);
    stopped_.store(true);
    parts_->wake_if_asleep();
}

void event_loop::add_work(std::int64_t n) noexcept {
    auto& count = is_here() ? parts_->work_here : parts_->work_elsewhere;
    if (&count == &parts_->work_here) {
        count.store(count.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    } else {
        count.fetch_add(n);
    }
}

void event_loop::work_finished() noexcept {
    if (is_here()) return add_work(-1);
    const loop_parts::visit here(*parts_);
    add_work(-1);
    parts_->wake_if_asleep();
}

void event_loop::post(ready_node& node) noexcept {
    if (is_here()) {
        add_work(1);
        return parts_->ready.push(node);
    }
    const loop_parts::visit here(*parts_);
    add_work(1);
    node.next_ready = parts_->inbox.load(std::memory_order_relaxed);
    while (!parts_->inbox.compare_exchange_weak(node.next_ready, &node)) {
    }
    parts_->wake_if_asleep();
}

std::uint32_t event_loop::lent_buffer_size() const noexcept { return parts_->buffer_size; }
void event_loop::was_no_handler() noexcept { parts_->ran_handler = false; }
void event_loop::set_guest(loop_guest& guest) noexcept { parts_->guest = &guest; }

std::string_view event_loop::backend_name() const noexcept { return parts_->engine->facts().name; }
const std::string& event_loop::backend_reason() const noexcept { return parts_->reason; }

}  // namespace berth::detail
