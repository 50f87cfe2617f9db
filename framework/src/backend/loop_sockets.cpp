// The sockets and operations of a loop: begun here or handed over, ended one by one, all of them at the end.
#include "backend/loop_parts.hpp"

#include <memory>
#include <new>

namespace berth::detail {

void loop_parts::begin(operation& op) noexcept {
    if (op.socket->is_quiet) return end_aborted(op);
    engine->start(op);
}

// As if the backend had ended it: later, from a turn of the loop.
void loop_parts::end_aborted(operation& op) noexcept {
    op.run = [](ready_node& node, bool invoke) {
        auto& ended = static_cast<operation&>(node);
        if (!invoke) return ended.kind->destroy(ended);
        ended.kind->on_result(ended, {.op = &ended, .result = aborted_result()});
    };
    ready.push(op);
}

void loop_parts::destroy_if_done(attachment* socket) noexcept {
    if (!socket->is_released || socket->first != nullptr || socket->waiting.load() != 0) return;
    delete socket;
}

void event_loop::start(operation& op) noexcept {
    if (is_here()) {
        parts_->add_work_here(1);
        return parts_->begin(op);
    }
    op.socket->waiting.fetch_add(1);
    op.is_waiting = true;
    op.number = op.socket->cancels.load();
    op.run = [](ready_node& node, bool invoke) {
        auto& waited = static_cast<operation&>(node);
        auto* const socket = waited.socket;
        const bool is_cancelled = !waited.is_waiting || waited.number != socket->cancels.load();
        event_loop& loop = *socket->home->loop;
        waited.is_waiting = false;
        socket->waiting.fetch_sub(1);
        if (invoke) {
            loop.parts_->add_work_here(1);
            is_cancelled ? loop.parts_->end_aborted(waited) : loop.parts_->begin(waited);
        }
        loop.parts_->destroy_if_done(socket);
        loop.was_no_handler();
        if (!invoke) waited.kind->destroy(waited);  // its handler may be the last to know the socket
    };
    post(op);
}

void event_loop::end_later(operation& op, int result) noexcept {
    op.outcome = result;
    op.run = [](ready_node& node, bool invoke) {
        auto& ended = static_cast<operation&>(node);
        if (!invoke) return ended.kind->destroy(ended);
        ended.kind->on_result(ended, {.op = &ended, .result = ended.outcome});
    };
    post(op);
}

void event_loop::cancel(operation& op) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        if (op.is_waiting) {
            op.is_waiting = false;
        } else {
            parts_->engine->cancel(op);
        }
    });
}

attachment* event_loop::attach(std::intptr_t socket, bool is_datagram, bool is_ipv6, error_code& ec,
                               bool is_fresh) {
    attachment* made = nullptr;
    loop_parts::perform(*this, [&]() noexcept {
        made = parts_->engine->attach(socket, {is_datagram, is_ipv6, is_fresh}, ec).release();
    });
    return made;
}

void event_loop::cancel_all(attachment& socket) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        socket.cancels.fetch_add(1);  // those on their way see it
        for (operation* op = socket.first; op != nullptr;) {
            operation* const next = op->next;
            parts_->engine->cancel(*op);
            op = next;
        }
    });
}

void event_loop::detach(attachment* socket) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        if (!socket->is_quiet) parts_->engine->quiet(*socket);
        socket->is_quiet = socket->is_released = true;
        parts_->destroy_if_done(socket);
    });
}

void event_loop::hold(attachment& socket) noexcept { socket.waiting.fetch_add(1); }

void event_loop::let_go(attachment& socket) noexcept {
    socket.waiting.fetch_sub(1);
    parts_->destroy_if_done(&socket);
}

namespace {

struct buffer_on_its_way : ready_node {
    loop_parts* home;
    std::uint32_t id;
};

}  // namespace

// Every buffer has room behind the first of its bytes, be there as few as there may.
void event_loop::return_buffer(std::uint32_t id, void* data) noexcept {
    if (is_here()) return parts_->engine->return_buffer(id);
    static_assert(2 * sizeof(buffer_on_its_way) <= room_to_return);
    std::size_t room = room_to_return;
    void* const place = std::align(alignof(buffer_on_its_way), sizeof(buffer_on_its_way), data, room);
    auto& node = *new (place) buffer_on_its_way;
    node.home = parts_.get();
    node.id = id;
    node.run = [](ready_node& n, bool) {
        const auto& back = static_cast<buffer_on_its_way&>(n);
        back.home->ran_handler = false;
        back.home->engine->return_buffer(back.id);
    };
    post(node);
}

void event_loop::post_last(ready_node& node) noexcept {
    parts_->add_work_here(1);
    parts_->at_turn_end.push(node);
}

// Handlers that are destroyed destroy sockets and timers, which come back here: so until nothing is left. A socket
// that was made quiet here stays known until its owner lets it go, which may be the handler of another socket.
void event_loop::abandon() noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        loop_parts& p = *parts_;
        for (bool found = true; found;) {
            found = false;
            for (attachment* s = p.engine->attached(); s != nullptr; s = s->next) {
                if (s->first == nullptr || s->is_quiet) continue;
                p.engine->quiet(*s);
                s->is_quiet = true;
            }
            p.take_inbox();
            while (!p.heap.empty()) p.ready.push(*p.pop_timer());
            p.ready.splice(p.at_turn_end);
            while (ready_node* const node = p.ready.pop()) {
                found = true;
                node->run(*node, false);
            }
            for (completion c; p.engine->next(c);) {
                found = true;
                attachment* const socket = c.op->socket;
                if (c.more) continue;
                p.destroy_if_done(socket);
                c.op->kind->destroy(*c.op);
            }
        }
    });
}

}  // namespace berth::detail
