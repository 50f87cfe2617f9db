// Making a reservation of a block that another process holds; see reservation_core.hpp.
#include "reservation_core.hpp"
#include "token_table.hpp"

namespace berth::detail {
namespace {

platform::port_kind kind_of(const reservation_request& r) noexcept {
    if (r.protocol == transport::udp) return platform::port_kind::udp;
    return r.use == tcp_use::listen ? platform::port_kind::tcp_listen : platform::port_kind::tcp_connect;
}

}  // namespace

std::shared_ptr<reservation_core> reservation_core::make_share(platform::port_provider& provider,
                                                               const reservation_request& request,
                                                               std::shared_ptr<port_source> source,
                                                               reservation_token token, std::uint64_t network,
                                                               failure& f) {
    const platform::hold_request hold{
        .kind = kind_of(request), .block = request.block, .family = request.family, .park = parking::system_calls};
    auto block = provider.prepare_share(hold, f);
    if (!block) return nullptr;
    auto core = std::make_shared<reservation_core>(provider, request, steady_nanoseconds);
    core->source_ = std::move(source);
    core->network_ = network;
    core->token_ = token;
    core->lanes_.push_back(
        std::make_unique<port_lane>(*core, core->request_, hold.kind, std::move(block), steady_nanoseconds));
    token_table::instance().add(core, token);
    return core;
}

}  // namespace berth::detail
