// What is done with a reservation while something fails: to reserve, to draw from it, to give back and to look after it.
#pragma once

#include "faults/sweep.hpp"

#include <berth/associate.hpp>
#include <berth/berth.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace berth::test {

class reserving final : public stage {
public:
    explicit reserving(const reservation_request& r) : request_(r) {}
    outcome act() override {
        failure f;
        held_ = port_reservation::reserve(request_, f);
        return of(f);
    }
    void undo() override { held_ = {}; }
    void look(const outcome& o) override {
        EXPECT_EQ(static_cast<bool>(held_), !o.code);
        if (o.code) return;
        EXPECT_EQ(held_.statistics().ports.available, held_.statistics().ports.total());
        if (request_.block.first != 0) {
            EXPECT_NE(who_is_left_on({request_.block.first, 1}), "");
        }
        if (request_.protocol != transport::tcp_and_udp) expect_audited();
    }
    [[nodiscard]] port_block ports() const override {
        return request_.block.first != 0 ? request_.block : port_block{0, 0};
    }

private:
    static constexpr std::array<std::array<int, 2>, 4> options{{{SOL_SOCKET, SO_PRIORITY},
                                                                {SOL_SOCKET, SO_DONTROUTE},
                                                                {SOL_SOCKET, SO_TIMESTAMP},
                                                                {IPPROTO_IP, IP_TOS}}};
    static std::array<int, options.size()> values(int fd) {
        std::array<int, options.size()> all{};
        for (std::size_t i = 0; i < all.size(); ++i) {
            socklen_t size = sizeof all[i];
            ::getsockopt(fd, options[i][0], options[i][1], &all[i], &size);
        }
        return all;
    }
    // Whatever was endured: what a worker sets on a port's socket, the next one does not find.
    void expect_audited() {
        // An option that cannot be set has no need to be undone.
        if (last_fault().verb == "setsockopt" && last_fault().error != ENOMEM) return;
        error_code ec;
        auto port = held_.take();
        const auto number = port.port();
        const auto fresh = values(port.io_handle());
        for (const auto& o : options) {
            const int value = 4;
            ::setsockopt(port.native_handle(), o[0], o[1], &value, sizeof value);
        }
        port.give_back(ec);
        held_.reclaim();
        EXPECT_EQ(values(held_.take_port(number, ec).io_handle()), fresh);
        EXPECT_FALSE(ec) << ec.message();
    }

    reservation_request request_;
    port_reservation held_;
};

/// Something that is done with a reservation, whose books are to be whole afterwards.
class with_block : public stage {
public:
    explicit with_block(const reservation_request& r)
        : block_(r.block), protocol_(r.protocol), sessions_(r.sessions_per_port) {
        held_ = port_reservation::reserve(r);
    }
    void look(const outcome&) override {
        const auto s = held_.statistics().ports;
        EXPECT_EQ(s.total(), all());
    }
    ~with_block() override {
        held_.reclaim();
        EXPECT_EQ(held_.statistics().ports.available, all()) << "a port was lost";
    }
    [[nodiscard]] port_block ports() const override { return block_; }

protected:
    [[nodiscard]] std::uint32_t all() const { return block_.count * sessions_; }
    port_reservation held_;
    const port_block block_;
    const transport protocol_;
    const std::uint32_t sessions_;
};

enum class draw : std::uint8_t { any, given, pair, run };

class taking final : public with_block {
public:
    taking(const reservation_request& r, draw how) : with_block(r), how_(how) {}
    ~taking() override { undo(); }
    outcome act() override {
        error_code ec;
        switch (how_) {
            case draw::any: out_[0] = held_.take(ec); break;
            case draw::given: out_[0] = held_.take_port(block_.first, ec); break;
            case draw::pair: out_ = held_.take_pair(ec); break;
            case draw::run: held_.take_run(out_, 1, ec); break;
        }
        return of(ec);
    }
    void look(const outcome& o) override {
        with_block::look(o);
        const std::uint32_t wanted = how_ == draw::any || how_ == draw::given ? 1 : 2;
        EXPECT_EQ(static_cast<std::uint32_t>(static_cast<bool>(out_[0])) + static_cast<bool>(out_[1]),
                  o.code ? 0 : wanted)
            << "a draw by half";
        EXPECT_EQ(held_.statistics().ports.open, o.code ? 0 : wanted);
    }
    void undo() override {
        error_code ec;
        for (auto& p : out_) p.give_back(ec);
        held_.reclaim();
    }

private:
    const draw how_;
    std::array<bound_port, 2> out_;
};

enum class use : std::uint8_t { own, lent, exposed, closed };

class giving_back final : public with_block {
public:
    giving_back(const reservation_request& r, use how) : with_block(r), how_(how) { prepare(); }
    ~giving_back() override {
        port_ = {};
        if (copy_ >= 0) ::close(copy_);
        held_.reclaim();
    }
    outcome act() override {
        error_code ec;
        port_.give_back(ec);
        EXPECT_FALSE(port_);
        return of(ec);
    }
    void undo() override {
        if (copy_ >= 0) ::close(std::exchange(copy_, -1));
        held_.reclaim();
        prepare();
    }

private:
    void prepare() {
        port_ = held_.take();
        if (how_ == use::lent) static_cast<void>(port_.native_handle());
        if (how_ == use::exposed) copy_ = port_.duplicate();
        if (how_ == use::closed) ::close(port_.native_handle());
    }
    const use how_;
    bound_port port_;
    int copy_ = -1;
};

/// A look for what came free, while a copy of a port's socket is still here.
class reclaiming final : public with_block {
public:
    explicit reclaiming(const reservation_request& r) : with_block(r) { expose(); }
    ~reclaiming() override {
        ::close(copy_);
        held_.reclaim();
    }
    outcome act() override {
        held_.reclaim();
        return {};
    }
    void look(const outcome& o) override {
        with_block::look(o);
        EXPECT_EQ(held_.statistics().ports.draining, 1U)
            << "another's socket would be the next one's, after " << last_fault().verb << ' ' << last_fault().error;
    }
    void undo() override {
        ::close(copy_);
        held_.reclaim();
        expose();
    }

private:
    void expose() {
        auto port = held_.take();
        copy_ = port.duplicate();
    }
    int copy_ = -1;
};

class duplicating final : public with_block {
public:
    explicit duplicating(const reservation_request& r) : with_block(r), port_(held_.take()) {}
    ~duplicating() override { port_ = {}; }
    outcome act() override {
        error_code ec;
        copy_ = port_.duplicate(ec);
        return of(ec);
    }
    void undo() override { ::close(copy_); }

private:
    bound_port port_;
    int copy_ = -1;
};

/// A spoilt session socket gets a successor.
class renewing final : public with_block {
public:
    explicit renewing(const reservation_request& r) : with_block(r) { spoil(); }
    outcome act() override {
        held_.reclaim();
        return {};
    }
    void undo() override {
        held_.reclaim();
        EXPECT_EQ(held_.available(), all());
        spoil();
    }
    void look(const outcome& o) override {
        with_block::look(o);
        EXPECT_EQ(held_.statistics().ports.condemned + held_.available(), all());
    }

private:
    void spoil() {
        error_code ec;
        auto port = held_.take();
        ::shutdown(port.native_handle(), SHUT_RDWR);
        const int one = 1;  // and a lock that nothing undoes
        ::setsockopt(port.native_handle(), SOL_SOCKET, 44 /* SO_LOCK_FILTER */, &one, sizeof one);
        port.give_back(ec);
    }
};

}  // namespace berth::test
