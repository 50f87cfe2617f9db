// A sibling of port_provider and the world around it: the strangers, packets and sockets that the contract speaks of.
//
// One world for each sibling, kind of socket, family and parking. Nothing a world does goes through the provider that
// it surrounds, so what it says of a port or a socket is the system's word. Sentences are complaints: empty means
// that all was as it should be. What a sibling cannot show, its world says by an empty list or a null.
#pragma once

#include "platform/port_provider.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace provider_contract {

using berth::errc;
using berth::error_code;
using berth::failure;
using berth::platform::held_block;
using berth::platform::hold_request;
using berth::platform::named_by;
using berth::platform::native_socket;
using berth::platform::park_result;
using berth::platform::port_kind;
using berth::platform::port_map;
using berth::platform::port_provider;
using berth::platform::renewal;
using berth::platform::socket_facts;

class world {
public:
    explicit world(const hold_request& template_request) : request_(template_request) {}
    virtual ~world() = default;
    virtual port_provider& provider() = 0;
    [[nodiscard]] port_kind kind() const { return request_.kind; }
    [[nodiscard]] const hold_request& usual_request() const { return request_; }

    // --- strangers and ports ---
    /// How many different strangers there are; a stranger takes a port and keeps it until he is sent away.
    virtual std::vector<std::string> strangers() = 0;
    virtual bool let_in(std::size_t stranger, std::uint16_t port) = 0;
    virtual bool send_away() = 0;  // all of them; false: they cannot leave
    virtual bool is_free(std::uint16_t port) = 0;
    virtual std::string who_gets_in(std::uint16_t port) = 0;
    virtual std::vector<std::pair<hold_request, errc>> requests_to_refuse() { return {}; }
    virtual std::string missing_from_advice(const port_map&) { return {}; }
    virtual bool holds_blocks_whole() { return false; }  // by the first hold(), and until the last port is dropped

    // --- packets ---
    /// Strangers send to an open port, or the session socket speaks with one: how many things wait to be read.
    virtual std::uint32_t leave_unread(native_socket session, std::uint16_t port) = 0;
    /// Strangers' packets reach the socket, and are the first that it finds.
    virtual std::string hears(native_socket session, std::uint16_t port) = 0;
    /// They do not, and it finds nothing; where parking is emptying at take, they are there before it.
    virtual std::string is_deaf(native_socket session, std::uint16_t port) = 0;
    virtual bool counts_what_it_hears() { return true; }

    // --- sockets ---
    virtual native_socket make_socket() = 0;  // unbound, of the kind and family; to be closed by the provider
    virtual bool has_options() { return true; }
    virtual bool keeps_lent_sockets() { return true; }  // else every socket that was lent is replaced at park()
    virtual bool tells_numbers() { return true; }       // which descriptor names a socket
    virtual void change_option(native_socket) {}
    virtual bool option_is_changed(native_socket) { return false; }
    virtual bool make_unacceptable(native_socket) { return false; }  // an option that no hand_over can carry
    virtual void close_behind(held_block& block, std::uint32_t index) = 0;
    /// Another file gets the number of the session socket's descriptor; null: cannot be shown.
    virtual std::shared_ptr<void> swap_in(held_block&, std::uint32_t) { return nullptr; }
    /// Null: cannot be shown.
    virtual std::shared_ptr<void> name_by_queue(held_block& block, std::uint32_t index, std::uint16_t port) = 0;
    virtual std::vector<native_socket> not_sockets() { return {-1}; }
    virtual std::vector<native_socket> neither_tcp_nor_udp() { return {}; }
    virtual bool can_fork() { return true; }
    virtual std::string complaints() { return {}; }

protected:
    const hold_request request_;
};

struct sibling {
    std::string name;
    std::function<std::unique_ptr<world>()> make;
};
inline void PrintTo(const sibling& s, std::ostream* out) { *out << s.name; }
std::vector<sibling> kernel_siblings();
std::vector<sibling> simulated_siblings();
sibling refusing_sibling();

class port_provider_contract : public testing::TestWithParam<sibling> {
protected:
    void SetUp() override { world_ = GetParam().make(); }
    void TearDown() override { EXPECT_EQ(world_->complaints(), ""); }

    port_provider& provider() { return world_->provider(); }
    bool reserves() { return provider().facts(world_->usual_request().park).can_reserve; }
    hold_request ask(std::uint32_t count);                  // for ports that nobody has
    std::unique_ptr<held_block> seal(std::uint32_t count);  // held and sealed; first() is its first port
    [[nodiscard]] std::uint16_t port(std::uint32_t index) const { return static_cast<std::uint16_t>(first_ + index); }
    error_code open(held_block& block, std::uint32_t index) {
        std::uint32_t discarded = 0;
        return block.open(index, discarded);
    }
    std::string hears(held_block& block, std::uint32_t index) {
        return world_->hears(block.session(index), port(index));
    }
    std::string is_deaf(held_block& block, std::uint32_t index) {
        return world_->is_deaf(block.session(index), port(index));
    }
    std::vector<named_by> named(held_block& block, std::uint32_t count);
    void condemn(held_block& block, std::uint32_t index);  // its last copies are closed

    std::unique_ptr<world> world_;
    std::uint16_t first_ = 0;
};

#define BERTH_ONLY_IF_IT_RESERVES() \
    if (!reserves()) GTEST_SKIP() << "this provider reserves nothing: there is no block to look at"

}  // namespace provider_contract
