// The books: requests, answers, rows; see daemon_books.hpp.
#include "simulation/daemon_books.hpp"

#include "persistent/block_check.hpp"
#include "persistent/share_message.hpp"

#include <algorithm>
#include <utility>

namespace berth::simulation {

using detail::request_kind;
using detail::service_answer;
using detail::service_request;
using detail::share_verb;

namespace {

std::string words(transport protocol, const port_block& block) {
    return std::string(protocol == transport::tcp ? "TCP " : "UDP ") + std::to_string(block.first) + "+" +
           std::to_string(block.count);
}

bool take_one(std::multiset<std::uint32_t>& ids, std::uint32_t id) {
    const auto it = ids.find(id);
    if (it == ids.end()) return false;
    ids.erase(it);
    return true;
}

bool changes(request_kind kind) {
    return kind == request_kind::create || kind == request_kind::remove || kind == request_kind::drain ||
           kind == request_kind::resume;
}

}  // namespace

const daemon_books::row* daemon_books::of(reservation_token token) const {
    const auto it = std::find_if(rows_.begin(), rows_.end(), [&](const row& r) { return r.token == token; });
    return it == rows_.end() ? nullptr : &*it;
}

const daemon_books::row* daemon_books::of(transport protocol, const port_block& block) const {
    const auto it = std::find_if(rows_.begin(), rows_.end(),
                                 [&](const row& r) { return r.protocol == protocol && r.block == block; });
    return it == rows_.end() ? nullptr : &*it;
}

void daemon_books::begins(int client, bool may_ask) {
    conversations_[client] = {};
    conversations_[client].may_ask = may_ask;
}

void daemon_books::hears(int client, const std::vector<std::byte>& bytes) {
    auto& c = conversations_[client];
    note(bytes.size());
    const auto request = detail::parse_request(bytes);
    if (!request) return;
    if (c.is_consumer) {
        if (request->kind == request_kind::fetch) c.fetching.insert(request->id);
    } else {
        if (c.pending) breaks("answers: a request is read before the last one is answered");
        c.pending = request;
    }
}

void daemon_books::says(int client, const sent_message& message, int error) {
    auto& c = conversations_[client];
    note(message.bytes.size() * 1000 + static_cast<std::uint64_t>(error));
    const auto answer = detail::parse_answer(message.bytes);
    if (answer && !c.is_consumer) {
        const auto request = std::exchange(c.pending, std::nullopt);
        if (!request || request->id != answer->id || request->kind != answer->kind) {
            return breaks("answers: one that nobody asked for, or a second one");
        }
        note(static_cast<std::uint64_t>(answer->error));
        return answered(c, *request, *answer);
    }
    shared(c, message);
}

void daemon_books::answered(conversation& c, const service_request& request, const service_answer& answer) {
    if (!c.may_ask) {
        if (answer.error != errc::permission_denied) breaks("access: a stranger is answered");
        return;
    }
    if (answer.error == errc::permission_denied) return breaks("access: who may ask is refused");
    const bool names_block = changes(request.kind) || request.kind == request_kind::lookup;
    const auto* const known = names_block ? of(request.protocol, request.block) : nullptr;
    if (answer.error != errc{}) return failed(request, answer);
    switch (request.kind) {
        case request_kind::create:
            return created_one(request, answer);
        case request_kind::take:
            if (const auto* r = of(request.token); r == nullptr || r->block != answer.block ||
                                                   r->protocol != answer.protocol || request.token != answer.token) {
                return breaks("tokens: one that no block has is taken for a block's");
            }
            c.is_consumer = true;
            c.token = request.token;
            return;
        case request_kind::next_block: {
            const row* next = nullptr;
            for (const auto& r : rows_) {
                const auto place = detail::place_of(r.protocol, r.block.first);
                if (place > request.after && (next == nullptr || place < detail::place_of(next->protocol, next->block.first))) {
                    next = &r;
                }
            }
            if (answer.is_last != (next == nullptr)) return breaks("list: its end is not where it is");
            if (next != nullptr && (next->token != answer.token || next->block != answer.block)) {
                return breaks("list: another block comes next");
            }
            return;
        }
        case request_kind::status:
            if (answer.numbers[0] != rows_.size()) breaks("status: blocks that are not there");
            return;
        default:
            break;
    }
    if (known == nullptr) return breaks("answers: success for a block that is not there");
    if (known->token != answer.token || known->use != answer.use) return breaks("tokens: a block is answered another's");
    if (!answer.is_held && answer.text.empty()) return breaks("held: a block is not, and no word why");
    auto& r = rows_[static_cast<std::size_t>(known - rows_.data())];
    if (request.kind == request_kind::remove) {
        if (with_consumers(r) != 0) return breaks("remove: of a block whose ports are with consumers");
        ++removed;
        rows_.erase(rows_.begin() + (known - rows_.data()));
        return;
    }
    if (request.kind == request_kind::drain) r.is_draining = true;
    if (request.kind == request_kind::resume) r.is_draining = false;
    if (answer.is_draining != r.is_draining) breaks("drain: is not what was said");
}

void daemon_books::created_one(const service_request& request, const service_answer& answer) {
    if (detail::check_persistent(request.block, request.protocol)) return breaks("create: of what is no block");
    for (const auto& r : rows_) {
        if (r.protocol == request.protocol && overlap(r.block, request.block)) {
            return breaks("overlap: " + words(request.protocol, request.block) + " and " + words(r.protocol, r.block));
        }
    }
    if (!answer.token || !tokens_.insert(answer.token.value()).second) return breaks("tokens: one is given twice");
    if (!answer.is_held) breaks("held: a block is created and is not");
    rows_.push_back({request.protocol, request.use, request.block, answer.token, false});
    ++created;
}

void daemon_books::failed(const service_request& request, const service_answer& answer) {
    ++refused;
    const auto is = [&](errc e) { return answer.error == e; };
    if (request.kind == request_kind::take) {
        if (is(errc::invalid_token) && of(request.token) != nullptr) return breaks("tokens: a block's is refused");
        if (!is(errc::invalid_token) && of(request.token) == nullptr) return breaks("tokens: one that is none is not");
        if (!is(errc::invalid_token) && !may_fail(request)) breaks("take: fails without a cause: " + answer.text);
        return;
    }
    if (request.kind == request_kind::fetch) return;  // of one who is no consumer
    if (request.kind == request_kind::next_block || request.kind == request_kind::status) {
        return breaks("answers: a question fails: " + answer.text);
    }
    if (const auto wrong = detail::check_persistent(request.block, request.protocol)) {
        if (wrong.code != error_code(answer.error)) breaks("answers: another refusal of what is no block");
        return;
    }
    const auto* const known = of(request.protocol, request.block);
    if (request.kind != request_kind::create) {
        if (is(errc::no_such_reservation) != (known == nullptr)) {
            return breaks("durability: " + words(request.protocol, request.block) +
                          (known == nullptr ? " is not there, and is found" : " was created, and is not found"));
        }
        if (known == nullptr) return;
        if (is(errc::reservation_busy) && request.kind == request_kind::remove && ports_out(*known) != 0) return;
    } else {
        const bool overlaps = std::any_of(rows_.begin(), rows_.end(), [&](const row& r) {
            return r.protocol == request.protocol && overlap(r.block, request.block);
        });
        if (overlaps) {
            if (!is(errc::block_unavailable)) breaks("overlap: is refused as something else: " + answer.text);
            return;
        }
    }
    if (!may_fail(request)) return breaks("answers: fails without a cause: " + answer.text);
    if (!is_broken_ && store_is_broken()) {
        is_broken_ = true;
        open_.push_back(request);
    }
}

// What goes over a consumer's connection.
void daemon_books::shared(conversation& c, const sent_message& message) {
    if (const auto answer = detail::parse_answer(message.bytes)) {
        if (answer->kind != request_kind::fetch || answer->error == errc{}) {
            return breaks("answers: a consumer is answered what it did not ask");
        }
        if (!take_one(c.fetching, answer->id)) breaks("answers: a fetch is answered twice, or was none");
        return;
    }
    const auto said = detail::parse_share_message(message.bytes);
    if (!said) return breaks("answers: a message that is none");
    if (said->verb == share_verb::restarted) {
        c.fetching.clear();
        c.pending.reset();
        c.is_consumer = true;
        c.sent = 0;
        return;
    }
    if (said->verb == share_verb::fetched) {
        if (!take_one(c.fetching, said->id)) return breaks("answers: a fetch is answered twice, or was none");
        if (said->number != ++c.sent) return breaks("sharing: messages are not numbered one after the other");
        if (said->ports.empty()) return breaks("sharing: no port is sent");
        const auto* const r = of(c.token);
        if (r != nullptr && r->is_draining) breaks("drain: ports go out of a block that is drained");
    }
}

// True: an open request is what makes the difference.
bool daemon_books::explains(const daemon::stored_block* now, const row* was) {
    return may_differ_ && std::any_of(open_.begin(), open_.end(), [&](const service_request& r) {
        const auto& protocol = now != nullptr ? now->protocol : was->protocol;
        const auto& block = now != nullptr ? now->block : was->block;
        if (r.protocol != protocol || r.block != block) return false;
        if (was == nullptr) return r.kind == request_kind::create && r.use == now->use && !now->is_draining;
        if (now == nullptr) return r.kind == request_kind::remove;
        return r.kind == (now->is_draining ? request_kind::drain : request_kind::resume);
    });
}

void daemon_books::compare(const daemon::stored_contents& contents, bool after_start) {
    const bool is_new_boot = after_start && boot_ && *boot_ != contents.boot;
    if (after_start) boot_ = contents.boot;
    if (boot_ != contents.boot) breaks("boot: changes while a daemon runs");
    may_differ_ = after_start;
    std::vector<row> left = rows_;
    for (const auto& b : contents.blocks) {
        const auto it = std::find_if(left.begin(), left.end(), [&](const row& r) {
            return r.protocol == b.protocol && r.block == b.block;
        });
        if (it == left.end()) {
            if (!explains(&b, nullptr)) breaks("durability: " + words(b.protocol, b.block) + " is there, and nobody has it");
            if (!b.token || !tokens_.insert(b.token.value()).second) breaks("tokens: one is given twice");
            rows_.push_back({b.protocol, b.use, b.block, b.token, b.is_draining});
            ++resurrected;
            continue;
        }
        auto& r = rows_[static_cast<std::size_t>(
            std::find_if(rows_.begin(), rows_.end(),
                         [&](const row& x) { return x.protocol == b.protocol && x.block == b.block; }) -
            rows_.begin())];
        if (b.is_draining != r.is_draining) {
            if (!explains(&b, &r)) breaks("durability: a drain that was answered is not there");
            r.is_draining = b.is_draining;
        }
        if (b.use != r.use) breaks("durability: a block is for another use");
        if (b.token != r.token) {
            if (!is_new_boot) breaks("tokens: one changes within a boot");
            if (!b.token || !tokens_.insert(b.token.value()).second) breaks("tokens: one is given twice");
            r.token = b.token;
        } else if (is_new_boot) {
            breaks("tokens: one outlives its boot");
        }
        left.erase(it);
    }
    for (const auto& gone : left) {
        if (!explains(nullptr, &gone)) {
            breaks("durability: " + words(gone.protocol, gone.block) + " was created, and is gone");
        }
        ++undone;
        std::erase_if(rows_, [&](const row& r) { return r.protocol == gone.protocol && r.block == gone.block; });
    }
    if (after_start) open_.clear();
}

void daemon_books::daemon_ends() {
    for (auto& [client, c] : conversations_) {
        if (c.pending && c.may_ask && changes(c.pending->kind)) open_.push_back(*c.pending);
        c.pending.reset();
    }
    is_broken_ = false;
}

void daemon_books::begin_anew() {
    rows_.clear();
    open_.clear();
    boot_.reset();
}

bool daemon_books::is_leaving(const row& r) const {
    const auto is = [&](const service_request& q) {
        return q.kind == request_kind::remove && q.protocol == r.protocol && q.block == r.block;
    };
    return std::any_of(open_.begin(), open_.end(), is) ||
           std::any_of(conversations_.begin(), conversations_.end(),
                       [&](const auto& c) { return c.second.pending && is(*c.second.pending); });
}

}  // namespace berth::simulation
