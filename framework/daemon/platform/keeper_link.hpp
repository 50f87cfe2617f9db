// A descriptor_store that is a process of berth's own: the daemon's end of the connection to it, and its start.
//
// Invariant: one connection at a time, every request answered before the next. A keeper that is there is used as it
// is, whoever started it; one is started only if nobody answers at the socket.
#pragma once

#include "descriptor_store.hpp"
#include "keeper_message.hpp"
#include "platform/linux/local_socket.hpp"

#include <memory>

namespace berth::daemon {

struct keeper_place {
    std::string socket_path;  // in a directory that is the daemon's alone
    std::string program;      // berth_keeper
};

class keeper_link final : public descriptor_store {
public:
    /// nullptr and a failure: there is no keeper, and none could be started.
    static std::unique_ptr<keeper_link> open(const keeper_place& place, failure& f);
    /// Ends a keeper that is there; everything it holds is closed. False: there is none.
    static bool end(const std::string& socket_path, failure& f);

    void put(std::span<const kept_socket> sockets, failure& f) override;
    void fetch(std::vector<kept_socket>& out, failure& f) override;
    void remove(std::span<const kept_key> keys, failure& f) override;
    void remove_block(std::uint64_t block, failure& f) override;
    [[nodiscard]] int handle() const noexcept override { return connection_.get(); }
    bool renew(failure& f) override;
    [[nodiscard]] std::string describe() const override;

private:
    explicit keeper_link(keeper_place place) : place_(std::move(place)) {}
    int connect();
    void start(failure& f);
    bool ask(const keeper_message& request, std::span<const int> descriptors, keeper_message& answer,
             std::vector<platform::descriptor>& received, failure& f);
    void tell(const keeper_message& request, std::span<const int> descriptors, failure& f);

    keeper_place place_;
    platform::descriptor connection_;
    int process_ = 0;
};

}  // namespace berth::daemon
