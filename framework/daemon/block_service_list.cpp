// The blocks' ports in the system's reserved list; see reserved_ports.hpp and block_service.hpp.
//
// A coming block: the store says first which entries will be ours, then they are written. A going one: the other way
// round. So whoever dies in between leaves entries that the next start finds to be ours and puts right.
#include "block_service.hpp"
#include "log_line.hpp"
#include "port_list.hpp"

namespace berth::daemon {
namespace {

port_set covered_by(const std::vector<stored_block>& rows) {
    std::vector<port_block> blocks;
    blocks.reserve(rows.size());
    for (const auto& row : rows) blocks.push_back(row.block);
    return ports_of(blocks);
}

}  // namespace

void block_service::list_failed(const failure& f) {
    if (why_unlisted_.empty()) log_line(log_level::warning, "ports_not_listed").with("why", f.what);
    why_unlisted_ = f.what;
}

// What the list should be once `next` are the blocks; notes in `next` what of it is ours.
std::optional<port_set> block_service::plan_list(stored_contents& next) {
    failure f;
    if (!why_unlisted_.empty()) return std::nullopt;
    const auto list = list_.read(f);
    if (!list) {
        list_failed(f);
        return std::nullopt;
    }
    const auto merged = merge(*list, ports_of(store_.contents().listed), covered_by(next.blocks));
    next.listed = blocks_of(merged.ours);
    return merged.list;
}

void block_service::write_list(const std::optional<port_set>& list) {
    failure f;
    if (!list) return;
    list_.write(*list, f);
    if (f) list_failed(f);
}

// Once at the start: does the list let itself be written? If it does not, nothing in it is ours.
void block_service::start_list(failure& f) {
    auto next = store_.contents();
    const auto list = plan_list(next);
    if (list && next != store_.contents()) store_.commit(next, f);
    if (f) return;
    write_list(list);
    if (why_unlisted_.empty()) return;
    next = store_.contents();
    next.listed.clear();
    if (next != store_.contents()) store_.commit(next, f);
}

}  // namespace berth::daemon
