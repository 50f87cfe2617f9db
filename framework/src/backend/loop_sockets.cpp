// The sockets and operations of a loop: begun here or handed over, ended one by one, all of them at the end.
#include "backend/loop_parts.hpp"

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
        if (!invoke) return ended.destroy(ended);
        ended.on_result(ended, aborted_result(), false);
    };
    ready.push(op);
}

void loop_parts::destroy_if_done(attachment* socket) noexcept {
    if (!socket->is_quiet || socket->first != nullptr || socket->waiting.load() != 0) return;
    (socket->previous != nullptr ? socket->previous->next : attached) = socket->next;
    if (socket->next != nullptr) socket->next->previous = socket->previous;
    delete socket;
}

void event_loop::start(operation& op) noexcept {
    if (is_here()) {
        parts_->add_work_here(1);
        return parts_->begin(op);
    }
    op.socket->waiting.fetch_add(1);
    op.is_waiting = true;
    op.scratch[0] = reinterpret_cast<std::uintptr_t>(this);
    op.run = [](ready_node& node, bool invoke) {
        auto& waited = static_cast<operation&>(node);
        auto* const socket = waited.socket;
        const bool is_cancelled = !waited.is_waiting;
        auto& loop = *reinterpret_cast<event_loop*>(static_cast<std::uintptr_t>(waited.scratch[0]));
        waited.is_waiting = false;
        socket->waiting.fetch_sub(1);
        if (!invoke) {
            waited.destroy(waited);
        } else {
            loop.parts_->add_work_here(1);
            is_cancelled ? loop.parts_->end_aborted(waited) : loop.parts_->begin(waited);
        }
        loop.parts_->destroy_if_done(socket);
        loop.was_no_handler();
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

attachment* event_loop::attach(std::intptr_t socket, bool is_datagram, bool is_ipv6, error_code& ec) {
    attachment* made = nullptr;
    loop_parts::perform(*this, [&]() noexcept {
        auto fresh = parts_->engine->attach(socket, {is_datagram, is_ipv6}, ec);
        if (!fresh) return;
        made = fresh.release();
        made->native = socket;
        made->next = parts_->attached;
        if (made->next != nullptr) made->next->previous = made;
        parts_->attached = made;
    });
    return made;
}

void event_loop::cancel_all(attachment& socket) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        for (operation* op = socket.first; op != nullptr;) {
            operation* const next = op->next;
            parts_->engine->cancel(*op);
            op = next;
        }
    });
}

void event_loop::detach(attachment* socket) noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        if (socket->is_quiet) return;
        parts_->engine->quiet(*socket);
        socket->is_quiet = true;
        parts_->destroy_if_done(socket);
    });
}

void event_loop::return_buffer(std::uint32_t id) noexcept { parts_->engine->return_buffer(id); }

// Handlers that are destroyed destroy sockets and timers, which come back here: so until nothing is left.
void event_loop::abandon() noexcept {
    loop_parts::perform(*this, [&]() noexcept {
        loop_parts& p = *parts_;
        for (bool found = true; found;) {
            found = false;
            for (attachment* s = p.attached; s != nullptr; s = s->next) {
                if (s->first == nullptr || s->is_quiet) continue;
                p.engine->quiet(*s);
                s->is_quiet = true;
            }
            p.take_inbox();
            while (!p.heap.empty()) p.ready.push(*p.pop_timer());
            while (ready_node* const node = p.ready.pop()) {
                found = true;
                node->run(*node, false);
            }
            for (completion c; p.engine->next(c);) {
                found = true;
                attachment* const socket = c.op->socket;
                if (c.more) continue;
                c.op->destroy(*c.op);
                p.destroy_if_done(socket);
            }
        }
    });
}

}  // namespace berth::detail
