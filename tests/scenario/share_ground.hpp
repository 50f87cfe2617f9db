// Blocks of a berthd of the test's own, shares of them in this process, and consumers that are processes of their
// own.
#pragma once

#include "scenario/daemon_ground.hpp"

#include <berth/persistent_share.hpp>

#include <chrono>
#include <thread>

namespace berth::test {

class share_ground : public daemon_ground {
protected:
    void SetUp() override {
        daemon_ground::SetUp();
        if (!IsSkipped()) start(daemon_options());
    }
    [[nodiscard]] virtual std::vector<std::string> daemon_options() const { return {"--rest", "0"}; }

    reservation_token create(transport protocol, std::uint32_t count, tcp_use use = tcp_use::listen) {
        failure f;
        auto options = at();
        options.use = use;
        block_ = free_block(count, protocol);
        protocol_ = protocol;
        token_ = create_persistent(block_, protocol, f, options);
        EXPECT_FALSE(f) << f.what;
        return token_;
    }
    [[nodiscard]] share_options here() const {
        share_options o;
        o.socket_path = socket();
        return o;
    }
    [[nodiscard]] port_reservation open(reservation_token token, std::uint32_t fetch = 64) const {
        failure f;
        auto options = here();
        options.fetch = fetch;
        auto share = open_persistent(token, f, options);
        EXPECT_FALSE(f) << f.what;
        return share;
    }
    [[nodiscard]] persistent_block listed() const {
        failure f;
        for (const auto& b : list_persistent(f, at())) {
            if (b.block == block_ && b.protocol == protocol_) return b;
        }
        ADD_FAILURE() << "not listed: " << f.what;
        return {};
    }
    [[nodiscard]] std::uint32_t ports_out() const { return listed().ports_out; }

    /// Takes until there are no more.
    static std::vector<bound_port> take_all(port_reservation& share, std::size_t most = 70000) {
        std::vector<bound_port> out;
        error_code ec;
        while (out.size() < most) {
            auto port = share.take(ec);
            if (ec) break;
            out.push_back(std::move(port));
        }
        return out;
    }

    template <class Condition>
    static bool comes_true(Condition condition, int milliseconds = 10'000) {
        for (int i = 0; i < milliseconds / 5; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return condition();
    }

    port_block block_;
    transport protocol_ = transport::udp;
    reservation_token token_;
};

}  // namespace berth::test
