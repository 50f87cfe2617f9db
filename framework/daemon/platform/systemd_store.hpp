// A descriptor_store that is the service manager's (systemd's FDSTORE): it keeps the sockets across a death of the
// daemon and hands them to the next one as it starts it.
//
// The manager answers nothing, so what it has is remembered here, in duplicates; a barrier after each change says
// that it was taken note of. FDPOLL=0, because a bound TCP socket that does not listen polls as hung up, which the
// manager would take for its end. Beyond FileDescriptorStoreMax the manager drops what it gets and only logs it: a
// manager that tells its limit (systemd 254 and later, if it is above 0) is not asked for more. Of another one each
// change ends with one end of a pair (the canary): if the other end hears that it was closed, there is no room, and
// what was just given is taken back. So one place more than is kept must be left there.
#pragma once

#include "descriptor_store.hpp"
#include "platform/passed_descriptors.hpp"

#include <map>
#include <memory>
#include <optional>

namespace berth::daemon {

/// "block-port-role" in the letters that a manager allows. Nothing: not such a name.
std::string name_of(const kept_key& key);
std::optional<kept_key> key_of(std::string_view name);

class systemd_store final : public descriptor_store {
public:
    /// Of the manager that NOTIFY_SOCKET names. What it handed over and is named as one of ours is taken out of
    /// `passed`. nullptr and a failure: there is no manager.
    static std::unique_ptr<systemd_store> open(std::vector<passed_descriptor>& passed, failure& f);

    void put(std::span<const kept_socket> sockets, failure& f) override;
    void fetch(std::vector<kept_socket>& out, failure& f) override;
    void remove(std::span<const kept_key> keys, failure& f) override;
    void remove_block(std::uint64_t block, failure& f) override;
    [[nodiscard]] int handle() const noexcept override { return -1; }
    bool renew(failure& f) override;
    [[nodiscard]] std::string describe() const override;

private:
    systemd_store() = default;
    bool tell(const std::string& words, std::span<const int> descriptors, failure& f);
    void await(failure& f);
    bool put_one(const kept_socket& socket, failure& f);
    void give_up(std::span<const kept_key> fresh, failure& f);
    bool has_room(int grace, failure& f);

    platform::descriptor manager_;
    std::optional<std::size_t> limit_;  // descriptors
    std::map<kept_key, platform::descriptor> kept_;
};

}  // namespace berth::daemon
