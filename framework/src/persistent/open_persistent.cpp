// Opening a share: the first words with the daemon, and those after both ends of a connection were lost.
#include "guarded.hpp"
#include "log.hpp"
#include "per_process.hpp"
#include "persistent/block_share.hpp"
#include "token_table.hpp"

#include <algorithm>
#include <system_error>

namespace berth::detail {
namespace {

constexpr std::chrono::milliseconds between_tries{5};
constexpr std::chrono::milliseconds longest_wait{1000};

failure check(const share_options& o) {
    if (o.fetch < 1 || o.fetch > descriptors_per_message) {
        return {errc::invalid_argument, "fetch is " + std::to_string(o.fetch) + "; from 1 to 253 ports at once", 0,
                0};
    }
    if (o.cool_down.count() < 0) return {errc::invalid_argument, "cool_down is negative", 0, 0};
    if (o.patience.count() < 1) return {errc::invalid_argument, "patience is below one millisecond", 0, 0};
    return {};
}

std::uint32_t number(const service_answer& a, take_number which) {
    return a.numbers[static_cast<std::size_t>(which)];
}

/// What the process has opened by itself.
struct opened_shares {
    std::mutex mutex;
    std::vector<std::shared_ptr<reservation_core>> cores;
};

}  // namespace

// Nothing: the connection ended in the middle, or the answer is none to this.
std::optional<service_answer> block_share::ask_for_block(platform::service_channel& channel, clock::time_point until,
                                                         failure& f) {
    const service_request request{.kind = request_kind::take, .id = ++asked_, .token = token_};
    static_cast<void>(channel.send(encode(request)));  // a fresh connection has room, or is at its end
    std::byte bytes[answer_size + 1];
    std::vector<platform::native_socket> none;
    std::size_t size = 0;
    f = {};
    while ((size = channel.receive(bytes, none, f)) == 0 && !f && clock::now() < until) {
        channel.wait(std::min(std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()), longest_wait));
    }
    auto answer = parse_answer(std::span(bytes).first(size));
    const bool is_it = answer && answer->kind == request.kind && answer->id == request.id;
    return is_it ? std::move(answer) : std::nullopt;
}

// What was begun is begun anew until the patience is over: a daemon that starts again was there a moment ago.
std::shared_ptr<platform::service_channel> block_share::connect(service_answer& block, clock::time_point until,
                                                                failure& f) {
    for (bool begun = false;; begun = true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
        const auto patience = std::max(left, std::chrono::milliseconds{1});
        auto channel = std::make_shared<platform::service_channel>(path_, patience, f);
        if (f && (!begun || f.code != errc::service_unavailable)) return nullptr;
        if (!f) {
            if (auto answer = ask_for_block(*channel, until, f)) {
                f = {answer->error, answer->text, 0, answer->port};
                if (answer->error != errc{}) return nullptr;
                f = {};
                block = std::move(*answer);
                return channel;
            }
        }
        if (clock::now() >= until) break;
        platform::service_channel::pause(between_tries);
    }
    if (!f) f = {errc::service_unavailable, "berthd at " + path_ + " does not answer in time", 0, 0};
    return nullptr;
}

std::shared_ptr<reservation_core> block_share::open(reservation_token token, const share_options& options,
                                                    failure& f) {
    if ((f = check(options))) return nullptr;
    auto share = std::make_shared<block_share>(token, options);
    service_answer block;
    share->channel_ = share->connect(block, share->deadline(), f);
    if (!share->channel_) return nullptr;
    reservation_request request;
    request.block = block.block;
    request.protocol = block.protocol;
    request.use = block.use;
    request.family = static_cast<address_family>(number(block, take_number::family));
    request.order = options.order;
    request.cool_down = options.cool_down;
    request.park = parking::system_calls;
    const std::uint64_t network =
        std::uint64_t{number(block, take_number::network_high)} << 32 | number(block, take_number::network_low);
    auto core = reservation_core::make_share(platform::system_provider(), request, share, token, network, f);
    if (!core) return nullptr;
    const std::lock_guard lock(share->talking_);
    share->core_ = core;
    share->start_watching();
    return core;
}

// Both daemon and keeper are gone, or the daemon has let go of a connection without ports.
bool block_share::reconnect(clock::time_point until, failure& f) {
    if (is_closed_) {
        f = {errc::reservation_released, {}, 0, 0};
        return false;
    }
    service_answer block;
    auto channel = connect(block, until, f);
    if (!channel) {
        if (f.code == errc::invalid_token) f.code = errc::reservation_released;
        return false;
    }
    channel_ = std::move(channel);
    start_watching();
    return true;
}

std::shared_ptr<reservation_core> share_for_associate(reservation_token token, error_code& ec) {
    failure f;
    auto core = block_share::open(token, {}, f);
    ec = f.code == errc::permission_denied ? f.code : error_code(errc::invalid_token);
    if (!core) return nullptr;
    auto& opened = per_process<opened_shares>().object;
    const std::lock_guard lock(opened.mutex);
    std::erase_if(opened.cores, [](const auto& c) { return c->now() == phase::released; });
    for (const auto& c : opened.cores) {  // another thread was quicker
        if (c->token() != token) continue;
        token_table::instance().replace(*core, c);  // where this one came first into the table
        core->release(f, if_taken::detach);
        return c;
    }
    opened.cores.push_back(core);
    return core;
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

port_reservation open_persistent(reservation_token token, failure& f, const share_options& options) noexcept {
    return detail::guarded(
        f, [&] { return detail::reservation_core::wrap(detail::block_share::open(token, options, f)); });
}

failure last_refusal(const port_reservation& reservation) {
    const auto core = detail::reservation_core::of(reservation);
    const auto* const share = core == nullptr ? nullptr : static_cast<const detail::block_share*>(core->source());
    return share == nullptr ? failure{} : share->last_refusal();
}

}  // namespace berth::v0_1
