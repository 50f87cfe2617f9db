// Holding, parking, renewing, dropping: each a call of the daemon's.
#include "simulation/daemon_ports.hpp"

namespace berth::simulation {
namespace {

using platform::held_sockets;
using platform::native_socket;
using platform::renewal;

failure no_descriptors() { return {errc::too_many_files, "no descriptors are left (RLIMIT_NOFILE)", 0, 0}; }

class machine_block final : public platform::held_block {
public:
    machine_block(machine& m, const machine_ports& from, const platform::hold_request& request)
        : machine_(m), from_(from), request_(request), is_of_(m.running) {}
    ~machine_block() override {
        for (std::uint32_t i = 0; i < held(); ++i) close_all(ports_[i]);
    }

    void hold(std::uint32_t most, failure& f) override {
        f = {};
        for (; most != 0 && held() < request_.block.count && !f; --most) hold_one(f);
    }
    [[nodiscard]] std::uint32_t held() const noexcept override { return static_cast<std::uint32_t>(ports_.size()); }
    bool seal_some(std::uint32_t, failure& f) override {
        f = {};
        const daemon_call call(machine_);
        if (!call.goes()) f = {errc::system_failure, "the check of the ports was refused", 0, 0};
        if (held() != request_.block.count) machine_.complain("ports: seal before all are held");
        is_sealed_ = !f;
        return false;
    }
    error_code open(std::uint32_t, std::uint32_t&) noexcept override { return not_asked("open"); }
    platform::park_result park(std::uint32_t index, bool) noexcept override {
        const daemon_call call(machine_);
        if (!is_sealed_ || ports_[index].session < 0) machine_.complain("ports: park of what has no session socket");
        if (!call.goes() || machine_.chance(from_.unfit)) return {.discarded = 1, .condemned = true};
        return {};
    }
    void lose(std::uint32_t) noexcept override { not_asked("lose"); }
    [[nodiscard]] native_socket session(std::uint32_t index) const noexcept override { return ports_[index].session; }
    [[nodiscard]] held_sockets sockets(std::uint32_t index) const noexcept override { return ports_[index]; }
    [[nodiscard]] std::uint64_t cookie(std::uint32_t) const noexcept override { return 0; }
    native_socket duplicate(std::uint32_t, error_code& ec) noexcept override {
        ec = not_asked("duplicate");
        return -1;
    }
    void hand_over(std::uint32_t, native_socket, failure& f) override { f.code = not_asked("hand_over"); }
    void find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t>,
                    std::vector<platform::named_by>& names) override {
        names.assign(indices.size(), platform::named_by::descriptor);
    }
    // Whoever else has the old one keeps it bound.
    renewal renew(std::uint32_t index) noexcept override {
        const daemon_call call(machine_);
        auto& port = ports_[index];
        if (!call.goes()) return renewal::failed;
        if (port.session >= 0) {
            if (machine_.at(static_cast<int>(port.session)).use_count() > 2) return renewal::still_named;
            machine_.close(static_cast<int>(port.session));
            port.session = -1;
        }
        if (has_session(key_of(index))) return renewal::failed;
        port.session = machine_.open(machine_.bind(key_of(index), false));
        return port.session < 0 ? renewal::failed : renewal::renewed;
    }
    using held_block::has_session;
    std::uint32_t heard(std::uint32_t) noexcept override { return 0; }
    void drop(std::uint32_t index) noexcept override { close_all(ports_[index]); }
    void abandon() noexcept override { not_asked("abandon"); }
    [[nodiscard]] std::uint32_t bytes_per_port() const noexcept override { return sizeof(held_sockets); }

private:
    [[nodiscard]] bool is_tcp() const { return request_.kind != platform::port_kind::udp; }
    [[nodiscard]] port_key key_of(std::uint32_t index) const {
        return {is_tcp(), static_cast<std::uint16_t>(request_.block.first + index)};
    }
    [[nodiscard]] bool has_session(port_key port) const {
        for (const auto* s : machine_.sockets_of(port)) {
            if (!s->is_holder) return true;
        }
        return false;
    }
    error_code not_asked(const char* verb) noexcept {
        machine_.complain(std::string("ports: the daemon calls ") + verb);
        return errc::operation_not_supported;
    }
    void close_all(held_sockets& port) noexcept {
        if (machine_.running != is_of_) return machine_.complain("ports: a block outlives its process");
        for (auto* fd : {&port.session, &port.holder, &port.other_holder}) {
            if (*fd >= 0) machine_.close(static_cast<int>(*fd));
            *fd = -1;
        }
    }
    void keep(native_socket inherited, native_socket& own) {
        if (inherited >= 0) own = machine_.duplicate(static_cast<int>(inherited));
    }
    void hold_one(failure& f) {
        const std::uint32_t index = held();
        const auto key = key_of(index);
        const daemon_call call(machine_);
        const auto was = index < request_.inherited.size() ? request_.inherited[index] : held_sockets{};
        held_sockets port;
        port.is_out = was.is_out;
        keep(was.holder, port.holder);
        keep(was.session, port.session);
        keep(was.other_holder, port.other_holder);
        const bool is_short = (was.holder >= 0 && port.holder < 0) || (was.session >= 0 && port.session < 0);
        const bool is_strangers = machine_.strangers.contains(key);
        const bool is_ours = was.holder >= 0 || machine_.sockets_of(key).empty();
        if (!call.goes() || is_short) {
            f = no_descriptors();
        } else if (is_strangers || !is_ours || (was.session < 0 && has_session(key))) {
            f = {errc::block_unavailable, "port " + std::to_string(key.second) + " is in use", 1, key.second};
        } else {
            if (port.holder < 0) port.holder = machine_.open(machine_.bind(key, true));
            if (port.session < 0) port.session = machine_.open(machine_.bind(key, false));
            if (is_tcp() && port.other_holder < 0) port.other_holder = machine_.open(machine_.bind(key, true));
            if (port.holder < 0 || port.session < 0) f = no_descriptors();
        }
        if (f) return close_all(port);
        ports_.push_back(port);
    }

    machine& machine_;
    const machine_ports& from_;
    const platform::hold_request request_;
    process* const is_of_;
    std::vector<held_sockets> ports_;
    bool is_sealed_ = false;
};

}  // namespace

std::unique_ptr<platform::held_block> machine_ports::prepare(const platform::hold_request& request, failure& f) {
    f = {};
    const daemon_call call(machine_);
    if (!call.goes()) {
        f = no_descriptors();
    } else if (is_without_ipv6 && request.family == address_family::dual) {
        f = {errc::family_mismatch, "this kernel has no IPv6", 0, 0};
    }
    return f ? nullptr : std::make_unique<machine_block>(machine_, *this, request);
}

}  // namespace berth::simulation
