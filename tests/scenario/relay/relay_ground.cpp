// See relay_ground.hpp.
#include "scenario/relay/relay_ground.hpp"

#include <asio/write.hpp>

#include <algorithm>
#include <sstream>

namespace berth::test {

using namespace relay;

std::string running_relay::text::so_far() const {
    const std::lock_guard lock(gate_);
    return all_;
}

running_relay::text::int_type running_relay::text::overflow(int_type c) {
    const char one = traits_type::to_char_type(c);
    xsputn(&one, 1);
    return c;
}

std::streamsize running_relay::text::xsputn(const char* s, std::streamsize n) {
    const std::lock_guard lock(gate_);
    all_.append(s, static_cast<std::size_t>(n));
    return n;
}

running_relay::running_relay(const std::function<void(relay_options&)>& change,
                             std::chrono::milliseconds drain_time) {
    relay_options options;
    options.listen = {"127.0.0.1:0"};
    options.relay_address = {"127.0.0.1"};
    options.ports = "16";
    options.users = {"user:word"};
    options.rules.allow_loopback = true;
    options.cool_down = 0;
    options.limit.tick = std::chrono::milliseconds(50);
    if (change) change(options);
    server_ = std::make_unique<relay_server>(options, shards_, log_);
    shown_ = publish(metrics_, *server_);
    drain_.emplace(shards_, log_, drain_time);
    drain_->on_begin([this](auto, auto done) { server_->drain(done); });
    server_->start();
    thread_ = std::thread([this] { outcome_ = drain_->run(); });
}

running_relay::~running_relay() {
    if (thread_.joinable()) {
        shards_.stop();
        thread_.join();
    }
    drain_.reset();
    shown_.clear();
    server_.reset();
}

int running_relay::join() {
    thread_.join();
    return outcome_;
}

std::size_t running_relay::logged(std::string_view event, std::string_view part) const {
    log_.flush();
    std::istringstream lines(text_.so_far());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
        count += line.find("event=" + std::string(event) + ' ') != std::string::npos &&
                 line.find(part) != std::string::npos;
    }
    return count;
}

bool running_relay::wait_for(const std::function<bool()>& condition) const {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

std::uint64_t running_relay::sum(const std::function<std::uint64_t(const shard_counters&)>& of) const {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < server_->size(); ++i) all += of(server_->counters(i));
    return all;
}

int reply::code() const {
    const attribute_view* const error = message ? message->find(attribute::error_code) : nullptr;
    return error == nullptr || error->value.size() < 4 ? 0 : error->value[2] * 100 + error->value[3];
}

relay_client::relay_client(const asio::ip::udp::endpoint& relay, bool over_tcp)
    : relay_(relay), is_tcp_(over_tcp), udp_(context_), tcp_(context_) {
    relay::fill_randomly(transaction);
    if (is_tcp_)
        tcp_.connect({relay.address(), relay.port()});
    else
        udp_.connect(relay);
}

asio::ip::udp::endpoint relay_client::local() const {
    if (!is_tcp_) return udp_.local_endpoint();
    return {tcp_.local_endpoint().address(), tcp_.local_endpoint().port()};
}

void relay_client::send(bytes_view message) {
    const auto buffer = asio::buffer(message.data(), message.size());
    if (is_tcp_)
        asio::write(tcp_, buffer);
    else
        udp_.send(buffer);
}

bool relay_client::read(std::size_t size, std::chrono::milliseconds within) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (incoming_.size() < size) {
        bytes piece(65536);
        bool is_done = false, is_good = false;
        const auto note = [&](const error_code& ec, std::size_t n) {
            is_done = true;
            is_good = !ec;
            incoming_.insert(incoming_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n));
        };
        context_.restart();
        if (is_tcp_)
            tcp_.async_read_some(asio::buffer(piece), note);
        else
            udp_.async_receive(asio::buffer(piece), note);
        context_.run_until(end);
        if (!is_done) {
            is_tcp_ ? tcp_.cancel() : udp_.cancel();
            context_.restart();
            context_.run();
        }
        if (!is_good) return false;
        if (!is_tcp_) return true;
    }
    return true;
}

bytes relay_client::receive(std::chrono::milliseconds within) {
    if (!is_tcp_) {
        incoming_.clear();
        if (!read(1, within)) return {};
        return std::exchange(incoming_, {});
    }
    if (!read(4, within)) return {};
    const std::size_t size = look_at(incoming_).size;
    if (!read(size, within)) return {};
    const auto end = incoming_.begin() + static_cast<std::ptrdiff_t>(size);
    bytes message(incoming_.begin(), end);
    incoming_.erase(incoming_.begin(), end);
    return message;
}

bool relay_client::is_closed(std::chrono::milliseconds within) {
    for (;;) {
        bool is_done = false;
        error_code why;
        bytes piece(65536);
        context_.restart();
        tcp_.async_read_some(asio::buffer(piece),
                             [&](const error_code& ec, std::size_t) { is_done = true, why = ec; });
        context_.run_for(within);
        if (is_done && !why) continue;
        if (!is_done) {
            tcp_.cancel();
            context_.restart();
            context_.run();
        }
        return is_done;
    }
}

reply relay_client::receive_reply(std::chrono::milliseconds within) {
    reply got;
    got.raw = receive(within);
    got.message = stun_message::parse(got.raw);
    return got;
}

reply relay_client::repeat() {
    send(last_);
    return receive_reply();
}

reply relay_client::ask_once(stun_method method, const fill& attributes, bool with_credentials) {
    ++transaction[11];
    if (transaction[11] == 0) ++transaction[10];
    std::array<std::uint8_t, 4096> room;
    stun_writer writer(room, message_class::request, method, transaction);
    if (attributes) attributes(writer);
    if (with_credentials) {
        writer.add(attribute::username, user);
        writer.add(attribute::realm, realm);
        writer.add(attribute::nonce, nonce);
        writer.add_integrity(key_of(user, realm, password), how);
    }
    if (with_fingerprint) writer.add_fingerprint();
    last_.assign(writer.bytes().begin(), writer.bytes().end());
    reply got = repeat();
    if (got.message && (got.code() == 401 || got.code() == 438)) {
        realm = got.message->text(attribute::realm).value_or("");
        nonce = got.message->text(attribute::nonce).value_or("");
    }
    return got;
}

reply relay_client::ask(stun_method method, const fill& attributes) {
    if (nonce.empty()) ask_once(stun_method::refresh, {}, false);
    return ask_once(method, attributes, true);
}

reply relay_client::allocate(const fill& more) {
    return ask(stun_method::allocate, [&](stun_writer& w) {
        w.add(attribute::requested_transport, 17U << 24);
        if (more) more(w);
    });
}

reply relay_client::refresh(std::uint32_t seconds) {
    return ask(stun_method::refresh, [&](stun_writer& w) { w.add(attribute::lifetime, seconds); });
}

reply relay_client::permit(const asio::ip::udp::endpoint& peer) {
    return ask(stun_method::create_permission,
               [&](stun_writer& w) { w.add_address(attribute::xor_peer_address, peer); });
}

reply relay_client::bind(std::uint16_t channel, const asio::ip::udp::endpoint& peer) {
    return ask(stun_method::channel_bind, [&](stun_writer& w) {
        w.add(attribute::channel_number, std::uint32_t{channel} << 16);
        w.add_address(attribute::xor_peer_address, peer);
    });
}

std::string plain_peer::receive(std::chrono::milliseconds within) {
    std::string text(65536, '\0');
    std::size_t size = 0;
    bool is_done = false;
    context_.restart();
    socket_.async_receive_from(asio::buffer(text), from, [&](const error_code& ec, std::size_t n) {
        is_done = !ec;
        size = n;
    });
    context_.run_for(within);
    if (!is_done) {
        socket_.cancel();
        context_.restart();
        context_.run();
    }
    text.resize(is_done ? size : 0);
    return text;
}

}  // namespace berth::test
