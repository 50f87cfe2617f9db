// See acquiring_sockets.hpp.
#include "acquiring_sockets.hpp"

#include "per_process.hpp"
#include "platform/quiet_thread.hpp"
#include "reservation_core.hpp"

#include <chrono>
#include <new>
#include <system_error>
#include <thread>

namespace berth::detail {

acquiring_sockets& acquiring_sockets::instance() {
    return per_process<acquiring_sockets>().object;  // a child has none of its parent's threads either
}

void acquiring_sockets::watch(platform::native_socket socket, std::shared_ptr<reservation_core> core) {
    const std::uint64_t inode = core->provider().inode_of(socket);
    if (inode == 0) throw std::system_error(std::make_error_code(std::errc::io_error), "the socket's inode");
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::move(core), inode, socket, -1, 0});
    if (running_) return;
    try {
        platform::start_quiet_thread([] { instance().run(); });
    } catch (...) {
        entries_.pop_back();
        throw;
    }
    running_ = true;
}

void acquiring_sockets::forget(const reservation_core& core) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_, [&](const entry& e) { return e.core.get() == &core; });
}

void acquiring_sockets::about_to_replace(std::uint64_t inode) noexcept {
    const std::lock_guard lock(mutex_);
    for (auto& e : entries_) e.being_replaced += e.inode == inode ? 1 : 0;
}

void acquiring_sockets::kept(std::uint64_t inode) noexcept {
    const std::lock_guard lock(mutex_);
    for (auto& e : entries_) e.being_replaced -= e.inode == inode ? 1 : 0;
}

void acquiring_sockets::replaced(platform::native_socket socket, std::uint64_t old_inode,
                                 platform::native_socket session) noexcept {
    const std::lock_guard lock(mutex_);
    for (auto& e : entries_) {
        if (e.inode != old_inode) continue;
        e.inode = e.core->provider().inode_of(session);
        e.hint = socket;
        e.own = session;
        e.being_replaced = 0;
    }
}

void acquiring_sockets::look(const reservation_core* only) noexcept {
    std::vector<std::shared_ptr<reservation_core>> ended;
    {
        const std::lock_guard lock(mutex_);
        try {
            ended.reserve(entries_.size());
        } catch (const std::bad_alloc&) {
            return;  // the next look is soon
        }
        std::erase_if(entries_, [&](entry& e) {
            if ((only != nullptr && e.core.get() != only) || e.being_replaced != 0) return false;
            if (e.core->provider().is_named(e.inode, e.hint, e.own)) return false;
            ended.push_back(std::move(e.core));
            return true;
        });
    }
    for (const auto& core : ended) {
        failure ignored;  // released meanwhile: just as well
        core->release(ignored, if_taken::detach);
    }
}

void acquiring_sockets::run() noexcept {
    for (;;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        look();
        const std::lock_guard lock(mutex_);
        if (entries_.empty()) {
            running_ = false;
            return;
        }
    }
}

}  // namespace berth::detail
