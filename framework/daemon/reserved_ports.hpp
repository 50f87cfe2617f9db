// The system's list of ports that it does not hand out by itself: kept, so that nobody gets one of ours by accident.
//
// Courtesy, not protection: who asks for such a port by number is stopped by the sockets that hold it. So a list that
// cannot be read or written is reported, and nothing else fails by it.
#pragma once

#include "port_list.hpp"

#include <berth/error.hpp>

namespace berth::daemon {

class reserved_ports {
public:
    virtual ~reserved_ports() = default;
    virtual std::optional<port_set> read(failure& f) = 0;
    virtual void write(const port_set& ports, failure& f) = 0;
};

}  // namespace berth::daemon
