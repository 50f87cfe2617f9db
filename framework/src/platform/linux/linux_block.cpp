// A block's life besides binding and parking: making, lending, letting go; see linux_block.hpp.
#include "platform/linux/linux_block.hpp"

#include "platform/linux/descriptor_scan.hpp"
#include "platform/linux/os_failure.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace berth::platform {

linux_block::linux_block(system_calls& os, const hold_request& request, const linux_methods& methods,
                         std::unique_ptr<park_filter> filter)
    : os_(os), request_(request), methods_(methods), filter_(std::move(filter)) {
    ports_.reserve(indices());
    if (sessions() > 1) {
        not_dropped_ = std::make_unique<std::atomic<std::uint32_t>[]>(request.block.count);
        is_dropped_ = std::make_unique<bool[]>(indices());
    }
    if (methods.splits_holders) other_holders_.resize(request.block.count, -1);
    if (methods.park == park_method::interface_tag) fell_to_holder_.resize(request.block.count);
    if (methods.is_share) ports_.resize(request.block.count);
}

linux_block::~linux_block() {
    for (std::uint32_t i = 0; i < held(); ++i) drop(i);
}

native_socket linux_block::duplicate(std::uint32_t index, error_code& ec) noexcept {
    const int fd = os_.dup_above(ports_[index].session, 0);
    ec = fd < 0 ? code_of(fd) : error_code();
    return fd < 0 ? -1 : fd;
}

// Of several session sockets the last one takes the holder along, whoever drops it.
void linux_block::drop(std::uint32_t index) noexcept {
    auto& port = ports_[index];
    if (not_dropped_ == nullptr) return close_all(index, port);
    if (std::exchange(is_dropped_[index], true)) return;
    if (port.session >= 0) os_.close(port.session);
    port.session = -1;
    const bool is_last = not_dropped_[index / sessions()].fetch_sub(1) == 1;
    if (is_last) os_.close(std::exchange(ports_[index - index % sessions()].holder, -1));
}

// The filter's cells are memory that the parent shares: its destructor would open the parent's ports.
void linux_block::abandon() noexcept {
    for (std::uint32_t i = 0; i < held(); ++i) drop(i);
    static_cast<void>(filter_.release());
}

std::uint32_t linux_block::bytes_per_port() const noexcept {
    return static_cast<std::uint32_t>(sizeof(port_sockets) + (filter_ ? sizeof(std::uint64_t) : 0) +
                                      (other_holders_.empty() ? 0 : sizeof(int)));
}

void linux_block::find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> lent,
                             std::vector<named_by>& names) {
    names.assign(indices.size(), named_by::descriptor);  // what cannot be looked at counts as named
    std::vector<int> own;
    std::vector<std::uint64_t> inodes;
    std::vector<bool> is_known(indices.size(), true);
    for (std::size_t i = 0; i < indices.size(); ++i) {
        struct stat status {};
        const int session = ports_[indices[i]].session;
        const int r = session >= 0 ? os_.fstat(session, status) : 0;
        if (r < 0) status.st_ino = 0;
        is_known[i] = r >= 0 || r == -EBADF;  // closed by its worker: then nothing of ours names it
        inodes.push_back(status.st_ino);
    }
    std::vector<bool> is_lent(ports_.size());
    for (const auto index : lent) is_lent[index] = true;
    own.reserve(ports_.size() * 2);  // a port's first alone has a holder
    for (std::size_t i = 0; i < ports_.size(); ++i) {  // not to be looked at: they may be most of the process's
        if (ports_[i].session >= 0 && !is_lent[i]) own.push_back(ports_[i].session);
        if (ports_[i].holder >= 0) own.push_back(ports_[i].holder);
    }
    own.insert(own.end(), other_holders_.begin(), other_holders_.end());
    std::sort(own.begin(), own.end());
    std::vector<named_by> found;
    if (scan_descriptors(os_, own, inodes, found) < 0) return;
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (is_known[i]) names[i] = found[i];
    }
}

}  // namespace berth::platform
