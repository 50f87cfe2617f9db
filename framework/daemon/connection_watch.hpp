// What the daemon's loop does for others: it tells when a connection has something to read, or has ended.
#pragma once

#include <functional>

namespace berth::daemon {

class connection_watch {
public:
    using work = std::function<void()>;
    virtual ~connection_watch() = default;
    /// `ready` runs in every turn in which `fd` has something to read or its other side is gone. Replaces.
    virtual void watch(int fd, work ready) = 0;
    /// `ready` runs once the other side is gone; what it sends is left where it is. Replaces.
    virtual void watch_end(int fd, work ready) = 0;
    virtual void unwatch(int fd) = 0;
};

}  // namespace berth::daemon
