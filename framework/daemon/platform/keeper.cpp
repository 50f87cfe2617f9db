// berth_keeper: holds the sockets of persistent blocks, so that their ports are never free while berthd is not there.
//
// Started by berthd with its listening socket as descriptor 3; serves one daemon after the other. As little as can
// be: no thread, no file, no configuration, one map, nothing of the library, and no way to end but to be told or
// killed. Invariant: a socket leaves the map only when a daemon of this user, or of root, says so.
#include "keeper_message.hpp"
#include "platform/linux/local_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <map>

namespace {

using namespace berth::daemon;
using berth::platform::descriptor;

constexpr int listener = 3;

std::map<kept_key, descriptor> kept;

// The kernel kills somebody else first where memory runs out: with this process every port would go.
void prepare() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    if (const descriptor score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); score) {
        [[maybe_unused]] const auto written = ::write(score.get(), "-1000", 5);
    }
    rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

std::uint32_t put(const keeper_message& message, std::vector<descriptor>& received) {
    if (received.size() != message.keys.size()) return EMFILE;
    for (std::size_t i = 0; i < received.size(); ++i) kept[message.keys[i]] = std::move(received[i]);
    return 0;
}

void remove_block(std::uint64_t block) {
    kept.erase(kept.lower_bound({block, 0, socket_role{}}), kept.upper_bound({block, 65535, socket_role{last_role}}));
}

// Answers with the next piece, and where the one after it begins.
keeper_message fetch(std::uint32_t from, std::vector<int>& descriptors) {
    keeper_message answer{.verb = keeper_verb::fetch, .value = 0, .keys = {}};
    if (from >= kept.size()) return answer;
    auto at = std::next(kept.begin(), from);
    for (; at != kept.end() && descriptors.size() < keys_per_message; ++at) {
        answer.keys.push_back(at->first);
        descriptors.push_back(at->second.get());
    }
    if (at != kept.end()) answer.value = from + static_cast<std::uint32_t>(descriptors.size());
    return answer;
}

// False: the connection is over.
bool serve_one(int connection) {
    std::byte bytes[most_keeper_message];
    std::size_t size = 0;
    std::vector<descriptor> received;
    const int error = berth::platform::receive_message(connection, bytes, size, received);
    const auto message = parse_keeper_message(std::span(bytes).first(size));
    if (error == EMSGSIZE) {  // no room for its descriptors
        return berth::platform::send_message(connection, encode({keeper_verb::put, EMFILE, {}})) == 0;
    }
    if (error != 0 || !message) return false;
    keeper_message answer{.verb = message->verb, .value = 0, .keys = {}};
    std::vector<int> descriptors;
    switch (message->verb) {
        case keeper_verb::put:
            answer.value = put(*message, received);
            break;
        case keeper_verb::fetch:
            answer = fetch(message->value, descriptors);
            break;
        case keeper_verb::remove:
            for (const auto& key : message->keys) kept.erase(key);
            break;
        case keeper_verb::remove_block:
            if (!message->keys.empty()) remove_block(message->keys.front().block);
            break;
        case keeper_verb::end:
            kept.clear();
            berth::platform::send_message(connection, encode(answer));
            std::exit(0);
    }
    return berth::platform::send_message(connection, encode(answer), descriptors) == 0;
}

bool may_command(int connection) {
    berth::platform::credentials asker;
    return berth::platform::credentials_of(connection, asker) == 0 && (asker.uid == 0 || asker.uid == ::geteuid());
}

}  // namespace

int main() {
    prepare();
    ::fcntl(listener, F_SETFD, FD_CLOEXEC);
    ::listen(listener, 64);  // so that who connects sees this process as the other side
    for (;;) {
        pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, -1) < 0 && errno != EINTR) return 1;
        if ((waiting.revents & (POLLNVAL | POLLERR)) != 0) return 1;  // not started by berthd
        descriptor connection;
        if (berth::platform::accept_local(listener, true, connection) != 0) continue;
        if (!may_command(connection.get())) continue;
        while (serve_one(connection.get())) {
        }
    }
}
