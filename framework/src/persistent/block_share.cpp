// Fetching and sending back; see block_share.hpp.
#include "persistent/block_share.hpp"

#include "log.hpp"
#include "persistent/persistent_facts.hpp"
#include "platform/quiet_thread.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

using namespace std::chrono_literals;

constexpr auto while_wanted = 20ms;  // between two looks for idle ports that are wanted back
constexpr auto otherwise = 1000ms;

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

// Until it is answered: a daemon that starts again meanwhile says so, and is asked again.
bool block_share::ask(port_lane& lane, const service_request& asked, failure& f) {
    const auto until = clock::now() + options_.patience;
    if (!channel_ && !reconnect(lane, f)) return false;
    for (bool again = true;;) {
        if (again) {
            auto request = asked;
            request.id = ++asked_;
            channel_->send(encode(request), f);
            again = false;
        }
        const auto what = f ? turn::lost : take_one(lane, asked_, f);
        if (what == turn::answered) return true;
        if (what == turn::refused) return false;
        if (what == turn::ask_again) again = true;
        if (what == turn::lost) {
            channel_.reset();
            if (clock::now() >= until || !reconnect(lane, f)) return false;
            again = true;
        }
        if (what != turn::none) continue;
        if (clock::now() >= until) {
            f = {errc::service_unavailable, "berthd at " + path_ + " does not answer in time", 0, 0};
            return false;
        }
        channel_->wait(std::max(left_until(until), 1ms));
    }
}

// One message, if there is one.
block_share::turn block_share::take_one(port_lane& lane, std::uint32_t asked, failure& f) {
    std::byte bytes[std::max(answer_size, share_head + 2 * descriptors_per_message) + 1];
    std::vector<platform::native_socket> sockets;
    const auto size = channel_->receive(bytes, sockets, f);
    if (f.code == errc::too_many_files) {
        say_holding(lane);  // what was sent goes back
        return turn::refused;
    }
    if (f) return turn::lost;
    if (size == 0) return turn::none;
    const auto received = std::span(bytes).first(size);
    if (const auto message = parse_share_message(received)) {
        if (message->verb != share_verb::fetched) close_all(sockets);
        switch (message->verb) {
            case share_verb::fetched: {
                failure wrong;
                take_in(lane, *message, sockets, wrong);
                if (message->id != asked) return turn::none;  // of a request that was not waited for
                f = std::move(wrong);
                return f ? turn::refused : turn::answered;
            }
            case share_verb::recall:
                send_idle(lane, message->count, true);
                return turn::none;
            case share_verb::recall_all:
                wants_all_ = true;
                send_idle(lane, ~std::uint32_t{0}, true);
                return turn::none;
            case share_verb::restarted:
                say_holding(lane);
                return turn::ask_again;
            default:
                break;
        }
    }
    close_all(sockets);
    const auto answer = parse_answer(received);
    if (!answer || answer->kind != request_kind::fetch || answer->error == errc{}) {
        f = broken(path_);
        return turn::lost;
    }
    if (answer->id != asked) return turn::none;
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
        if (all && block.contains(port) && !lane.is_here(index) && !(f.code = lane.receive(index, sockets[i]))) {
            continue;
        }
        platform::close_socket(sockets[i]);
        all = false;
    }
    if (all) return;
    if (!f) f.code = errc::system_failure;
    f.what = "berthd at " + path_ + " sent what cannot be used: " + f.code.message();
    say_holding(lane);
}

void block_share::say_holding(port_lane& lane) {
    share_message message{.verb = share_verb::holding};
    message.held.resize(lane.core().block().count);
    for (std::uint32_t i = 0; i < message.held.size(); ++i) message.held[i] = lane.is_here(i);
    failure f;
    channel_->send(encode(message), f);
    must_say_holding_ = static_cast<bool>(f);
}

void block_share::send(port_lane& lane, share_verb verb, std::vector<std::uint16_t> ports) {
    failure f;
    if (!channel_) return;
    channel_->send(encode(share_message{.verb = verb, .ports = std::move(ports)}), f);
    if (f) must_say_holding_ = true;
    if (must_say_holding_) say_holding(lane);
}

void block_share::send_idle(port_lane& lane, std::uint32_t most, bool answers) {
    std::vector<std::uint16_t> ports;
    for (std::uint32_t i = 0; i < lane.core().block().count && most != 0; ++i) {
        if (!lane.send_back(i)) continue;
        ports.push_back(lane.port_at(i));
        --most;
        if (ports.size() == descriptors_per_message) send(lane, share_verb::give_back, std::exchange(ports, {}));
    }
    if (answers || !ports.empty()) send(lane, share_verb::give_back, std::move(ports));
}

void block_share::send_condemned(port_lane& lane) noexcept {
    try {
        const std::lock_guard lock(talking_);
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

// The daemon takes the end of the connection for the end of all its sockets: so it lasts as long as the process if
// some live on, and as long as a forked child that has copies of all.
void block_share::close(bool sockets_live_on) noexcept {
    const std::lock_guard lock(talking_);
    is_closed_ = true;
    if (!channel_) return;
    sockets_live_on ? channel_->leave_open() : channel_->end();
    channel_.reset();
}

void block_share::abandon() noexcept {
    if (channel_) channel_->abandon();
}

failure block_share::last_refusal() const {
    const std::lock_guard lock(talking_);
    return refusal_;
}

// --- the thread: the daemon's wishes, and what is idle in excess ---

void block_share::watch() {
    platform::name_this_thread("berth share");
    while (watch_once()) {
    }
}

bool block_share::watch_once() {
    std::shared_ptr<platform::service_channel> channel;
    auto pause = otherwise;
    {
        const std::lock_guard lock(talking_);
        channel = channel_;
        if (!channel || is_closed_) return is_watched_ = false;
        if (wants_all_ || must_say_holding_) pause = while_wanted;
    }
    channel->wait(pause);
    const auto core = core_.lock();
    if (core && (pause == while_wanted || core->only_lane()->anything_condemned())) core->reclaim();
    const std::lock_guard lock(talking_);
    if (!core || !channel_ || is_closed_) return is_watched_ = false;
    if (channel != channel_) return true;
    auto& lane = *core->only_lane();
    failure f;
    for (turn what = turn::answered; what != turn::none; f = {}) {
        what = take_one(lane, asked_ + 1, f);
        if (what != turn::lost) continue;
        log(log_level::warning, "a share of a persistent block: " + f.what);
        channel_.reset();
        return is_watched_ = false;
    }
    tidy(lane);
    return true;
}

void block_share::tidy(port_lane& lane) {
    if (must_say_holding_) say_holding(lane);
    const auto idle = lane.ready();
    if (wants_all_) return send_idle(lane, ~std::uint32_t{0}, false);
    if (idle > 2 * options_.fetch) send_idle(lane, (idle - options_.fetch + 1) / 2, false);
}

void block_share::start_watching() {
    if (is_watched_) return;
    auto* const self = new std::shared_ptr<block_share>(shared_from_this());
    try {
        platform::start_quiet_thread(
            [](void* argument) {
                const std::unique_ptr<std::shared_ptr<block_share>> share(
                    static_cast<std::shared_ptr<block_share>*>(argument));
                (*share)->watch();
            },
            self);
    } catch (...) {
        delete self;
        throw;
    }
    is_watched_ = true;
}

}  // namespace berth::detail
