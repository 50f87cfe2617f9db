// The predecessor's way through a hand-over; see offering.hpp. What it sends: offering_parts.cpp.
#include "handover/offering.hpp"

#include "guarded.hpp"
#include "log.hpp"
#include "platform/fork_stamp.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

failure invalid(std::string what) { return {errc::invalid_argument, std::move(what), 0, 0}; }

}  // namespace

std::shared_ptr<offering> offering::open(const std::string& address, failure& f) noexcept {
    return guarded(f, [&]() -> std::shared_ptr<offering> {
        auto door = platform::handover_door::open(address, f);
        return door ? std::make_shared<system_offering>(std::move(door)) : nullptr;
    });
}

void offering::offers_nothing(failure& f) noexcept {
    f = {errc::invalid_argument, {}, 0, 0};
    say(f, [] { return "this object offers nothing: it has no address"; });
}

system_offering::system_offering(std::unique_ptr<platform::handover_door> door)
    : door_(std::move(door)), stamp_(platform::fork_stamp()) {}

// While a successor is at work with everything, the end of this object is the end of our hold on it.
system_offering::~system_offering() {
    if (platform::fork_stamp() != stamp_) {
        static_cast<void>(door_.release());  // the parent's, and so is its name
    } else if (stage_ == stage::passing) {
        finish();
    } else if (stage_ == stage::sending) {
        call_off([] { return "the offer ended"; });
    }
}

// What a child has is its parent's: nothing of it is said, heard, or called off.
bool system_offering::is_forked(failure& f) const {
    if (platform::fork_stamp() == stamp_) return false;
    f = {errc::forked, "the offer is the parent's of this process; open one of your own, at another address", 0, 0};
    return true;
}

native_handle_type system_offering::waits_on() const noexcept {
    return stage_ == stage::over ? native_handle_type(-1) : static_cast<native_handle_type>(door_->waits_on());
}

bool system_offering::advance(error_code& ec) {
    try {
        return go_on(ec);
    } catch (const std::bad_alloc&) {
        // As if nobody had come; but who has everything keeps it, and goes on with the next operation.
        if (stage_ != stage::passing) fall_back({errc::no_memory, {}, 0, 0});
        ec = errc::no_memory;
        return true;
    }
}

bool system_offering::go_on(error_code& ec) {
    if (is_forked(why_)) return ec = errc::forked, true;
    using event = platform::handover_door::event;
    platform::handover_message m;
    while (stage_ != stage::over) {
        failure f;
        switch (door_->next(m, f)) {
            case event::none:
                return false;
            case event::message:
                hear(m);
                break;
            case event::stranger:
                refuse({errc::permission_denied, "ports are handed over to processes of the same uid alone", 0, 0});
                break;
            case event::gone:
                if (!refused_)
                    refused_ = {errc::operation_aborted, "the successor ended before it had taken over", 0, 0};
                fall_back(std::move(refused_));
                break;
            case event::unclear:
                if (stage_ == stage::passing) return false;  // it lives, and uses what it has
                refuse(invalid("not a message of a hand-over"));
                break;
            case event::late:
                if (stage_ == stage::passing) {
                    note_silence();
                    break;
                }
                refuse({errc::operation_aborted, "the successor said nothing for five seconds", 0, 0});
                break;
            case event::failed:
                why_ = f;
                ec = f.code;
                return true;
        }
    }
    ec = {};
    return true;
}

// It is not hung up on: it may be serving, and a port would be in two hands.
void system_offering::note_silence() {
    door_->patience({});
    why_ = {errc::operation_aborted,
            "a successor has everything for five seconds and has not completed; nothing can be drawn until it "
            "completes or ends",
            0, 0};
    log(log_level::warning, why_.what);
}

bool system_offering::abort() {
    if (failure f; is_forked(f)) return true;
    if (stage_ == stage::passing || stage_ == stage::over) return false;
    if (stage_ == stage::sending) call_off([] { return "the predecessor called it off"; });
    return true;
}

void system_offering::hear(const platform::handover_message& m) {
    handover_reader in(m);
    const bool is_sending = stage_ == stage::sending;
    switch (in.verb()) {
        case handover_verb::hello:
            if (const auto version = in.get<std::uint32_t>(); stage_ == stage::idle && in.is_all()) {
                return begin(version);
            }
            break;
        case handover_verb::next:
            if (is_sending && in.is_all()) return send_part();
            break;
        case handover_verb::ready:
            if (is_sending && next_ == steps_.size() && in.is_all()) return pass();
            break;
        case handover_verb::have:
            if (stage_ == stage::passing) return finish();
            break;
        case handover_verb::no:
            refused_ = refusal_of(in, "the successor");
            if (stage_ == stage::passing) return;  // what it has counts until it has let go of it, and hung up
            return fall_back(std::move(refused_));
        default:
            break;
    }
    if (stage_ == stage::passing) return;  // it has everything: nonsense does not make it undone
    refuse(invalid("not a message of a hand-over, or not its turn"));
}

void system_offering::begin(std::uint32_t version) {
    if (version != handover_version) {
        return refuse({errc::operation_not_supported,
                       "the predecessor speaks version " + std::to_string(handover_version) +
                           " of the hand-over, the successor " + std::to_string(version),
                       0, 0});
    }
    std::erase_if(entries_, [](const entry& e) { return e.core->now() == phase::released; });
    for (const auto& e : entries_) {
        under_way u{e.name, e.core, {}};
        for (const auto& lane : e.core->lanes()) {
            failure f;
            auto board = platform::handover_board::make(e.core->block().count, f);
            if (f) return refuse(std::move(f));
            u.lanes.push_back({lane.get(), lane->live_priors(), std::move(board), {}});
        }
        under_way_.push_back(std::move(u));
    }
    for (auto& u : under_way_) {
        for (auto& l : u.lanes) l.lane->keep_sessions(true);
    }
    stage_ = stage::sending;
    plan();
    send_offer();
}

void system_offering::pass() {
    handover_step("freezing");
    std::vector<std::vector<std::shared_ptr<platform::handover_board>>> boards(under_way_.size());
    for (std::size_t i = 0; i < boards.size(); ++i) {
        for (auto& l : under_way_[i].lanes) {
            boards[i].push_back(l.board);
            l.lane->make_room_to_freeze();
        }
    }
    const handover_writer yours(handover_verb::yours);
    std::size_t frozen = 0;  // from here on nothing takes memory, until it is passing or thawed
    while (frozen < under_way_.size() && under_way_[frozen].core->freeze(std::move(boards[frozen]))) ++frozen;
    if (frozen != under_way_.size()) {
        for (std::size_t i = 0; i < frozen; ++i) under_way_[i].core->thaw();
        return refuse({errc::reservation_released, "'" + under_way_[frozen].name + "' was released meanwhile", 0, 0});
    }
    for (auto& u : under_way_) {
        for (auto& l : u.lanes) {
            for (const auto& n : l.names) {
                if (l.lane->loan(n.index) != n.loan) l.board->say_another(n.index);
            }
        }
    }
    handover_step("frozen");
    stage_ = stage::passing;
    door_->patience(std::chrono::seconds(5));
    answer(yours);
}

void system_offering::finish() {
    handover_step("passing on");
    for (auto& u : under_way_) u.core->pass_on();
    stage_ = stage::over;
    door_->close_behind();
    why_ = {};
    under_way_.clear();
    entries_.clear();
    names_.clear();
    handover_step("passed on");
}

bool system_offering::answer(const handover_writer& out, std::span<const platform::native_socket> descriptors) {
    handover_step("answering");
    const auto sent = door_->answer(out.bytes(), descriptors);
    handover_step("answered");
    if (sent == platform::line_state::fine) return true;
    failure f{errc::operation_aborted, "the successor ended before it had taken over", 0, 0};
    if (sent == platform::line_state::flooded) {
        std::uint64_t open = 0, limit = 0;
        platform::count_descriptors(open, limit);
        f = {errc::too_many_files,
             std::to_string(descriptors.size()) + " descriptors in a message are more than RLIMIT_NOFILE " +
                 std::to_string(limit) + " lets this user have under way; raise it (ulimit -n, LimitNOFILE=)",
             0, 0};
    }
    fall_back(std::move(f));
    return false;
}

// One that cannot be told why hears the end of its line.
void system_offering::refuse(failure f) noexcept {
    try {
        door_->answer(refusal(f).bytes(), {});
    } catch (const std::bad_alloc&) {
    }
    fall_back(std::move(f));
}

template <class Words>
void system_offering::call_off(Words words) noexcept {
    failure f{errc::operation_aborted, {}, 0, 0};
    say(f, words);
    refuse(std::move(f));
}

// As if nobody had come.
void system_offering::fall_back(failure f) noexcept {
    for (auto& u : under_way_) {
        for (auto& l : u.lanes) l.lane->keep_sessions(false);
        if (stage_ == stage::passing) u.core->thaw();
    }
    log_words(log_level::warning,
              [&] { return "a hand-over came to nothing: " + (f.what.empty() ? f.code.message() : f.what); });
    why_ = std::move(f);
    refused_ = {};
    stage_ = stage::idle;
    under_way_.clear();
    steps_.clear();
    next_ = 0;
    door_->hang_up();
}

}  // namespace berth::detail
