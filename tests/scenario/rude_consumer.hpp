// A consumer without the library's manners: it says to berthd what the test says, and when.
#pragma once

#include "persistent/share_message.hpp"
#include "platform/linux/local_socket.hpp"
#include "share_ground.hpp"

namespace berth::test {

class rude_ground : public share_ground {
protected:
    [[nodiscard]] platform::descriptor rude_consumer() const {
        platform::descriptor out;
        EXPECT_EQ(platform::connect_local(socket(), std::chrono::milliseconds{2000}, out), 0);
        send(out, detail::encode(detail::service_request{.kind = detail::request_kind::take, .token = token_}));
        EXPECT_EQ(receive(out).bytes.size(), detail::answer_size);
        return out;
    }
    static int send(const platform::descriptor& to, std::span<const std::byte> bytes, std::span<const int> fds = {}) {
        return platform::send_message(to.get(), bytes, fds, false);
    }
    struct received {
        std::vector<std::byte> bytes;
        std::vector<platform::descriptor> sockets;
    };
    static received receive(const platform::descriptor& from) {
        received out;
        out.bytes.resize(1024);
        std::size_t size = 0;
        if (platform::receive_message(from.get(), out.bytes, size, out.sockets) != 0) size = 0;
        out.bytes.resize(size);
        return out;
    }
    static auto fetch_request(std::uint32_t count) {
        return detail::encode(detail::service_request{.kind = detail::request_kind::fetch, .block = {0, count}});
    }
};

}  // namespace berth::test
