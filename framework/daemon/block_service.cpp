// Requests and their answers; see block_service.hpp. Holding blocks: block_service_hold.cpp.
#include "block_service.hpp"

#include "log_line.hpp"
#include "persistent/block_check.hpp"
#include "reserve_steps.hpp"

#include <algorithm>
#include <chrono>

namespace berth::daemon {
namespace {

using detail::request_kind;
using detail::service_answer;
using detail::service_number;
using detail::service_request;

const char* name_of(transport protocol) { return protocol == transport::tcp ? "TCP" : "UDP"; }

std::string words_for(transport protocol, const port_block& block) {
    return std::to_string(block.count) + " " + name_of(protocol) + " ports from " + std::to_string(block.first);
}

bool comes_first(const stored_block& a, const stored_block& b) {
    return detail::place_of(a.protocol, a.block.first) < detail::place_of(b.protocol, b.block.first);
}

void say(const failure& f, service_answer& out) {
    const bool known = f.code.category() == error_category();
    out.error = known ? static_cast<errc>(f.code.value()) : errc::system_failure;
    out.text = f.what.empty() ? f.code.message() : f.what;
    out.port = f.port;
    out.numbers[0] = f.count;
}

}  // namespace

block_service::block_service(platform::port_provider& provider, block_store& store, descriptor_store& keeper,
                             reserved_ports& list, consumer_limits limits, std::chrono::milliseconds rest)
    : provider_(provider),
      store_(store),
      keeper_(keeper),
      list_(list),
      rest_(rest),
      desk_(keeper, *this, limits) {}

block_service::~block_service() = default;

std::uint64_t block_service::network(failure& f) {
    error_code unknown;
    const auto name = provider_.network_namespace(unknown);
    f = unknown ? detail::no_name_of_namespace(unknown) : failure{};
    return name;
}

const stored_block* block_service::find(transport protocol, const port_block& block) const noexcept {
    const auto it = std::find_if(blocks().begin(), blocks().end(),
                                 [&](const stored_block& b) { return b.protocol == protocol && b.block == block; });
    return it == blocks().end() ? nullptr : &*it;
}

service_answer block_service::answer(const service_request& request, platform::descriptor& connection) {
    if (request.kind != request_kind::take) return answer(request);
    service_answer out;
    out.kind = request.kind;
    out.id = request.id;
    failure f;
    desk_.take(request, connection, f);
    if (f) say(f, out);
    return out;
}

service_answer block_service::answer(const service_request& request) {
    service_answer out;
    out.kind = request.kind;
    out.id = request.id;
    failure f;
    if (request.kind == request_kind::next_block) {
        next_block(request.after, out);
    } else if (request.kind == request_kind::status) {
        status(out);
    } else if (request.kind == request_kind::create) {
        create(request, out, f);
    } else if (request.kind == request_kind::take || request.kind == request_kind::fetch) {
        f = {errc::invalid_argument, "who fetches ports has taken the block by its token first", 0, 0};
    } else if (!(f = detail::check_persistent(request.block, request.protocol))) {
        const auto* row = find(request.protocol, request.block);
        if (row == nullptr) {
            f = {errc::no_such_reservation,
                 "no persistent reservation of exactly " + words_for(request.protocol, request.block), 0, 0};
        } else if (request.kind == request_kind::lookup) {
            describe(*row, out);
        } else if (request.kind == request_kind::remove) {
            describe(*row, out);
            remove(*row, f);
        } else {
            set_draining(*row, request.kind == request_kind::drain, out, f);
        }
    }
    if (f) say(f, out);
    return out;
}

void block_service::create(const service_request& request, service_answer& out, failure& f) {
    if ((f = detail::check_persistent(request.block, request.protocol))) return;
    for (const auto& b : blocks()) {
        if (b.protocol != request.protocol || !overlap(b.block, request.block)) continue;
        f = {errc::block_unavailable,
             words_for(request.protocol, request.block) + " overlap a persistent reservation of " +
                 words_for(b.protocol, b.block),
             0, std::max(b.block.first, request.block.first)};
        return;
    }
    if (!may_change(f)) return;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    stored_block row{.id = new_id(),
                     .protocol = request.protocol,
                     .use = request.use,
                     .block = request.block,
                     .token = new_token(),
                     .is_draining = false,
                     .created = std::chrono::duration_cast<std::chrono::seconds>(now).count()};
    auto core = hold(row, {}, f);
    if (!f) keep(row.id, *core, f);
    if (core && !f) {
        auto next = store_.contents();
        next.blocks.insert(std::upper_bound(next.blocks.begin(), next.blocks.end(), row, comes_first), row);
        const auto list = plan_list(next);
        store_.commit(next, f);
        if (!f) write_list(list);
    }
    if (f) {
        if (core && !must_end()) forget(row.id), let_go(core);
        return;
    }
    held_[row.id] = std::move(core);
    describe(row, out);
    log_line(log_level::info, "created").with("block", words_for(row.protocol, row.block));
}

void block_service::remove(const stored_block& row, failure& f) {
    const auto gone = row;  // the row itself goes with the commit
    const auto it = held_.find(gone.id);
    if (const auto out = desk_.ports_out(gone.id); out != 0) {  // whether or not the block is held
        f = {errc::reservation_busy,
             std::to_string(out) + " ports of the block are with " + std::to_string(desk_.consumers(gone.id)) +
                 " consumers; drain it (berthctl drain), and remove it when they are back",
             out, 0};
        return;
    }
    if (!may_change(f)) return;
    auto next = store_.contents();
    std::erase_if(next.blocks, [&](const stored_block& b) { return b.id == gone.id; });
    write_list(plan_list(next));
    store_.commit(next, f);
    if (f) {
        if (must_end()) return;  // the next start lists what is still there; what is listed now would be nobody's
        auto same = store_.contents();
        return write_list(plan_list(same));
    }
    forget(gone.id);
    if (it != held_.end()) let_go(it->second), held_.erase(it);
    why_.erase(gone.id);
    log_line(log_level::info, "removed").with("block", words_for(gone.protocol, gone.block));
}

void block_service::set_draining(const stored_block& row, bool draining, service_answer& out, failure& f) {
    auto changed = row;
    changed.is_draining = draining;
    auto next = store_.contents();
    *std::find(next.blocks.begin(), next.blocks.end(), row) = changed;
    store_.commit(next, f);
    if (f) return;
    draining ? desk_.recall_all(changed.id) : desk_.keep(changed.id);
    describe(changed, out);
}

void block_service::next_block(std::uint32_t after, service_answer& out) const {
    const auto it = std::find_if(blocks().begin(), blocks().end(), [&](const stored_block& b) {
        return detail::place_of(b.protocol, b.block.first) > after;
    });
    out.is_last = it == blocks().end();
    if (!out.is_last) describe(*it, out);
}

void block_service::describe(const stored_block& row, service_answer& out) const {
    out.protocol = row.protocol;
    out.use = row.use;
    out.block = row.block;
    out.token = row.token;
    out.created = row.created;
    out.is_draining = row.is_draining;
    out.is_held = held_.contains(row.id);
    out.numbers[static_cast<std::size_t>(detail::block_number::ports_out)] = desk_.ports_out(row.id);
    out.numbers[static_cast<std::size_t>(detail::block_number::consumers)] = desk_.consumers(row.id);
    const auto why = why_.find(row.id);
    if (why != why_.end()) out.text = why->second;
}

void block_service::status(service_answer& out) const {
    const auto number = [&](service_number which) -> std::uint32_t& {
        return out.numbers[static_cast<std::size_t>(which)];
    };
    number(service_number::blocks) = static_cast<std::uint32_t>(blocks().size());
    number(service_number::blocks_held) = static_cast<std::uint32_t>(held_.size());
    for (const auto& b : blocks()) number(service_number::ports) += b.block.count;
    number(service_number::ports_out) = desk_.ports_out();
    number(service_number::consumers) = desk_.consumers();
    out.text = keeper_.describe();
    if (!why_unlisted_.empty()) out.text += "; " + why_unlisted_;
}

}  // namespace berth::daemon
