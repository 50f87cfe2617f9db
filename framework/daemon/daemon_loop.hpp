// The daemon between its start and its end: turns, in which the service and the door have their say.
//
// One thread. The keeper's handle is watched as long as it is the same one. What runs here is all that a daemon does
// after its start, so a simulation that takes these turns does what berthd does.
#pragma once

#include "block_service.hpp"
#include "platform/message_server.hpp"

#include <chrono>

namespace berth::daemon {

class daemon_loop {
public:
    /// All of these outlive it.
    daemon_loop(block_service& service, descriptor_store& keeper, message_server& server)
        : service_(service), keeper_(keeper), server_(server) {}

    /// Pre: the service has started, and the server listens.
    void begin();
    /// Sleeps until there is something to do, and does a piece of it. Pre: !service.must_end().
    void turn();

private:
    void watch_keeper();
    template <class Work>
    void with_keeper_unwatched(Work work);
    std::optional<detail::service_answer> answer(const detail::service_request& request,
                                                 platform::descriptor& connection);

    block_service& service_;
    descriptor_store& keeper_;
    message_server& server_;
    int watched_keeper_ = -1;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point looked_ = began_;
};

}  // namespace berth::daemon
