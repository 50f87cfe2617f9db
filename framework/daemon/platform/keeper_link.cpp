// Talking to the keeper, and starting it; see keeper_link.hpp.
#include "platform/keeper_link.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

extern char** environ;

namespace berth::daemon {
namespace {

constexpr std::chrono::milliseconds patience{2'000};

std::string reason(int error) { return std::generic_category().message(error); }

failure failed(std::string what, int error) {
    return {error == EMFILE ? errc::too_many_files : errc::system_failure, std::move(what) + ": " + reason(error), 0,
            0};
}

int spawn(const std::string& program, int listener, int& child) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    for (const int fd : {0, 1, 2}) posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, listener, 3);
    posix_spawn_file_actions_addchdir_np(&files, "/");
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    std::string name = "berth_keeper";
    char* const arguments[] = {name.data(), nullptr};
    const int error = posix_spawn(&child, program.c_str(), &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

}  // namespace

int keeper_link::connect() {
    platform::descriptor fd;
    if (const int error = platform::connect_local(place_.socket_path, patience, fd); error != 0) return error;
    platform::credentials listening;
    if (const int error = platform::credentials_of(fd.get(), listening); error != 0) return error;
    if (listening.uid != 0 && listening.uid != ::geteuid()) return EPERM;
    connection_ = std::move(fd);
    if (listening.pid != ::getpid()) process_ = listening.pid;  // ours, as long as a new keeper has not yet run
    return 0;
}

// The listening socket is the daemon's work, so that the keeper can be spoken to before it runs.
void keeper_link::start(failure& f) {
    platform::descriptor listener;
    if (const int error = platform::listen_local(place_.socket_path, static_cast<gid_t>(-1), listener); error != 0) {
        f = failed("the keeper's socket " + place_.socket_path + " cannot be made", error);
        return;
    }
    const platform::descriptor high(
        ::fcntl(listener.get(), F_DUPFD_CLOEXEC, 10));  // not 3 itself: dup2 would do nothing
    if (const int error = spawn(place_.program, high.get(), process_); error != 0) {
        ::unlink(place_.socket_path.c_str());
        f = failed("the keeper " + place_.program + " cannot be started (--keeper names another one)", error);
    }
}

std::unique_ptr<keeper_link> keeper_link::open(const keeper_place& place, failure& f) {
    f = {};
    std::unique_ptr<keeper_link> link(new keeper_link(place));
    int error = link->connect();
    if (error == ENOENT || error == ECONNREFUSED) {
        link->start(f);
        if (f) return nullptr;
        error = link->connect();
    }
    if (error != 0) f = failed("no keeper answers at " + place.socket_path, error);
    return f ? nullptr : std::move(link);
}

bool keeper_link::end(const std::string& socket_path, failure& f) {
    f = {};
    keeper_link link({socket_path, {}});
    const int error = link.connect();
    if (error == ENOENT || error == ECONNREFUSED) return false;
    if (error != 0) {
        f = failed("the keeper at " + socket_path + " cannot be reached", error);
        return false;
    }
    link.tell({keeper_verb::end, 0, {}}, {}, f);
    if (!f) ::unlink(socket_path.c_str());
    return !f;
}

bool keeper_link::ask(const keeper_message& request, std::span<const int> descriptors, keeper_message& answer,
                      std::vector<platform::descriptor>& received, failure& f) {
    std::byte bytes[most_keeper_message];
    std::size_t size = 0;
    int error = platform::send_message(connection_.get(), encode(request), descriptors);
    if (error == 0) error = platform::receive_message(connection_.get(), bytes, size, received);
    if (error == 0 && size == 0) error = ECONNRESET;
    auto parsed = error == 0 ? parse_keeper_message(std::span(bytes).first(size)) : std::nullopt;
    if (error == 0 && (!parsed || parsed->verb != request.verb || parsed->keys.size() != received.size())) {
        error = EBADMSG;
    }
    if (error != 0) {
        f = failed("the keeper at " + place_.socket_path + " does not answer as it should", error);
        connection_ = {};  // an answer that comes late must not be taken for the next one's
        return false;
    }
    answer = std::move(*parsed);
    return true;
}

void keeper_link::tell(const keeper_message& request, std::span<const int> descriptors, failure& f) {
    keeper_message answer;
    std::vector<platform::descriptor> none;
    if (!ask(request, descriptors, answer, none, f) || answer.value == 0) return;
    f = failed("the keeper at " + place_.socket_path + " cannot hold more (LimitNOFILE=, ulimit -n)",
               static_cast<int>(answer.value));
}

void keeper_link::put(std::span<const kept_socket> sockets, failure& f) {
    f = {};
    while (!sockets.empty() && !f) {
        const auto some = sockets.first(std::min(sockets.size(), keys_per_message));
        keeper_message request{.verb = keeper_verb::put, .value = 0, .keys = {}};
        std::vector<int> descriptors;
        for (const auto& s : some) {
            request.keys.push_back(s.key);
            descriptors.push_back(s.fd);
        }
        tell(request, descriptors, f);
        sockets = sockets.subspan(some.size());
    }
}

void keeper_link::fetch(std::vector<kept_socket>& out, failure& f) {
    f = {};
    keeper_message answer;
    do {
        std::vector<platform::descriptor> received;
        if (!ask({keeper_verb::fetch, answer.value, {}}, {}, answer, received, f)) return;
        for (std::size_t i = 0; i < received.size(); ++i) out.push_back({answer.keys[i], received[i].release()});
    } while (answer.value != 0);
}

void keeper_link::remove(std::span<const kept_key> keys, failure& f) {
    f = {};
    while (!keys.empty() && !f) {
        const auto some = keys.first(std::min(keys.size(), keys_per_message));
        tell({keeper_verb::remove, 0, {some.begin(), some.end()}}, {}, f);
        keys = keys.subspan(some.size());
    }
}

void keeper_link::remove_block(std::uint64_t block, failure& f) {
    f = {};
    tell({keeper_verb::remove_block, 0, {{block, 0, socket_role::holder}}}, {}, f);
}

bool keeper_link::renew(failure& f) {
    f = {};
    pollfd gone{.fd = connection_.get(), .events = POLLIN, .revents = 0};
    if (connection_ && ::poll(&gone, 1, 0) == 0) return false;
    connection_ = {};
    auto fresh = open(place_, f);
    if (fresh) *this = std::move(*fresh);
    return true;
}

std::string keeper_link::describe() const { return "a keeper of berth's own, process " + std::to_string(process_); }

}  // namespace berth::daemon
