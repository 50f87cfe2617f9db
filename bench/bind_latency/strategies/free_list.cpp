// A program's own book: a mutex-guarded stack of ports believed free, and a bind to the one on top.
//
// Well written: the lock covers the stack alone, never a system call; a port that turns out to be somebody else's is
// set aside and the next one tried with the same socket.
#include "bind_latency/strategies/all.hpp"
#include "bind_latency/strategies/bare_socket.hpp"

#include <mutex>

namespace berth::bench {
namespace {

class port_stack {
public:
    void fill(std::vector<std::uint16_t> ports) { ports_ = std::move(ports); }
    std::uint16_t pop() noexcept {
        const std::lock_guard lock(mutex_);
        if (ports_.empty()) return 0;
        const std::uint16_t port = ports_.back();
        ports_.pop_back();
        return port;
    }
    void push(std::uint16_t port) noexcept {
        const std::lock_guard lock(mutex_);
        ports_.push_back(port);  // never beyond the capacity of fill()
    }

private:
    std::mutex mutex_;
    std::vector<std::uint16_t> ports_;
};

class place : public timed_seat<place> {
public:
    place(protocol p, port_stack& stack) noexcept : socket_(p), stack_(stack) {}
    bool take() noexcept {
        bool bound = false;
        if (socket_.open())
            while (!bound && (port_ = stack_.pop()) != 0) bound = socket_.bind(port_);
        return socket_.usable_or_closed(bound);
    }
    void give_back() noexcept {
        socket_.close();
        stack_.push(port_);
    }

private:
    bare_socket socket_;
    port_stack& stack_;
    std::uint16_t port_ = 0;
};

class free_list : public strategy {
public:
    void prepare(const scene& s) override {
        transport_ = s.transport;
        stack_.fill(s.free_ports);
    }
    std::unique_ptr<seat> sit(unsigned) override { return std::make_unique<place>(transport_, stack_); }

private:
    protocol transport_ = protocol::udp;
    port_stack stack_;
};

}  // namespace

strategy_entry free_list_entry() {
    return {"free_list", "own free list (mutex) + bind", "lock + pop + unlock + socket + bind to that port + listen",
            approach::program, make_strategy<free_list>};
}

}  // namespace berth::bench
