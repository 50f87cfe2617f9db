// The simulated kernel's tables; the block is in simulated_block.cpp.
#include "support/simulated_provider.hpp"

#include "support/simulated_block.hpp"

#include <algorithm>

namespace berth::test {

void simulated_provider::occupy(bool tcp, std::uint16_t port, bool unseen) {
    const std::lock_guard lock(mutex_);
    strangers_[{tcp, port}] = !unseen;
}

void simulated_provider::vacate(bool tcp, std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    strangers_.erase({tcp, port});
}

std::uint32_t simulated_provider::end_waits() {
    std::vector<simulated_block*> waited;
    {
        const std::lock_guard lock(mutex_);
        waited.swap(waiting_);
    }
    for (auto* const block : waited) block->end_wait();
    return static_cast<std::uint32_t>(waited.size());
}

simulated_port& simulated_provider::port(bool tcp, std::uint16_t number, std::uint32_t session) {
    const std::lock_guard lock(mutex_);
    auto& p = ports_[{{tcp, number}, session}];
    if (!p) p = std::make_unique<simulated_port>();
    return *p;
}

native_socket simulated_provider::make_socket(bool tcp) {
    const std::lock_guard lock(mutex_);
    if (open_.size() >= most_sockets_) return -1;
    return add({.tcp = tcp, .port = 0, .inode = next_inode_++});
}

void simulated_provider::deliver(bool tcp, std::uint16_t number) {
    auto& p = port(tcp, number);
    ++(p.audible ? p.queued : p.heard);
}

std::uint32_t simulated_provider::holders() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(holders_.size());
}

std::uint32_t simulated_provider::sockets() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(open_.size());
}

bool simulated_provider::is_free(bool tcp, std::uint16_t number) const {
    const std::lock_guard lock(mutex_);
    return holders_.count({tcp, number}) == 0 && !taken_by_others({tcp, number});
}

std::uint32_t simulated_provider::queued(native_socket socket) const {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(socket);
    if (at == open_.end() || at->second.port == 0) return 0;
    return ports_.at({{at->second.tcp, at->second.port}, 0})->queued;
}

std::uint16_t simulated_provider::bound_port_of(native_socket socket) const {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(socket);
    return at == open_.end() ? std::uint16_t{0} : at->second.port;
}

bool simulated_provider::has_complaints() const {
    const std::lock_guard lock(mutex_);
    return !complaints_.empty();
}

std::vector<std::string> simulated_provider::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

void simulated_provider::complain(std::string what) noexcept {
    const std::lock_guard lock(mutex_);
    complaints_.push_back(std::move(what));
}

bool simulated_provider::step_fails(simulated_faults::at where, failure& f, std::uint32_t count, std::uint16_t port) {
    if (const errc code = strikes(where, port); code != errc{}) {
        f = {code, "chance struck", count, port};
        return true;
    }
    if (steps_++ != fail_at_) return false;
    f = {fail_code_, "step " + std::to_string(fail_at_) + " was told to fail", count, port};
    return true;
}

bool simulated_provider::taken_by_others(key n) const {
    if (strangers_.count(n) != 0) return true;
    return std::any_of(open_.begin(), open_.end(), [&](const auto& entry) {
        return entry.second.port == n.second && entry.second.tcp == n.first;
    });
}

native_socket simulated_provider::add(description d) {
    native_socket number = next_;
    if (reuses_numbers_) {
        for (const auto& entry : open_) {
            if (entry.first != number) break;
            ++number;
        }
    } else {
        ++next_;
    }
    open_[number] = d;
    return number;
}

bool simulated_provider::names(native_socket socket, std::uint64_t inode) const {
    const auto at = open_.find(socket);
    return at != open_.end() && at->second.inode == inode;
}

void simulated_provider::close_if_names(native_socket socket, std::uint64_t inode) {
    const std::lock_guard lock(mutex_);
    if (names(socket, inode)) open_.erase(socket);
}

std::uint32_t simulated_provider::names_of(std::uint64_t inode, native_socket except) const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint32_t>(std::count_if(open_.begin(), open_.end(), [&](const auto& entry) {
        return entry.second.inode == inode && entry.first != except;
    }));
}

capabilities simulated_provider::facts(parking) {
    capabilities c;
    c.provider = "simulated";
    c.can_reserve = c.check_sees_bound_sockets = true;
    c.descriptor_limit = 1 << 20;
    return c;
}

std::unique_ptr<platform::held_block> simulated_provider::prepare(const platform::hold_request& request, failure& f) {
    f = {};
    if (step_fails(simulated_faults::at::prepare, f, request.block.count)) return nullptr;
    return std::make_unique<simulated_block>(*this, request);
}

std::unique_ptr<platform::port_survey> simulated_provider::begin_survey(platform::port_kind kind) {
    struct survey final : platform::port_survey {
        survey(simulated_provider& k, bool t) : kernel(k), tcp(t) {}
        bool look(platform::port_map& out) override { return kernel.mark_used(tcp, out), false; }
        simulated_provider& kernel;
        const bool tcp;
    };
    return std::make_unique<survey>(*this, kind != platform::port_kind::udp);
}

void simulated_provider::mark_used(bool tcp, platform::port_map& out) {
    const std::lock_guard lock(mutex_);
    for (std::size_t p = 0; p < 1024; ++p) out.avoid[p] = true;
    for (const auto& [n, seen] : strangers_) {
        if (seen && n.first == tcp) out.used[n.second] = true;
    }
    for (const auto& n : holders_) {
        if (n.first == tcp) out.used[n.second] = true;
    }
}

error_code simulated_provider::inspect(native_socket socket, platform::socket_facts& out) noexcept {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(socket);
    if (at == open_.end()) return errc::not_a_socket;
    out = {};
    out.is_tcp = at->second.tcp, out.is_ipv6 = true, out.is_bound = at->second.port != 0;
    out.cookie = at->second.inode, out.network = 1;
    return {};
}

std::uint64_t simulated_provider::inode_of(native_socket socket) noexcept {
    const std::lock_guard lock(mutex_);
    const auto at = open_.find(socket);
    return at == open_.end() ? 0 : at->second.inode;
}

bool simulated_provider::is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto& [socket, d] : open_) {
        if (d.inode != inode || socket == not_counted) continue;
        hint = socket;
        return true;
    }
    return false;
}

void simulated_provider::find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) {
    named.clear();
    for (const auto inode : inodes) named.push_back(names_of(inode, -1) != 0);
}

error_code simulated_provider::close(native_socket socket) noexcept {
    const std::lock_guard lock(mutex_);
    return open_.erase(socket) != 0 ? error_code() : error_code(errc::not_a_socket);
}

}  // namespace berth::test
