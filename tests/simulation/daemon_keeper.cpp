// Messages of a few keys each: a death or a failure comes between any two.
#include "simulation/daemon_keeper.hpp"

namespace berth::simulation {

using daemon::kept_key;
using daemon::kept_socket;

namespace {

constexpr std::size_t keys_a_message = 7;

}  // namespace

keeper_seen::keeper_seen(machine& m, keeping& there) : machine_(m), there_(there) { connect(); }
keeper_seen::~keeper_seen() { disconnect(); }

bool keeper_seen::connect() {
    if (there_.is_manager) return true;
    const daemon_call call(machine_);
    if (!call.goes()) return false;
    auto [own, keepers] = machine_.connect();
    handle_ = machine_.open(own);
    there_.end = handle_ < 0 ? nullptr : keepers;
    return handle_ >= 0;
}

void keeper_seen::disconnect() {
    if (handle_ >= 0) machine_.close(handle_);
    handle_ = -1;
    if (!machine_.running->is_dead) there_.end.reset();
}

// Of one message: false, and why.
bool keeper_seen::asks(failure& f) {
    const daemon_call call(machine_);
    const auto end = there_.is_manager ? nullptr : machine_.at_as<connection_end>(handle_);
    const bool is_gone = !there_.is_manager && (end == nullptr || end->other == nullptr);
    if (call.goes() && !is_gone) return true;
    if (!is_gone && !call.is_dead() && machine_.chance(300)) {
        f = {errc::too_many_files, "the keeper cannot hold more", 0, 0};
        return false;
    }
    f = {errc::system_failure, "the keeper does not answer as it should", 0, 0};
    if (!there_.is_manager) disconnect();
    return false;
}

void keeper_seen::put(std::span<const kept_socket> sockets, failure& f) {
    f = {};
    while (!sockets.empty()) {
        const auto some = sockets.first(std::min(sockets.size(), keys_a_message));
        std::vector<thing_ref> sent;
        for (const auto& socket : some) sent.push_back(machine_.at(socket.fd));
        if (!asks(f)) return;
        const auto fits = [&](std::size_t more) { return there_.kept.size() + more <= there_.most; };
        bool is_full = !there_.is_manager && !fits(some.size());  // a process takes all of a message, or none
        for (std::size_t i = 0; i < some.size() && !is_full; ++i) {
            if (sent[i] == nullptr) return machine_.complain("keeper: a descriptor that is not open is put there");
            is_full = there_.is_manager && !there_.kept.contains(some[i].key) && !fits(1);
            if (!is_full) there_.kept[some[i].key] = sent[i];
        }
        if (is_full) {
            f = {errc::too_many_files, "the keeper cannot hold more", 0, 0};
            return;
        }
        sockets = sockets.subspan(some.size());
    }
}

void keeper_seen::fetch(std::vector<kept_socket>& out, failure& f) {
    f = {};
    std::size_t n = 0;
    for (const auto& [key, what] : there_.kept) {
        if (n++ % keys_a_message == 0 && !asks(f)) return;
        const int fd = machine_.open(what);
        if (fd < 0) {
            f = {errc::too_many_files, "the keeper gave more descriptors than this process may have", 0, 0};
            return;
        }
        out.push_back({key, fd});
    }
    if (n == 0) asks(f);
}

void keeper_seen::remove(std::span<const kept_key> keys, failure& f) {
    f = {};
    if (!asks(f)) return;
    for (const auto& key : keys) there_.kept.erase(key);
}

void keeper_seen::remove_block(std::uint64_t block, failure& f) {
    f = {};
    if (!asks(f)) return;
    std::erase_if(there_.kept, [&](const auto& k) { return k.first.block == block; });
}

bool keeper_seen::renew(failure& f) {
    f = {};
    if (there_.is_manager) return false;
    const auto end = machine_.at_as<connection_end>(handle_);
    if (end && end->other != nullptr) return false;
    disconnect();
    if (!connect()) f = {errc::system_failure, "no keeper answers", 0, 0};
    return true;
}

std::optional<daemon::port_set> simulated_list::read(failure& f) {
    const daemon_call call(machine_);
    if (call.goes() && !cannot_be_read) return listed;
    was_refused = ever_refused = true;
    f = {errc::permission_denied, "the list cannot be read", 0, 0};
    return std::nullopt;
}

void simulated_list::write(const daemon::port_set& ports, failure& f) {
    const daemon_call call(machine_);
    if (call.goes() && !cannot_be_written) {
        listed = ports;
        return;
    }
    was_refused = ever_refused = true;
    f = {errc::permission_denied, "the list cannot be written", 0, 0};
}

}  // namespace berth::simulation
