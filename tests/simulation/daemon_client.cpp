// What a client says and hears; see daemon_client.hpp.
#include "simulation/daemon_client.hpp"

#include <algorithm>

namespace berth::simulation {

using detail::request_kind;
using detail::service_request;
using detail::share_message;
using detail::share_verb;

namespace {

template <class Bytes>
std::vector<std::byte> all_of(const Bytes& bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

void client::connect(machine& m, listening_door& door) {
    auto [own, daemons] = m.connect();
    end = own;
    daemons->peer = who;
    daemons->client = number;
    door.waiting.push_back(daemons);
}

bool client::say(const std::vector<std::byte>& bytes, std::vector<thing_ref> things) {
    return end != nullptr && machine::send(*end, {bytes, std::move(things)}) == 0;
}

bool client::ask(service_request request) {
    if (end == nullptr || is_consumer || asked_for) return false;
    request.id = ++asked_;
    if (!say(all_of(encode(request)))) return false;
    asked_for = request;
    return true;
}

std::string client::read(machine& m) {
    if (end == nullptr) return {};
    end->is_reset = false;
    if (end->inbox.empty()) {
        if (end->other != nullptr) return {};
        asked_for.reset();
        fetching.clear();
        std::erase_if(has, [](const auto& p) { return !p.second.is_busy; });  // stranded
        if (has.empty()) die();
        return {};
    }
    const auto came = std::move(end->inbox.front());
    end->inbox.pop_front();
    if (is_consumer) {
        if (m.chance(15) && !came.things.empty()) {  // no descriptors for them
            if (const auto cut = detail::parse_share_message(came.bytes)) number_ = cut->number, fetching.erase(cut->id);
            must_say_holding_ = true;
        } else if (auto wrong = read_as_consumer(came); !wrong.empty()) {
            return wrong;
        }
        tidy();
        return {};
    }
    if (is_rude) {
        asked_for.reset();
        return {};
    }
    if (!came.things.empty()) return "answers: descriptors for one who is no consumer";
    const auto answer = detail::parse_answer(came.bytes);
    if (!answer && detail::parse_share_message(came.bytes) && asked_for && asked_for->kind == request_kind::take) {
        die();  // the daemon that was to answer is no more: begun anew
        return {};
    }
    if (!answer) return "answers: one that is none";
    if (!asked_for || answer->id != asked_for->id || answer->kind != asked_for->kind) {
        return "answers: one to what was not asked";
    }
    if (answer->kind == request_kind::take && answer->error == errc{}) {
        is_consumer = true;
        protocol = answer->protocol, block = answer->block;
    }
    asked_for.reset();
    answers.push_back(*answer);
    return {};
}

std::string client::read_as_consumer(const sent_message& came) {
    if (const auto answer = detail::parse_answer(came.bytes)) {
        if (answer->kind != request_kind::fetch || answer->error == errc{}) return "answers: of another kind";
        if (fetching.erase(answer->id) == 0 && !is_rude) return "answers: one to what was not asked";
        return {};
    }
    const auto message = detail::parse_share_message(came.bytes);
    if (!message) return "answers: one that is none";
    switch (message->verb) {
        case share_verb::fetched:
            wants_all_ = false;
            number_ = message->number;
            if (fetching.erase(message->id) == 0 && !is_rude) return "answers: ports for what was not asked";
            for (std::size_t i = 0; i < came.things.size(); ++i) {
                auto socket = std::dynamic_pointer_cast<bound_socket>(came.things[i]);
                if (!socket || socket->is_holder || i >= message->ports.size() ||
                    socket->port != port_key{protocol == transport::tcp, message->ports[i]}) {
                    return "sharing: a socket that is not the port's";
                }
                if (!has.emplace(message->ports[i], held_port{socket}).second) {
                    if (!is_rude) return "sharing: a port that is here already";
                    has[message->ports[i]] = {socket};
                }
            }
            return came.things.size() == message->ports.size() ? "" : "sharing: fewer sockets than ports";
        case share_verb::recall:
            send_idle(message->count, true);
            return {};
        case share_verb::recall_all:
            wants_all_ = true;
            send_idle(~0u, true);
            return {};
        case share_verb::keep:
            wants_all_ = false;
            return {};
        case share_verb::restarted:
            wants_all_ = false;
            epoch_ = message->epoch;
            number_ = 0;
            fetching.clear();
            must_say_holding_ = true;
            return {};
        default:
            return "sharing: a word that is a consumer's";
    }
}

bool client::say_share(const share_message& message) {
    if (say(encode(message))) return true;
    must_say_holding_ = true;
    return false;
}

void client::send_idle(std::uint32_t most, bool answers_recall) {
    share_message message{.verb = share_verb::give_back};
    for (auto p = has.begin(); p != has.end() && most != 0;) {
        if (p->second.is_busy) {
            ++p;
            continue;
        }
        message.ports.push_back(p->first);
        p = has.erase(p);
        --most;
    }
    if (answers_recall || !message.ports.empty()) say_share(message);
}

void client::fetch(detail::fetch_kind what, std::uint16_t port, std::uint32_t count) {
    if (!is_consumer || end == nullptr) return;
    if (must_say_holding_) say_holding();
    if (must_say_holding_) return;
    service_request request{.kind = request_kind::fetch, .id = ++asked_, .block = {0, count}, .what = what};
    if (what == detail::fetch_kind::given) request.block = {port, 1};
    if (say(all_of(encode(request)))) fetching.insert(request.id);
}

void client::give_back(std::size_t from, std::size_t most, bool spoilt) {
    share_message message{.verb = spoilt ? share_verb::spoilt : share_verb::give_back};
    if (has.empty()) return;
    auto p = std::next(has.begin(), static_cast<std::ptrdiff_t>(from % has.size()));
    for (; p != has.end() && message.ports.size() < most; p = has.erase(p)) message.ports.push_back(p->first);
    say_share(message);
}

void client::say_holding() {
    if (!is_consumer || end == nullptr) return;
    share_message message{.verb = share_verb::holding, .epoch = epoch_, .number = number_};
    message.held.resize(block.count);
    for (const auto& [port, p] : has) message.held[std::size_t{port} - block.first] = true;
    must_say_holding_ = !say(encode(message));
}

void client::be_rude(machine& m, std::uint32_t how) {
    if (end == nullptr) return;
    is_rude = true;
    std::vector<std::byte> bytes = all_of(encode(service_request{.kind = request_kind::status, .id = 7}));
    std::vector<thing_ref> things;
    switch (how % 8) {
        case 0:  // cut short
            bytes.resize(how / 8 % bytes.size());
            break;
        case 1:  // too long
            bytes.resize(bytes.size() + 1);
            break;
        case 2:  // a byte of it changed
            bytes[how / 8 % bytes.size()] ^= std::byte{0x81};
            break;
        case 3:  // with a descriptor
            things.push_back(m.make<memory_file>());
            break;
        case 4:  // a consumer's word, of one who may be none, of ports that it has not got
            bytes = encode(share_message{.verb = how & 8 ? share_verb::spoilt : share_verb::give_back,
                                         .ports = {block.first, static_cast<std::uint16_t>(block.first + 1)}});
            break;
        case 5:  // holds nothing, of messages that are still to come
            bytes = encode(share_message{.verb = share_verb::holding,
                                         .epoch = epoch_,
                                         .number = number_ + how / 8 % 2,
                                         .held = std::vector<bool>(std::max(1u, block.count + how / 16 % 2))});
            break;
        case 6:  // the daemon's word
            bytes = encode(share_message{.verb = share_verb::restarted, .epoch = 5});
            break;
        default:  // asks for what another kind of connection does
            bytes = all_of(encode(service_request{.kind = request_kind::fetch, .id = 9, .block = {0, 1}}));
            break;
    }
    if (bytes.empty()) bytes.resize(1);
    say(bytes, std::move(things));
}

void client::tidy() {
    if (must_say_holding_) say_holding();
    if (wants_all_) send_idle(~0u, false);
}

void client::use(std::size_t which) {
    if (has.empty()) return;
    auto& port = std::next(has.begin(), static_cast<std::ptrdiff_t>(which % has.size()))->second;
    port.is_busy = !port.is_busy;
}

void client::die() {
    end.reset();
    has.clear();
    fetching.clear();
    asked_for.reset();
    answers.clear();
    is_consumer = must_say_holding_ = false;
}

bool client::is_calm() const {
    if (must_say_holding_ && is_consumer) return false;
    return end == nullptr || end->other == nullptr || (end->inbox.empty() && end->other->inbox.empty());
}

}  // namespace berth::simulation
