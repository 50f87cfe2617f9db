// See association.hpp.
#include "association.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace outbound_proxy {
namespace {

constexpr std::size_t most_names = 16;

source_list& far_side(proxy& p) noexcept { return p.udp_sources.is_kernels() ? p.udp_relays : p.udp_sources; }

}  // namespace

association::association(std::shared_ptr<proxy> of, executor_type on, endpoint client, asker who)
    : proxy_(std::move(of)),
      on_(on),
      client_(client),
      key_(who.key),
      who_{key_, who.user},
      near_(on),
      far4_(on),
      far6_(on),
      resolver_(on) {}

problem association::open(endpoint& bound) {
    problem what = problem::none;
    if (!far_side(*proxy_).has_one_for(who_)) return problem::not_allowed;
    near_ = proxy_->udp_relays.take(on_, client_.address().is_v4(), {who_.key, nullptr}, what);
    if (what != problem::none) return what;
    berth::error_code unnamed;
    near_->non_blocking(true);
    bound = near_->local_endpoint(unnamed);
    return what;
}

void association::start(watch& by, std::function<void(std::string_view)> ended) {
    ended_ = std::move(ended);
    by.add(*this);
    hear(near_, &association::from_client);
}

void association::stop() noexcept {
    is_stopped_ = true;
    leave();
    ended_ = nullptr;
    resolver_.cancel();
    for (auto* socket : {&near_, &far4_, &far6_}) {
        berth::error_code ignored;
        socket->give_back(ignored);
    }
    third_.give_back();
}

void association::hear(berth::bound<berth::udp_socket>& at, void (association::*from)(berth::datagram&)) {
    at->async_receive_each([self = shared_from_this(), from](berth::error_code ec, berth::datagram d) {
        if (self->is_stopped_) return;
        ec ? self->end("deaf") : ((*self).*from)(d);
    });
}

void association::from_client(berth::datagram& d) {
    const bool is_client =
        plain(d.source.address()) == client_.address() && (client_.port() == 0 || client_.port() == d.source.port());
    const octets bytes(static_cast<const std::uint8_t*>(d.payload.data()), d.payload.size());
    socks_datagram header;
    const parsed p = is_client && !d.is_truncated ? parse(bytes, header) : parsed::wrong("not the client's");
    if (p.state != outcome::whole || header.fragment != 0 || header.to.port == 0) return drop();
    client_.port(d.source.port());
    touch();
    const asio::const_buffer payload(bytes.data() + p.size, bytes.size() - p.size);
    if (!header.to.name.empty()) return to_name(header.to, payload);
    to_destination({plain(header.to.address), header.to.port}, payload);
}

void association::to_name(const destination& to, asio::const_buffer payload) {
    const std::string name = to.name + ':' + std::to_string(to.port);
    for (const known_name& one : names_) {
        if (one.name == name) return one.is_known ? to_destination(one.at, payload) : drop();
    }
    if (names_.size() == most_names) {
        if (!names_.front().is_known) return drop();  // as many look-ups as that at once
        names_.pop_front();
    }
    names_.push_back({name, {}, false});
    std::vector<char> copy(asio::buffer_size(payload));
    asio::buffer_copy(asio::buffer(copy), payload);
    resolver_.async_resolve(
        to.name, std::to_string(to.port), berth::tcp_resolver::numeric_service,
        [self = shared_from_this(), name, copy = std::move(copy)](berth::error_code, const auto& found) {
            if (self->is_stopped_) return;
            auto& names = self->names_;
            const auto mine = std::find_if(names.begin(), names.end(), [&](auto& one) { return one.name == name; });
            if (mine == names.end()) return;
            for (const auto& entry : found) {
                const endpoint at(plain(entry.endpoint().address()), entry.endpoint().port());
                if (!self->may_go_to(at) || !self->socket_for(at)) continue;
                mine->at = at;
                mine->is_known = true;
                return self->to_destination(at, asio::buffer(copy));
            }
            names.erase(mine);
            self->drop();
        });
}

bool association::may_go_to(const endpoint& to) {
    if (!contains(proxy_->config.socks_ports, to.port())) return false;
    return proxy_->rules.refusal_of(to.address(), [&] { return is_own_address(on_, to.address()); }).empty();
}

berth::bound<berth::udp_socket>& association::socket_for(const endpoint& to) {
    auto& far = to.address().is_v4() ? far4_ : far6_;
    if (far) return far;
    if (far4_ || far6_) {
        berth::error_code ec;
        third_ = proxy_->count_ports(who_.user, client_.address(), 1, ec);
        if (ec) return far;
    }
    problem ignored = problem::none;
    far = far_side(*proxy_).take(on_, to.address().is_v4(), who_, ignored);
    if (far) {
        far->non_blocking(true);
        hear(far, &association::from_destination);
    } else {
        third_.give_back();
    }
    return far;
}

void association::to_destination(const endpoint& to, asio::const_buffer payload) {
    if (std::find(destinations_.begin(), destinations_.end(), to) == destinations_.end()) {
        if (!may_go_to(to)) return drop();
        if (destinations_.size() == proxy_->config.datagram_destinations) destinations_.pop_front();
        destinations_.push_back(to);
    }
    auto& far = socket_for(to);
    if (!far) return drop();
    berth::error_code ec;
    far->send_to(payload, to, 0, ec);  // what has no room now is lost, as on any other part of the way
    if (ec) return drop();
    proxy_->counts.datagrams_up.add();
    up_ += asio::buffer_size(payload);
}

void association::from_destination(berth::datagram& d) {
    const endpoint from(plain(d.source.address()), d.source.port());
    if (d.is_truncated || std::find(destinations_.begin(), destinations_.end(), from) == destinations_.end())
        return drop();
    touch();
    const auto header = datagram_header(from);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(header.data.data(), header.size), d.payload.buffer()};
    berth::error_code ec;
    near_->send_to(parts, client_, 0, ec);
    if (ec) return drop();
    proxy_->counts.datagrams_down.add();
    down_ += d.payload.size();
}

void association::drop() noexcept { proxy_->counts.datagrams_dropped.add(); }

void association::looked_at(clock::duration idle) noexcept {
    if (proxy_->config.idle == settings::duration::zero() || idle <= proxy_->config.idle) return;
    end("idle");
}

void association::end(std::string_view why) {
    leave();
    if (auto ended = std::exchange(ended_, nullptr)) ended(why);
}

}  // namespace outbound_proxy
