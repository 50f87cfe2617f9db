// The worlds without a kernel: the simulated provider's, and that of the provider which refuses.
#include "conformance/provider_world.hpp"
#include "platform/refusing_provider.hpp"
#include "support/simulated_provider.hpp"

namespace provider_contract {
namespace {

using berth::test::simulated_provider;

class simulated_world final : public world {
public:
    using world::world;
    port_provider& provider() override { return kernel_; }

    std::vector<std::string> strangers() override { return {"seen by survey", "seen by bind alone"}; }
    bool let_in(std::size_t stranger, std::uint16_t port) override {
        kernel_.occupy(tcp(), port, stranger == 1);
        return true;
    }
    bool send_away() override { return false; }
    bool is_free(std::uint16_t port) override { return kernel_.is_free(tcp(), port); }
    std::string who_gets_in(std::uint16_t port) override { return is_free(port) ? "anybody" : ""; }

    std::uint32_t leave_unread(native_socket, std::uint16_t port) override {
        kernel_.deliver(tcp(), port), kernel_.deliver(tcp(), port);
        return 2;
    }
    std::string hears(native_socket session, std::uint16_t port) override {
        if (kernel_.queued(session) != 0) return "something was queued before the stranger's packet";
        kernel_.deliver(tcp(), port);
        if (kernel_.queued(session) != 1) return "the stranger's packet did not come";
        kernel_.port(tcp(), port).queued = 0;
        return {};
    }
    std::string is_deaf(native_socket session, std::uint16_t port) override {
        if (kernel_.queued(session) != 0) return "something is queued";
        kernel_.deliver(tcp(), port);
        return kernel_.queued(session) == 0 ? "" : "heard a stranger";
    }

    native_socket make_socket() override { return kernel_.make_socket(tcp()); }
    bool has_options() override { return false; }
    void close_behind(held_block& block, std::uint32_t index) override {
        EXPECT_FALSE(kernel_.close(block.session(index)));
    }
    std::shared_ptr<void> name_by_queue(held_block&, std::uint32_t, std::uint16_t port) override {
        auto& named = kernel_.port(tcp(), port).event_queue_names;
        named = true;
        return {&named, [](std::atomic<bool>* flag) { *flag = false; }};
    }
    bool can_fork() override { return false; }
    std::string complaints() override {
        std::string all;
        for (const auto& complaint : kernel_.complaints()) all += complaint + '\n';
        return all;
    }

private:
    [[nodiscard]] bool tcp() const { return kind() != port_kind::udp; }
    simulated_provider kernel_;
};

class refusing_world final : public world {
public:
    using world::world;
    port_provider& provider() override { return provider_; }
    std::vector<std::string> strangers() override { return {}; }
    bool let_in(std::size_t, std::uint16_t) override { return false; }
    bool send_away() override { return false; }
    bool is_free(std::uint16_t) override { return true; }
    std::string who_gets_in(std::uint16_t) override { return "anybody"; }
    std::uint32_t leave_unread(native_socket, std::uint16_t) override { return 0; }
    std::string hears(native_socket, std::uint16_t) override { return "there is no session socket"; }
    std::string is_deaf(native_socket, std::uint16_t) override { return {}; }
    native_socket make_socket() override { return -1; }
    void close_behind(held_block&, std::uint32_t) override {}
    std::shared_ptr<void> name_by_queue(held_block&, std::uint32_t, std::uint16_t) override { return nullptr; }

private:
    berth::platform::refusing_provider provider_;
};

template <class World>
sibling make_sibling(std::string name, port_kind kind) {
    return {std::move(name), [kind] { return std::make_unique<World>(hold_request{.kind = kind}); }};
}

}  // namespace

std::vector<sibling> simulated_siblings() {
    return {make_sibling<simulated_world>("simulated_udp", port_kind::udp),
            make_sibling<simulated_world>("simulated_tcp_listen", port_kind::tcp_listen),
            make_sibling<simulated_world>("simulated_tcp_connect", port_kind::tcp_connect)};
}

sibling refusing_sibling() { return make_sibling<refusing_world>("refusing", port_kind::udp); }

}  // namespace provider_contract
