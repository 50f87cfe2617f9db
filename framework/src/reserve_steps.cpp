// The steps of a reserve; see reserve_steps.hpp.
#include "reserve_steps.hpp"

#include "platform/random_bytes.hpp"
#include "say.hpp"
#include "token_table.hpp"
#include "wildcard.hpp"

#include <algorithm>
#include <new>

namespace berth::detail {
namespace {

constexpr int wildcard_tries = 64;

// Once a process: whoever asks for dual-stack blocks asks for more than one.
void note_ipv4_alone() noexcept {
    static std::atomic<bool> is_said{false};
    if (is_said.exchange(true)) return;
    log_words(log_level::warning, [] {
        return "this kernel has no IPv6: dual-stack blocks are IPv4 alone (ask for address_family::ipv4 to say so)";
    });
}

bool asks_for_ipv6(const asio::ip::address& a) noexcept { return a.is_v6() && !a.is_unspecified(); }

}  // namespace

failure no_name_of_namespace(const error_code& why) {
    const bool descriptors = why == errc::too_many_files;
    return {why,
            "the system does not say in which network namespace this is (a socket is asked for SO_NETNS_COOKIE): " +
                why.message() +
                (descriptors ? "; raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=) or reserve fewer ports" : "; try again"),
            0, 0};
}

reserve_steps::reserve_steps(platform::port_provider& provider, const reservation_request& request, lane_clock clock,
                             std::vector<platform::held_sockets> inherited, reservation_token drawn_from,
                             waker* waker)
    : provider_(provider),
      core_(std::make_shared<reservation_core>(provider, request, clock)),
      request_(core_->request_),
      is_wildcard_(request_.block.is_wildcard()),
      kinds_(kinds_of(request_)),
      inherited_(std::move(inherited)),
      drawn_from_(drawn_from),
      waker_(waker) {}

// In a forked child the sockets are copies, and the parent goes on with its own.
reserve_steps::~reserve_steps() {
    if (!core_ || !core_->is_forked()) return;
    for (auto& block : blocks_) {
        block->abandon();
        static_cast<void>(block.release());
    }
}

bool reserve_steps::advance(std::uint32_t most) {
    try {
        step(most);
    } catch (const std::bad_alloc&) {
        core_->lanes_.clear();
        std::erase(blocks_, nullptr);       // those that were in lanes
        fail({errc::no_memory, {}, 0, 0});  // no words: they would need memory
    }
    return next_ != stage::over;
}

void reserve_steps::step(std::uint32_t most) {
    if (is_cancelled_.load(std::memory_order_relaxed) && next_ < stage::undo) {
        if (is_waiting()) return blocks_.back()->stop_waiting();  // and its end is waited for like any other
        return fail({errc::operation_aborted, "cancelled; everything that was held is let go of", 0, 0});
    }
    switch (next_) {
        case stage::check:
            return check();
        case stage::survey:
            return survey();
        case stage::choose:
            return choose();
        case stage::prepare:
            return prepare();
        case stage::hold:
            return hold(most);
        case stage::seal:
            return seal(most);
        case stage::undo:
            return undo(most);
        case stage::adopt:
            return adopt();
        case stage::start:
            return start(most);
        case stage::over:
            return;
    }
}

void reserve_steps::check() {
    if (auto f = check_request(request_)) return fail(std::move(f));
    if (request_.family == address_family::dual && !asks_for_ipv6(request_.address) && provider_.lacks_ipv6()) {
        request_.family = address_family::ipv4;
        note_ipv4_alone();
    }
    next_ = is_wildcard_ ? stage::survey : stage::prepare;
}

void reserve_steps::survey() {
    if (!surveying_) surveying_ = provider_.begin_survey(kinds_[surveyed_]);
    if (surveying_->look(map_)) return;
    surveying_.reset();
    if (++surveyed_ == kinds_.size()) next_ = stage::choose;
}

void reserve_steps::choose() {
    const std::uint32_t count = request_.block.count;
    std::uint64_t random = 0;
    platform::random_bytes(&random, sizeof random);
    const auto first =
        tries_++ < wildcard_tries ? choose_run(map_, count, request_.avoid_common_ports, random) : std::nullopt;
    if (!first) {
        why_.code = errc::block_unavailable;
        why_.what = "no run of " + std::to_string(count) +
                    " free ports was found for a wildcard block; ask for fewer "
                    "ports, or for several smaller blocks";
        why_.count = count;
        next_ = stage::over;
        return core_.reset();
    }
    why_ = {};
    request_.block.first = *first;
    next_ = stage::prepare;
}

void reserve_steps::prepare() {
    failure f;
    const platform::hold_request request{.kind = kinds_[blocks_.size()],
                                         .block = request_.block,
                                         .family = request_.family,
                                         .address = request_.address,
                                         .backlog = request_.backlog,
                                         .sessions_per_port = request_.sessions_per_port,
                                         .device = request_.device,
                                         .park = request_.park,
                                         .inherited = std::move(inherited_),
                                         .drawn_from = drawn_from_.value(),
                                         .waker = waker_};
    blocks_.reserve(kinds_.size());
    auto block = provider_.prepare(request, f);
    if (block) blocks_.push_back(std::move(block));
    if (f) return fail(std::move(f));
    next_ = stage::hold;
}

void reserve_steps::hold(std::uint32_t most) {
    failure f;
    blocks_.back()->hold(most, f);
    if (f) return fail(std::move(f));
    if (blocks_.back()->held() == request_.block.count * request_.sessions_per_port) next_ = stage::seal;
}

void reserve_steps::seal(std::uint32_t most) {
    failure f;
    const bool more = blocks_.back()->seal_some(most, f);
    if (f) return fail(std::move(f));
    if (!more) next_ = blocks_.size() == kinds_.size() ? stage::adopt : stage::prepare;
}

void reserve_steps::fail(failure f) {
    why_ = std::move(f);
    left_ = blocks_.empty() ? 0 : blocks_.back()->held();
    next_ = stage::undo;
    if (blocks_.empty()) after_undo();
}

// The last one first, port by port: to close all of a large block's sockets takes long.
void reserve_steps::undo(std::uint32_t most) {
    for (; most != 0 && left_ != 0; --most) blocks_.back()->drop(--left_);
    if (left_ != 0) return;
    blocks_.pop_back();
    if (blocks_.empty()) return after_undo();
    left_ = blocks_.back()->held();
}

void reserve_steps::after_undo() {
    const bool raced =
        why_.code == errc::block_unavailable || (why_.code == errc::permission_denied && request_.block.first < 1024);
    if (is_wildcard_ && raced) {
        map_.used[why_.port] = true;  // the port in question: choose around it
        request_.block.first = 0;
        next_ = stage::choose;
    } else {
        next_ = stage::over;
        core_.reset();
    }
}

void reserve_steps::adopt() {
    error_code unknown;
    core_->network_ = provider_.network_namespace(unknown);
    if (unknown) return fail(no_name_of_namespace(unknown));
    core_->request_ = request_;
    core_->lanes_.reserve(kinds_.size());
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
        core_->lanes_.push_back(
            std::make_unique<port_lane>(*core_, request_, kinds_[i], std::move(blocks_[i]), core_->clock_));
    }
    blocks_.clear();
    next_ = stage::start;
}

void reserve_steps::start(std::uint32_t most) {
    const std::uint32_t count = core_->indices();
    const std::uint32_t from = started_ % count, upto = from + std::min(most, count - from);
    core_->lanes_[started_ / count]->start(from, upto);
    started_ += upto - from;
    if (started_ < count * core_->lanes_.size()) return;
    core_->is_drawn_ = static_cast<bool>(drawn_from_);
    core_->token_ = drawn_from_ ? drawn_from_ : token_table::instance().add(core_);
    if (drawn_from_) token_table::instance().add(core_, drawn_from_);
    next_ = stage::over;
}

}  // namespace berth::detail
