// A request and a reason, as messages carry them; see wire.hpp.
#include "handover/wire.hpp"

#include <algorithm>

namespace berth::detail {

void (*at_handover_step)(const char* step) = nullptr;

void put_request(handover_writer& out, const reservation_request& r) {
    out.put(r.block.first);
    out.put(r.block.count);
    out.put(r.protocol);
    out.put(r.family);
    out.put(r.use);
    out.put(r.order);
    out.put(r.park);
    out.put(std::int32_t{r.backlog});
    out.put(std::int64_t{r.cool_down.count()});
    out.put(std::int64_t{r.silence.count()});
    out.put(r.address.is_v6());
    out.put(r.address.is_v6() ? r.address.to_v6().to_bytes() : asio::ip::address_v6::bytes_type{});
    out.put(r.address.is_v4() ? r.address.to_v4().to_uint() : 0U);
    out.put(std::uint64_t{r.address.is_v6() ? r.address.to_v6().scope_id() : 0U});
}

reservation_request get_request(handover_reader& in) {
    reservation_request r;
    r.block.first = in.get<std::uint16_t>();
    r.block.count = in.get<std::uint32_t>();
    r.protocol = in.get<transport>();
    r.family = in.get<address_family>();
    r.use = in.get<tcp_use>();
    r.order = in.get<draw_order>();
    r.park = in.get<parking>();
    r.backlog = in.get<std::int32_t>();
    r.cool_down = std::chrono::milliseconds(in.get<std::int64_t>());
    r.silence = std::chrono::milliseconds(in.get<std::int64_t>());
    const bool is_v6 = in.get<std::uint8_t>() != 0;
    const auto bytes = in.get<asio::ip::address_v6::bytes_type>();
    const auto v4 = in.get<std::uint32_t>();
    const auto scope = in.get<std::uint64_t>();
    if (is_v6) {
        r.address = asio::ip::address_v6(bytes, static_cast<asio::ip::scope_id_type>(scope));
    } else {
        r.address = asio::ip::address_v4(v4);
    }
    if (r.address.is_unspecified()) r.address = asio::ip::address();
    return r;
}

handover_writer refusal(const failure& f) {
    constexpr std::size_t enough = 1000;
    handover_writer out(handover_verb::no);
    out.put(std::int32_t{f.code.category() == error_category() ? f.code.value()
                                                               : static_cast<int>(errc::system_failure)});
    out.put(f.what.substr(0, std::min(f.what.size(), enough)));
    return out;
}

failure refusal_of(handover_reader& in, const char* whose) {
    const auto value = in.get<std::int32_t>();
    auto text = in.text();
    const bool is_known = in.is_all() && value > 0 && value < static_cast<std::int32_t>(errc_count);
    return {is_known ? static_cast<errc>(value) : errc::system_failure, std::string(whose) + ": " + text, 0, 0};
}

}  // namespace berth::detail
