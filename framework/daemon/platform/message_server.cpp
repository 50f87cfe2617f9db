// Turns of the daemon's loop; see message_server.hpp.
#include "platform/message_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace berth::daemon {

using detail::service_answer;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds pause{100};  // without a descriptor to accept with

}  // namespace

message_server::message_server(std::string path, gid_t group, server_limits limits)
    : path_(std::move(path)), group_(group), limits_(limits) {}

message_server::~message_server() {
    if (listener_ && is_own_) ::unlink(path_.c_str());
}

int message_server::listen() {
    const int error = platform::listen_local(path_, group_, listener_);
    if (error == 0) platform::refuse_descriptors(listener_.get());
    return error;
}

int message_server::listen(platform::descriptor door) {
    const int flags = ::fcntl(door.get(), F_GETFL);
    if (flags < 0 || ::fcntl(door.get(), F_SETFL, flags | O_NONBLOCK) != 0) return errno;
    listener_ = std::move(door);
    is_own_ = false;
    return 0;
}

bool message_server::may_ask(int connection, bool& is_known) const {
    platform::credentials asker;
    is_known = platform::credentials_of(connection, asker) == 0;
    if (!is_known) return false;
    if (asker.uid == 0 || asker.uid == ::geteuid()) return true;
    if (group_ == static_cast<gid_t>(-1)) return false;
    return asker.gid == group_ || std::find(asker.groups.begin(), asker.groups.end(), group_) != asker.groups.end();
}

// One a turn: a crowd at the door does not keep those inside waiting.
void message_server::accept() {
    client fresh;
    if (const int error = platform::accept_local(listener_.get(), false, fresh.connection); error != 0) {
        if (error == EMFILE || error == ENFILE || error == ENOMEM) accepts_from_ = steady_clock::now() + pause;
        return;
    }
    bool is_known = false;
    fresh.may_ask = may_ask(fresh.connection.get(), is_known);
    const bool is_room = fresh.may_ask ? clients() < limits_.clients : strangers_ < limits_.strangers;
    if (!is_known || !is_room) {
        ++counts_.turned_away;
        return;
    }
    if (!fresh.may_ask) {
        ++strangers_;
        ++counts_.denied;
        fresh.until = steady_clock::now() + limits_.for_strangers;
    }
    const int fd = fresh.connection.get();
    clients_.emplace(fd, std::move(fresh));
}

// False: the connection is over.
bool message_server::serve(client& c, const answerer& answer) {
    std::byte bytes[detail::request_size + 1];  // one more: a longer message is seen to be longer
    std::size_t size = 0;
    std::vector<platform::descriptor> received;
    const int error = platform::receive_message(c.connection.get(), bytes, size, received);
    if (error == EAGAIN) return true;
    if (error == 0 && size == 0 && received.empty()) return false;
    const auto request = detail::parse_request(std::span(bytes).first(size));
    if (error != 0 || !request || !received.empty()) {
        platform::close_at_once(received);
        ++counts_.malformed;
        return false;
    }
    service_answer out;
    if (c.may_ask) {
        auto answered = answer(*request, c.connection);
        ++counts_.answered;
        if (!answered) return static_cast<bool>(c.connection);
        out = std::move(*answered);
    } else {
        out.kind = request->kind;
        out.id = request->id;
        out.error = errc::permission_denied;
        out.text = "persistent reservations are for root and the members of berthd's group (berthd --group)";
    }
    const int sent = platform::send_message(c.connection.get(), detail::encode(out));
    if (sent == EAGAIN) ++counts_.too_slow;
    return sent == 0 && c.may_ask;
}

void message_server::let_strangers_go() {
    if (strangers_ == 0) return;
    const auto now = steady_clock::now();
    std::erase_if(clients_, [&](const auto& c) { return !c.second.may_ask && c.second.until <= now; });
    strangers_ = static_cast<std::size_t>(
        std::count_if(clients_.begin(), clients_.end(), [](const auto& c) { return !c.second.may_ask; }));
}

void message_server::turn(std::chrono::milliseconds patience, const answerer& answer) {
    if (strangers_ != 0) patience = std::min(patience, limits_.for_strangers);
    const bool accepts = steady_clock::now() >= accepts_from_;
    if (!accepts) patience = std::min(patience, pause);
    std::vector<pollfd> waiting{{.fd = accepts ? listener_.get() : -1, .events = POLLIN, .revents = 0}};
    for (const auto& [fd, w] : watched_) {
        waiting.push_back({.fd = fd, .events = static_cast<short>(w.reads ? POLLIN : 0), .revents = 0});
    }
    for (const auto& [fd, c] : clients_) waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(patience.count())) < 0) return;
    const std::size_t fixed = 1 + watched_.size();  // who is served may be watched afterwards
    for (std::size_t i = fixed; i < waiting.size(); ++i) {
        if (waiting[i].revents == 0) continue;
        const auto c = clients_.find(waiting[i].fd);
        if (!serve(c->second, answer)) {
            strangers_ -= !c->second.may_ask;
            clients_.erase(c);
        }
    }
    for (std::size_t i = 1; i < fixed; ++i) {
        if (waiting[i].revents == 0) continue;
        const auto ready = watched_.find(waiting[i].fd);
        if (ready != watched_.end()) work(ready->second.ready)();  // a copy: it may unwatch itself
    }
    if (waiting[0].revents != 0) accept();
    let_strangers_go();
}

}  // namespace berth::daemon
