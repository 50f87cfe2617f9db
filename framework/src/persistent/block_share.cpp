// Fetching and sending back; see block_share.hpp.
#include "persistent/block_share.hpp"

#include "log.hpp"
#include "persistent/persistent_facts.hpp"
#include "platform/quiet_thread.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto look_for_release = 20ms;  // while a stalled daemon is waited for
constexpr auto look_for_room = 5ms;

failure broken(const std::string& path) {
    return {errc::system_failure, "what answers at " + path + " is not berthd, or one of another version", 0, 0};
}

void close_all(std::vector<platform::native_socket>& sockets) noexcept {
    for (const auto s : sockets) platform::close_socket(s);
    sockets.clear();
}

std::chrono::milliseconds left_until(std::chrono::steady_clock::time_point end) {
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()),
                    0ms);
}

}  // namespace

block_share::block_share(reservation_token token, const share_options& options)
    : token_(token), options_(options), path_(service_socket(options.socket_path)) {}

block_share::~block_share() = default;

bool block_share::fetch(port_lane& lane, need what, std::uint32_t index, error_code& ec) noexcept {
    failure f;
    try {
        const auto began = clock::now();
        const std::lock_guard lock(talking_);
        if (what == need::any && lane.available() != 0) return true;  // another thread was quicker
        if (what == need::given && lane.is_here(index)) return false;
        service_request request{.kind = request_kind::fetch, .block = {0, options_.fetch}};
        if (what == need::pair) request.what = fetch_kind::pairs;
        if (what == need::given) {
            request.what = fetch_kind::given;
            request.block = {lane.port_at(index), 1};
        }
        if (refusal_.code != errc::service_unavailable || refused_at_ < began) {
            ask(lane, request, f);
            refusal_ = f;
            refused_at_ = clock::now();
        } else {
            f = refusal_;  // another thread has waited for the daemon in the meantime, and in vain
        }
    } catch (const std::bad_alloc&) {
        f.code = errc::no_memory;
    } catch (...) {
        f.code = errc::system_failure;
    }
    if (f) ec = f.code;
    return !f;
}

block_share::clock::time_point block_share::deadline() const {
    constexpr std::chrono::milliseconds longest = std::chrono::hours{24 * 365};  // more overflows the clock
    return clock::now() + std::min(options_.patience, longest);
}

// Until it is answered: a daemon that starts again meanwhile says so, and is asked again. A request for which there
// is no room waits for it, and nothing more: whoever does not read is not gone.
bool block_share::ask(port_lane& lane, const service_request& asked, failure& f) {
    const auto until = deadline();
    for (bool is_asked = false;;) {
        f = {};
        if (!channel_ && !reconnect(until, f)) return false;
        if (!is_asked && must_say_holding_) say_holding(lane);  // a daemon that waits for it hears nothing else
        if (!is_asked && !must_say_holding_) {
            auto request = asked;
            request.id = ++asked_;
            is_asked = channel_->send(encode(request));
        }
        switch (take_one(lane, asked_, f)) {
            case turn::answered:
                return true;
            case turn::refused:
                return false;
            case turn::ask_again:
                is_asked = false;
                continue;
            case turn::lost:
                is_asked = false;
                lose_channel(lane);
                if (clock::now() >= until) return false;
                continue;
            case turn::heard:
                continue;
            case turn::none:
                break;
        }
        if (lane.core().now() == phase::released) {
            f = {errc::reservation_released, {}, 0, 0};
            return false;
        }
        if (clock::now() >= until) {
            f = {errc::service_unavailable, "berthd at " + path_ + " does not answer in time", 0, 0};
            return false;
        }
        channel_->wait(std::clamp(left_until(until), 1ms, is_asked ? look_for_release : look_for_room));
    }
}

// One message, if there is one.
block_share::turn block_share::take_one(port_lane& lane, std::uint32_t asked, failure& f) {
    std::byte bytes[std::max(answer_size, share_head + 2 * descriptors_per_message) + 1];
    std::vector<platform::native_socket> sockets;
    const auto size = channel_->receive(bytes, sockets, f);
    if (f.code == errc::too_many_files) {
        const auto cut = parse_share_message(std::span(bytes).first(std::min(size, sizeof bytes)));
        if (cut && cut->verb == share_verb::fetched) number_ = cut->number;
        say_holding(lane);  // what was sent goes back
        return cut && cut->id != asked ? turn::heard : turn::refused;
    }
    if (f) return turn::lost;
    if (size == 0) return turn::none;
    const auto before = number_;
    try {
        return hear(lane, std::span(bytes).first(size), sockets, asked, f);
    } catch (...) {  // what came goes back, and what was let go is the daemon's
        if (!sockets.empty()) number_ = before + 1;
        close_all(sockets);
        must_say_holding_ = true;
        throw;
    }
}

block_share::turn block_share::hear(port_lane& lane, std::span<const std::byte> received,
                                    std::vector<platform::native_socket>& sockets, std::uint32_t asked, failure& f) {
    if (const auto message = parse_share_message(received)) {
        if (message->verb != share_verb::fetched) close_all(sockets);
        switch (message->verb) {
            case share_verb::fetched: {
                failure wrong;
                number_ = message->number;
                take_in(lane, *message, sockets, wrong);
                if (message->id != asked) return turn::heard;  // of a request that was not waited for
                f = std::move(wrong);
                return f ? turn::refused : turn::answered;
            }
            case share_verb::recall:
                send_idle(lane, message->count, true);
                return turn::heard;
            case share_verb::recall_all:
                wants_all_ = true;
                pause_ = {};
                send_idle(lane, ~std::uint32_t{0}, true);
                return turn::heard;
            case share_verb::keep:
                wants_all_ = false;
                return turn::heard;
            case share_verb::restarted:
                wants_all_ = false;
                epoch_ = message->epoch;
                number_ = 0;
                say_holding(lane);
                return turn::ask_again;
            default:
                break;
        }
    }
    close_all(sockets);
    const auto answer = parse_answer(received);
    if (!answer || answer->kind != request_kind::fetch || answer->error == errc{}) {
        f = broken(path_);  // and the connection stays: its end would be that of the ports
        return turn::refused;
    }
    if (answer->id != asked) return turn::heard;
    f = {answer->error, answer->text, answer->numbers[0], answer->port};
    return turn::refused;
}

void block_share::take_in(port_lane& lane, const share_message& message,
                          std::vector<platform::native_socket>& sockets, failure& f) {
    wants_all_ = false;
    const auto block = lane.core().block();
    bool all = message.ports.size() == sockets.size() && lane.core().now() == phase::held;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        const auto port = i < message.ports.size() ? message.ports[i] : std::uint16_t{0};
        const std::uint32_t index = std::uint32_t{port} - block.first;
        const auto socket = std::exchange(sockets[i], platform::native_socket{-1});
        if (all && block.contains(port) && !lane.is_here(index) && !(f.code = lane.receive(index, socket))) continue;
        platform::close_socket(socket);
        all = false;
    }
    sockets.clear();
    if (all) return;
    if (!f) f.code = errc::system_failure;
    f.what = "berthd at " + path_ + " sent what cannot be used: " + f.code.message();
    say_holding(lane);
}

void block_share::say_holding(port_lane& lane) {
    must_say_holding_ = true;  // also where there is no memory for it
    share_message message{.verb = share_verb::holding, .epoch = epoch_, .number = number_};
    message.held.resize(lane.core().block().count);
    for (std::uint32_t i = 0; i < message.held.size(); ++i) message.held[i] = lane.is_here(i);
    must_say_holding_ = !channel_->send(encode(message));
}

void block_share::send(port_lane& lane, share_verb verb, std::vector<std::uint16_t> ports) {
    if (!channel_) return;
    if (!channel_->send(encode(share_message{.verb = verb, .ports = std::move(ports)}))) must_say_holding_ = true;
    if (must_say_holding_) say_holding(lane);
}

bool block_share::send_idle(port_lane& lane, std::uint32_t most, bool answers) {
    std::vector<std::uint16_t> ports;
    bool any = false;
    for (std::uint32_t i = 0; i < lane.core().block().count && most != 0; ++i) {
        if (!lane.send_back(i)) continue;
        any = true;
        ports.push_back(lane.port_at(i));
        --most;
        if (ports.size() == descriptors_per_message) send(lane, share_verb::give_back, std::exchange(ports, {}));
    }
    if (answers || !ports.empty()) send(lane, share_verb::give_back, std::move(ports));
    return any;
}

void block_share::send_condemned(port_lane& lane) noexcept {
    const std::lock_guard lock(talking_);
    try {
        std::vector<std::uint16_t> ports;
        lane.for_each_condemned([&](std::uint32_t index) {
            if (ports.size() < descriptors_per_message && lane.send_condemned_back(index)) {
                ports.push_back(lane.port_at(index));
            }
        });
        if (!ports.empty()) send(lane, share_verb::spoilt, std::move(ports));
    } catch (...) {  // they stay condemned, or are missed in what is said to be held
        must_say_holding_ = true;
    }
}

// A release that left ports with callers: the others are the daemon's again.
void block_share::ports_left(port_lane& lane) noexcept {
    bool any = false;
    for (std::uint32_t i = 0; i < lane.core().block().count && !any; ++i) any = lane.is_here(i);
    if (!any) return;  // the end of the connection says it, and asks for less at once
    const std::lock_guard lock(talking_);
    try {
        if (channel_) say_holding(lane);
    } catch (...) {  // said with the next request
    }
}

// The connections last as long as the process if sockets live on, and as long as a forked child that has copies of
// all.
void block_share::close(port_lane& lane, bool sockets_live_on) noexcept {
    if (sockets_live_on) ports_left(lane);
    const std::lock_guard lock(talking_);
    is_closed_ = true;
    const auto let_go = [&](platform::service_channel& c) { sockets_live_on ? c.leave_open() : c.end(); };
    if (channel_) let_go(*channel_);
    for (const auto& c : lost_) let_go(*c);
    channel_.reset();
    lost_.clear();
}

void block_share::abandon() noexcept {
    if (channel_) channel_->abandon();
    for (const auto& c : lost_) c->abandon();
}

failure block_share::last_refusal() const {
    const auto core = core_.lock();
    if (core && core->is_forked()) {  // the lock may be one of a thread of the parent's
        return {errc::forked, "a forked child has no part in its parent's reservation", 0, 0};
    }
    const std::lock_guard lock(talking_);
    return refusal_;
}

}  // namespace berth::detail
