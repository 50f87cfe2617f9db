// The client's side of persistent reservations; see include/berth/persistent.hpp.
#include <berth/persistent.hpp>

#include "guarded.hpp"
#include "persistent/block_check.hpp"
#include "persistent/message.hpp"
#include "persistent/persistent_facts.hpp"
#include "platform/service_channel.hpp"

namespace berth::inline v0_1 {
namespace {

using detail::block_number;
using detail::guarded;
using detail::request_kind;
using detail::service_answer;
using detail::service_number;
using detail::service_request;

constexpr std::chrono::milliseconds usual_patience{30'000};

class conversation {
public:
    conversation(const persistent_options& options, failure& f, std::chrono::milliseconds patience = usual_patience)
        : path_(detail::service_socket(options.socket_path)), channel_(path_, patience, f) {}

    service_answer ask(service_request request, failure& f) {
        request.id = ++asked_;
        std::byte bytes[detail::answer_size + 1];
        const auto size = channel_.exchange(detail::encode(request), bytes, f);
        if (f) return {};
        auto answer = detail::parse_answer(std::span(bytes).first(size));
        if (!answer || answer->kind != request.kind || answer->id != request.id) {
            f = {errc::system_failure, "what answers at " + path_ + " is not berthd, or one of another version", 0,
                 0};
            return {};
        }
        if (answer->error != errc{}) f = {answer->error, answer->text, answer->numbers[0], answer->port};
        return f ? service_answer{} : std::move(*answer);
    }

private:
    std::string path_;
    platform::service_channel channel_;
    std::uint32_t asked_ = 0;
};

service_answer ask_once(request_kind kind, const port_block& block, transport protocol, failure& f,
                        const persistent_options& options) {
    if ((f = detail::check_persistent(block, protocol))) return {};
    conversation with_daemon(options, f);
    if (f) return {};
    service_request request{.kind = kind, .protocol = protocol, .block = block};
    if (kind == request_kind::create && protocol == transport::tcp) request.use = options.use;
    return with_daemon.ask(request, f);
}

persistent_block block_of(service_answer&& a) {
    return {.block = a.block,
            .protocol = a.protocol,
            .use = a.use,
            .token = a.token,
            .is_held = a.is_held,
            .is_draining = a.is_draining,
            .ports_out = a.numbers[static_cast<std::size_t>(block_number::ports_out)],
            .consumers = a.numbers[static_cast<std::size_t>(block_number::consumers)],
            .why_not_held = std::move(a.text),
            .created = std::chrono::system_clock::time_point(std::chrono::seconds(a.created))};
}

}  // namespace

}  // namespace berth::v0_1

namespace berth::detail {

std::string service_socket(const std::string& asked) {
    if (!asked.empty()) return asked;
    auto path = platform::service_socket_of_environment();
    return path.empty() ? default_service_socket : path;
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

reservation_token create_persistent(const port_block& block, transport protocol, failure& f,
                                    const persistent_options& options) noexcept {
    return guarded(f, [&] { return ask_once(request_kind::create, block, protocol, f, options).token; });
}

void remove_persistent(const port_block& block, transport protocol, failure& f,
                       const persistent_options& options) noexcept {
    guarded(f, [&] { ask_once(request_kind::remove, block, protocol, f, options); });
}

reservation_token lookup_persistent(const port_block& block, transport protocol, failure& f,
                                    const persistent_options& options) noexcept {
    return guarded(f, [&] { return ask_once(request_kind::lookup, block, protocol, f, options).token; });
}

persistent_block drain_persistent(const port_block& block, transport protocol, bool draining, failure& f,
                                  const persistent_options& options) noexcept {
    return guarded(f, [&] {
        return block_of(ask_once(draining ? request_kind::drain : request_kind::resume, block, protocol, f, options));
    });
}

namespace {

std::vector<persistent_block> all_blocks(failure& f, const persistent_options& options) {
    std::vector<persistent_block> out;
    conversation with_daemon(options, f);
    for (std::uint32_t after = 0; !f;) {
        auto answer = with_daemon.ask({.kind = request_kind::next_block, .after = after}, f);
        if (f || answer.is_last) break;
        const auto place = detail::place_of(answer.protocol, answer.block.first);
        if (place <= after) {
            f = {errc::system_failure, "berthd lists its blocks in a circle", 0, 0};
            break;
        }
        after = place;
        out.push_back(block_of(std::move(answer)));
    }
    if (f) out.clear();
    return out;
}

service_status ask_status(conversation& with_daemon, failure& f) {
    if (f) return {};
    auto answer = with_daemon.ask({.kind = request_kind::status}, f);
    if (f) return {};
    const auto number = [&](service_number which) { return answer.numbers[static_cast<std::size_t>(which)]; };
    return {.keeper = std::move(answer.text),
            .blocks = number(service_number::blocks),
            .blocks_held = number(service_number::blocks_held),
            .ports = number(service_number::ports),
            .ports_out = number(service_number::ports_out),
            .consumers = number(service_number::consumers),
            .clients = number(service_number::clients),
            .refused = number(service_number::refused),
            .process = number(service_number::process),
            .uptime = std::chrono::seconds(number(service_number::uptime))};
}

}  // namespace

std::vector<persistent_block> list_persistent(failure& f, const persistent_options& options) noexcept {
    return guarded(f, [&] { return all_blocks(f, options); });
}

service_status persistent_status(failure& f, const persistent_options& options) noexcept {
    return guarded(f, [&] {
        conversation with_daemon(options, f);
        return ask_status(with_daemon, f);
    });
}

}  // namespace berth::v0_1

namespace berth::detail {

void add_persistent_facts(capabilities& facts) {
    failure f;
    conversation with_daemon({}, f, std::chrono::milliseconds{200});
    facts.keeper = ask_status(with_daemon, f).keeper;
    facts.can_persist = !f;
    if (f) {
        facts.limits.emplace_back("persistent reservations cannot be made here: " + f.what);
        return;
    }
    facts.limits.emplace_back(
        "the ports of persistent reservations are free from the start of the system until berthd has started, and "
        "whoever has one by then keeps it");
    facts.limits.emplace_back(
        "if berthd and its keeper end at the same time, the ports of persistent reservations are free until berthd "
        "is "
        "there again");
}

}  // namespace berth::detail
