// Descriptors, connections, ports, deaths.
#include "simulation/daemon_machine.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace berth::simulation {
namespace {

machine* only = nullptr;

}  // namespace

connection_end::~connection_end() {
    if (other == nullptr) return;
    other->other = nullptr;
    other->is_reset = !inbox.empty();
}

bound_socket::~bound_socket() {
    auto& there = where->ports_[port];
    std::erase(there, this);
    if (there.empty()) where->ports_.erase(port);
}

std::size_t process::open() const {
    return static_cast<std::size_t>(std::count_if(table.begin(), table.end(), [](const auto& t) { return t != nullptr; }));
}

machine::machine(std::uint64_t seed) : random_(seed) {
    only = this;
    start_daemon();
}

machine::~machine() {
    daemon_.reset();
    only = nullptr;
}

machine* machine::here() noexcept { return only; }

int machine::open(thing_ref what) {
    auto& table = running->table;
    const auto free = std::find(table.begin(), table.end(), nullptr);
    if (static_cast<std::size_t>(free - table.begin()) >= running->most) return -1;
    const auto at = static_cast<int>(free - table.begin());
    if (free == table.end()) {
        table.push_back(std::move(what));
    } else {
        *free = std::move(what);
    }
    return first_descriptor + at;
}

thing_ref machine::at(int fd) const {
    const auto index = static_cast<std::size_t>(fd - first_descriptor);
    return fd < first_descriptor || index >= running->table.size() ? nullptr : running->table[index];
}

bool machine::close(int fd) {
    if (running->is_dead) return true;
    const auto index = static_cast<std::size_t>(fd - first_descriptor);
    if (at(fd) == nullptr) {
        complain("descriptors: " + running->name + " closes one that is not open");
        return false;
    }
    const auto gone = std::move(running->table[index]);
    running->table[index] = nullptr;
    return true;
}

int machine::duplicate(int fd) {
    const auto what = at(fd);
    return what == nullptr ? -1 : open(what);
}

std::pair<std::shared_ptr<connection_end>, std::shared_ptr<connection_end>> machine::connect() {
    auto a = make<connection_end>(), b = make<connection_end>();
    a->other = b.get(), b->other = a.get();
    return {a, b};
}

int machine::send(connection_end& from, sent_message message) {
    if (from.other == nullptr) return EPIPE;
    if (from.other->inbox.size() >= room) return EAGAIN;
    from.other->inbox.push_back(std::move(message));
    return 0;
}

std::shared_ptr<bound_socket> machine::bind(port_key port, bool holder) {
    auto made = make<bound_socket>();
    made->where = this;
    made->port = port;
    made->is_holder = holder;
    made->inode = next_inode_++;
    ports_[port].push_back(made.get());
    return made;
}

const std::vector<bound_socket*>& machine::sockets_of(port_key port) const {
    static const std::vector<bound_socket*> none;
    const auto found = ports_.find(port);
    return found == ports_.end() ? none : found->second;
}

void machine::start_daemon() {
    daemon_ = std::make_unique<process>();
    daemon_->name = "berthd";
    running = daemon_.get();
    no_more_faults();
}

// Who shares its memory goes on with what is there now; what it writes afterwards is its own.
void machine::kill_daemon() {
    if (daemon_->is_dead) return;
    daemon_->is_dead = true;
    const auto gone = std::exchange(daemon_->table, {});
    for (const auto& what : gone) {
        auto* const file = dynamic_cast<memory_file*>(what.get());
        if (file != nullptr && file->words) {
            file->words = std::make_shared<std::vector<std::uint64_t>>(*file->words);
        }
    }
}

daemon_call::daemon_call(machine& m) : machine_(m) {
    if (m.running != m.daemon_.get()) return;
    if (m.running->is_dead) {
        goes_ = false, is_dead_ = true;
        return;
    }
    const auto now = ++m.calls_;
    if (now == m.die_at_) {
        if (m.how_ == death::after) {
            dies_after_ = true;
            return;
        }
        goes_half_ = m.how_ == death::in_the_middle;
        goes_ = false, is_dead_ = true;
        m.kill_daemon();
    } else if (now >= m.fail_at_ && now < m.fail_until_) {
        goes_ = false, goes_half_ = m.how_ == death::in_the_middle;
        ++m.failed_;
    }
}

daemon_call::~daemon_call() {
    if (dies_after_) machine_.kill_daemon();
}

}  // namespace berth::simulation
