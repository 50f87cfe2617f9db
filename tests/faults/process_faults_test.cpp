// Operations with another process at their other end: a hand-over, and berthd.
//
// What the other process does is its own: only this one's calls are counted and fail.
#include "faults/sweep.hpp"
#include "scenario/handover_ground.hpp"
#include "support/free_block.hpp"

#include <berth/handover.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <optional>
#include <utility>

namespace berth::test {
namespace {

port_block some_block() {
    static const port_block block = free_block(2);
    return block;
}
reservation_request some_request() {
    auto r = udp_block(2);
    r.block = some_block();
    return r;
}

/// A predecessor in a process of its own, and a successor here.
class receiving final : public stage {
public:
    receiving() : address_(fresh_address()), block_(some_block()) { start(); }
    outcome act() override {
        failure f;
        error_code ec;
        auto over = receive_handover(address_, f, std::chrono::milliseconds(2000));
        if (f) return of(f);
        got_ = over.take_reservation("ports", ec);
        if (ec) return of(ec);
        try {
            over.complete();
        } catch (const std::bad_alloc&) {
            over.complete();
        }
        return {};
    }
    void look(const outcome& o) override {
        EXPECT_NE(who_is_left_on({block_.first, 1}), "") << "nobody has the ports";
        EXPECT_EQ(static_cast<bool>(got_), !o.code);
    }
    void undo() override { got_ = {}; }
    [[nodiscard]] port_block ports() const override { return block_; }

private:
    void start() {
        predecessor_.emplace([this](const word_channel& channel) {
            auto ports = port_reservation::reserve(some_request());
            handover_offer offer(address_);
            failure f;
            offer.add(ports, "ports", f);
            channel.say("there");
            asio::io_context context;
            offer.async_hand_over(context, [](error_code) {});
            context.run();
            channel.say("over");
            static_cast<void>(channel.hear());
        });
        EXPECT_EQ(predecessor_->channel().hear(), "there");
    }
    const std::string address_;
    const port_block block_;
    std::optional<other_process> predecessor_;
    port_reservation got_;
};

/// A predecessor here, and a successor in a process of its own that comes until it has the ports.
class handing_over final : public stage {
public:
    handing_over() : address_(fresh_address()), block_(some_block()) {
        successor_.emplace([this](const word_channel& channel) { succeed(channel); });
        ports_ = port_reservation::reserve(some_request());
        asio::steady_timer(context_).cancel();  // Asio's parts of it are there before anything fails
        asio::ip::tcp::socket(context_, asio::ip::tcp::v4()).close();
        failure f;
        offer_.emplace(address_, f);
        offer_->add(ports_, "ports", f);
        EXPECT_FALSE(f) << f.what;
    }
    outcome act() override {
        if (!std::exchange(is_there_, true)) {
            const stands_apart apart;
            successor_->channel().say("come");
        }
        std::optional<error_code> over;
        context_.restart();
        offer_->async_hand_over(context_, [&](error_code ec) { over = ec; });
        context_.run();
        return of(over.value_or(error_code(errc::system_failure)));
    }
    void look(const outcome& o) override {
        const stands_apart apart;
        EXPECT_NE(who_is_left_on({block_.first, 1}), "") << "nobody has the ports";
        if (o.code) return;
        EXPECT_EQ(successor_->channel().hear(), "has them");
        error_code ec;
        const auto drawn = ports_.take(ec);
        EXPECT_EQ(ec, errc::reservation_released) << "both have them";
    }
    [[nodiscard]] port_block ports() const override { return block_; }

private:
    void succeed(const word_channel& channel) const {
        if (channel.hear() != "come") return;
        for (int tries = 0; tries < 40; ++tries) {
            failure f;
            error_code ec;
            auto over = receive_handover(address_, f, std::chrono::milliseconds(500));
            if (f) continue;
            const auto ports = over.take_reservation("ports", ec);
            over.complete();
            channel.say(ec ? ec.message() : "has them");
            static_cast<void>(channel.hear());
            return;
        }
        channel.say("found nobody");
    }
    const std::string address_;
    const port_block block_;
    std::optional<other_process> successor_;
    asio::io_context context_;
    port_reservation ports_;
    std::optional<handover_offer> offer_;
    bool is_there_ = false;
};

/// The door opens, and closes again.
class offering final : public stage {
public:
    offering() : ports_(port_reservation::reserve(some_request())) {}
    outcome act() override {
        failure f;
        handover_offer offer(address_, f);
        EXPECT_EQ(static_cast<bool>(offer), !f);
        if (!f) offer.add(ports_, "ports", f);
        return of(f);
    }
    void look(const outcome&) override { EXPECT_EQ(ports_.available(), 2U); }
    [[nodiscard]] port_block ports() const override { return some_block(); }

private:
    const std::string address_ = fresh_address();
    port_reservation ports_;
};

std::vector<scenario> all_scenarios() {
    std::vector<scenario> all;
    const auto add = [&](const char* name, auto make) { all.push_back({.name = name, .make = make}); };
    add("handover_offer", [] { return std::make_unique<offering>(); });
    all.back().also = {{errc::already_bound}, "EADDRINUSE: another process offers there"};
    add("async_hand_over", [] { return std::make_unique<handing_over>(); });
    all.back().leaves_one = "by the end of its line the successor hears that the predecessor's process has ended";
    all.back().keeps_memory = all.back().leaves_one;
    all.back().keeps_descriptors = true;  // of a successor that has everything, and has not completed
    add("receive_handover", [] { return std::make_unique<receiving>(); });
    all.back().also = {{errc::system_failure, errc::operation_aborted, errc::service_unavailable},
                       "as handover.hpp has it: the line failed, or the predecessor is not heard; `what` says which"};
    return all;
}

BERTH_FAULTS(all_scenarios());

}  // namespace
}  // namespace berth::test
