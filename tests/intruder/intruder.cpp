// The parent's side: starts the children, gives orders, adds up.
#include "intruder.hpp"

#include "intruder_loop.hpp"
#include "intruder_page.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <ostream>
#include <stdexcept>

namespace berth::test {

constexpr uid_t nobody = 65534;

intruder_crew::intruder_crew(attacked what) : what_(what) {
    prepare_attack_ground();
    variations_ = attack_variations(what);
    if (variations_.size() > most_variations) throw std::length_error("more attack variations than tallies");
    void* memory = mmap(nullptr, sizeof(intruder_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    page_ = new (memory) intruder_page{};
    const pid_t parent = getpid();
    for (unsigned i = 0; i < most_intruders; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            const bool as_nobody = i == 1 && geteuid() == 0;
            intruder_loop{*page_, page_->tally[i], variations_, what_, i}.run(parent, as_nobody ? nobody : 0);
        }
        if (child < 0) {
            stop();
            throw std::runtime_error("no process for an intruder");
        }
        children_.push_back(child);
    }
    let_go();
}

intruder_crew::~intruder_crew() {
    stop();
    munmap(page_, sizeof *page_);
}

void intruder_crew::attack(std::uint16_t first, std::uint32_t count) { give_order(first, count, false, false); }

void intruder_crew::lie_in_wait(std::uint16_t first, std::uint32_t count) { give_order(first, count, true, false); }

void intruder_crew::let_go() { give_order(0, 0, false, true); }

void intruder_crew::changing_hands(std::uint16_t port) noexcept {
    page_->changing_hands.store(port, std::memory_order_relaxed);
}

void intruder_crew::promise_begins() noexcept {
    if (!(page_->promise.load() & 1)) ++page_->promise;
}

void intruder_crew::promise_ends() noexcept {
    if (page_->promise.load() & 1) ++page_->promise;
}

std::uint32_t intruder_crew::inside(std::uint16_t port) const noexcept { return page_->inside[port].load(); }

void intruder_crew::give_order(std::uint16_t first, std::uint32_t count, bool ambush, bool drop_kept) {
    page_->changing_hands = 0;
    page_->first = first, page_->count = count, page_->ambush = ambush, page_->drop_kept = drop_kept;
    ++page_->order;
    await_children();
}

void intruder_crew::await_children() {
    for (unsigned i = 0; i < children_.size(); ++i)
        while (page_->tally[i].seen != page_->order) {
            if (waitpid(children_[i], nullptr, WNOHANG) != 0) {
                children_.erase(children_.begin() + i);
                throw std::runtime_error("an intruder ended by itself");
            }
            usleep(50);
        }
}

std::uint64_t intruder_crew::tries() const noexcept {
    std::uint64_t sum = 0;
    for (const intruder_tally& t : page_->tally) sum += t.tries;
    return sum;
}

std::uint64_t intruder_crew::hits() const noexcept {
    std::uint64_t sum = 0;
    for (const intruder_tally& t : page_->tally) sum += t.bound;
    return sum;
}

intruder_report intruder_crew::report() const {
    intruder_report r;
    r.variations = static_cast<std::uint32_t>(variations_.size());
    r.rounds = ~std::uint64_t{0};
    for (const intruder_tally& t : page_->tally) {
        r.tries += t.tries, r.bound += t.bound, r.listening += t.listening;
        r.received += t.received, r.broken_promises += t.broken_promises;
        r.rounds = std::min<std::uint64_t>(r.rounds, t.rounds);
        r.skipped = std::max<std::uint32_t>(r.skipped, t.skipped);
    }
    for (std::size_t v = 0; v < variations_.size(); ++v) {
        std::uint32_t count = 0;
        for (const intruder_tally& t : page_->tally) count += t.hits[v];
        if (count) r.hits.push_back(variations_[v].describe() + ": " + std::to_string(count));
    }
    return r;
}

intruder_report intruder_crew::stop() {
    page_->stop = true;
    for (pid_t child : children_) {
        for (int i = 0; i < 2000 && waitpid(child, nullptr, WNOHANG) == 0; ++i) {
            if (i == 1000) kill(child, SIGKILL);
            usleep(1000);
        }
    }
    children_.clear();
    return report();
}

std::ostream& operator<<(std::ostream& out, const intruder_report& r) {
    out << "intruders: " << r.tries << " tries over " << r.variations << " variations (" << r.skipped
        << " not possible here), " << r.rounds << " full rounds; " << r.bound << " bound, " << r.listening
        << " listening, " << r.received << " received, " << r.broken_promises << " against a promise\n";
    for (std::size_t i = 0; i < r.hits.size() && i < 12; ++i) out << "    " << r.hits[i] << '\n';
    if (r.hits.size() > 12) out << "    and " << r.hits.size() - 12 << " variations more\n";
    return out;
}

}  // namespace berth::test
