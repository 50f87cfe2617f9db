// What is remembered of sockets by their descriptor: which have no overlapped attribute, and what they acquired.
//
// By number and not by inode, since bind puts another socket under the same number. A number that was closed by
// close(2) is forgotten when the next socket is made under it here.
#pragma once

#include <berth/reservation_token.hpp>

#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace berth::compat {

class open_sockets {
public:
    static open_sockets& instance();

    void made(int fd, bool is_overlapped);
    [[nodiscard]] bool is_overlapped(int fd);
    void has_ipv4_face(int fd, bool it_has);
    [[nodiscard]] bool has_ipv4_face(int fd);
    [[nodiscard]] bool is_acquiring(int fd);
    void acquired(int fd, reservation_token token);
    [[nodiscard]] bool has_acquired(reservation_token token);  // and not released since
    void released(reservation_token token);
    /// Forgets the number; the reservations that it acquired.
    std::vector<reservation_token> closed(int fd);

    void lock() { mutex_.lock(); }  // around a fork
    void unlock() { mutex_.unlock(); }

private:
    std::mutex mutex_;
    std::set<int> not_overlapped_;
    std::set<int> ipv4_faces_;
    std::multimap<int, std::uint64_t> acquired_;
};

/// The descriptor of a SOCKET, or -1 if it is no socket.
[[nodiscard]] int descriptor_of(std::uintptr_t socket) noexcept;

}  // namespace berth::compat
