// What a service manager hands to the program that it starts: descriptors with names (LISTEN_FDS).
//
// Two kinds are ours: the sockets that it kept for the daemon before (systemd_store), and the socket to answer at
// (socket activation), which stays the manager's: who connects while no daemon runs waits for the next one.
#pragma once

#include "platform/linux/local_socket.hpp"

#include <string>
#include <vector>

namespace berth::daemon {

struct passed_descriptor {
    std::string name;
    platform::descriptor fd;
};

/// Once: the variables go, so that no child takes them for its own. Empty: there are none for this process.
std::vector<passed_descriptor> take_passed_descriptors();

/// Whether it is a socket of the local kind that this daemon answers at, listening; its path, if it has one.
bool is_door(int fd, std::string& path);

}  // namespace berth::daemon
