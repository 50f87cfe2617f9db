// Persistent reservations where the system keeps them itself; see include/berth/persistent.hpp.
//
// In the place of persistent.cpp and open_persistent.cpp, which ask berthd.
#include <berth/persistent_share.hpp>

#include "guarded.hpp"
#include "persistent/block_share.hpp"
#include "persistent/persistent_facts.hpp"
#include "platform/windows/persistent_store.hpp"
#include "reservation_core.hpp"

namespace berth::inline v0_1 {
namespace {

platform::persistent_store& store() noexcept {
    static auto& only = *new platform::persistent_store(platform::real_windows_calls());
    return only;
}

failure only_with_berthd(const char* what) {
    return {errc::operation_not_supported, std::string(what) + ": Windows keeps persistent blocks itself and does not "
            "say; netsh interface ipv4 show excludedportrange tcp store=persistent lists them", 0, 0};
}

failure check(const share_options& o) {
    if (o.fetch < 1 || o.fetch > 253) {
        return {errc::invalid_argument, "fetch is " + std::to_string(o.fetch) + "; from 1 to 253 ports at once", 0, 0};
    }
    if (o.cool_down.count() < 0) return {errc::invalid_argument, "cool_down is negative", 0, 0};
    if (o.patience.count() < 1) return {errc::invalid_argument, "patience is below one millisecond", 0, 0};
    return {};
}

}  // namespace

reservation_token create_persistent(const port_block& block, transport protocol, failure& f,
                                    const persistent_options& options) noexcept {
    return detail::guarded(f, [&] { return store().create(block, protocol, options.use, f); });
}

void remove_persistent(const port_block& block, transport protocol, failure& f, const persistent_options&) noexcept {
    detail::guarded(f, [&] { store().remove(block, protocol, f); });
}

reservation_token lookup_persistent(const port_block& block, transport protocol, failure& f,
                                    const persistent_options& options) noexcept {
    return detail::guarded(f, [&] { return store().lookup(block, protocol, options.use, f); });
}

persistent_block drain_persistent(const port_block&, transport, bool, failure& f, const persistent_options&) noexcept {
    detail::guarded(f, [&] { f = only_with_berthd("a persistent block is not drained here"); });
    return {};
}

std::vector<persistent_block> list_persistent(failure& f, const persistent_options&) noexcept {
    detail::guarded(f, [&] { f = only_with_berthd("persistent blocks are not listed here"); });
    return {};
}

service_status persistent_status(failure& f, const persistent_options&) noexcept {
    detail::guarded(f, [&] { f = only_with_berthd("there is no berthd here, and no status of it"); });
    return {};
}

port_reservation open_persistent(reservation_token token, failure& f, const share_options& options) noexcept {
    return detail::guarded(f, [&]() -> port_reservation {
        if ((f = check(options))) return {};
        const auto known = store().find(token);
        if (!known) {
            f = {errc::invalid_token,
                 "this process was not told which block the token names; ask lookup_persistent() for it first", 0, 0};
            return {};
        }
        reservation_request request;
        request.block = known->block;
        request.protocol = known->protocol;
        request.use = known->use;
        request.order = options.order;
        request.cool_down = options.cool_down;
        return detail::reservation_core::wrap(detail::reservation_core::make(
            platform::system_provider(), request, f, detail::steady_nanoseconds, {}, token));
    });
}

failure last_refusal(const port_reservation&) { return {}; }

}  // namespace berth::v0_1

namespace berth::detail {

// associate() goes to the system itself.
std::shared_ptr<reservation_core> share_for_associate(reservation_token, error_code& ec) {
    ec = errc::invalid_token;
    return nullptr;
}

std::string service_socket(const std::string& asked) { return asked; }

void add_persistent_facts(capabilities& facts) {
    const failure f = store().refusal();
    facts.can_persist = !f;
    if (f) {
        facts.limits.emplace_back("persistent reservations cannot be made here: " + f.what);
        return;
    }
    facts.keeper = "Windows";
    facts.limits.emplace_back("only an administrator's elevated process creates, removes and uses persistent blocks");
    facts.limits.emplace_back(
        "a share of a persistent block (open_persistent) holds all of its ports or is not made: Windows does not tell "
        "which of them others use; associate() draws a single one");
}

}  // namespace berth::detail
