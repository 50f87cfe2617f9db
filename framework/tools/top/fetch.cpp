// See fetch.hpp.
#include "fetch.hpp"

#include "status_metrics.hpp"

#include <fmt/format.h>
#include <asio/connect.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <berth/persistent.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <thread>

namespace berth::top {
namespace {

constexpr const char* late_daemon = "berthd does not answer in time";

// A request and its time limit: whichever ends first closes the other.
class conversation : public std::enable_shared_from_this<conversation> {
public:
    conversation(asio::io_context& context, const target& from, fetch_handler handler)
        : socket_(context),
          limit_(context),
          at_(from.at),
          request_(fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nAccept: text/plain;version=0.0.4\r\n"
                               "Connection: close\r\n\r\n",
                               from.path, from.host)),
          handler_(std::move(handler)) {}

    void start(std::chrono::steady_clock::duration limit) {
        limit_.expires_after(limit);
        limit_.async_wait([self = shared_from_this(), limit](std::error_code ec) {
            if (ec) return;
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
            self->end({{}, fmt::format("no whole answer within {} ms", ms)});
        });
        socket_.async_connect(at_, [self = shared_from_this()](std::error_code ec) {
            if (ec) return self->end({{}, ec.message()});
            self->ask();
        });
    }

private:
    void ask() {
        asio::async_write(socket_, asio::buffer(request_),
                          [self = shared_from_this()](std::error_code ec, std::size_t) {
                              if (ec) return self->end({{}, ec.message()});
                              self->hear();
                          });
    }
    void hear() {
        asio::async_read(socket_, asio::dynamic_buffer(answer_, most_bytes),
                         [self = shared_from_this()](std::error_code ec, std::size_t size) {
                             if (size == most_bytes) return self->end({{}, "an answer of more than 16 MiB"});
                             if (ec != asio::error::eof) return self->end({{}, ec.message()});
                             self->end(body_of(self->answer_));
                         });
    }
    void end(fetched result) {
        if (!handler_) return;
        const auto handler = std::exchange(handler_, nullptr);
        std::error_code ignored;
        socket_.close(ignored);
        limit_.cancel();
        handler(std::move(result));
    }

    asio::ip::tcp::socket socket_;
    asio::steady_timer limit_;
    asio::ip::tcp::endpoint at_;
    std::string request_, answer_;
    fetch_handler handler_;
};

fetched status_of(const std::string& socket) {
    persistent_options options;
    options.socket_path = socket;
    failure f;
    const auto now = persistent_status(f, options);
    const auto blocks = f ? std::vector<persistent_block>() : list_persistent(f, options);
    if (f) return {{}, f.what.empty() ? f.code.message() : f.what};
    return {tools::metrics_text(now, blocks), {}};
}

// The library's call waits for berthd, up to half a minute, so a thread waits with it: one for each socket.
void ask_daemon(const std::shared_ptr<asio::io_context>& context, const target& from,
                std::chrono::steady_clock::duration limit, fetch_handler handler) {
    if (from.is_waited_for->exchange(true))
        return asio::post(*context, [handler = std::move(handler)] { handler({{}, late_daemon}); });
    const auto waits = std::make_shared<fetch_handler>(std::move(handler));
    const auto end = [waits](fetched result) {
        if (const auto once = std::exchange(*waits, nullptr)) once(std::move(result));
    };
    const auto timer = std::make_shared<asio::steady_timer>(*context, limit);
    timer->async_wait([timer, end](std::error_code ec) {
        if (!ec) end({{}, late_daemon});
    });
    std::thread([context, timer = timer, end = end, socket = from.socket, waited = from.is_waited_for]() mutable {
        fetched result;
        try {
            result = status_of(socket);
        } catch (const std::exception& e) {
            result.problem = e.what();
        }
        waited->store(false);
        asio::post(*context, [timer = std::move(timer), end = std::move(end), result = std::move(result)]() mutable {
            timer->cancel();
            end(std::move(result));
        });
    }).detach();
}

bool same_letters(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

}  // namespace

fetched body_of(std::string_view answer) {
    if (!answer.starts_with("HTTP/1.")) return {{}, answer.empty() ? "an empty answer" : "what answers is not HTTP"};
    const auto with_returns = answer.find("\r\n\r\n"), without = answer.find("\n\n");
    const auto head_end = std::min(with_returns, without);
    if (head_end == std::string_view::npos) return {{}, "an answer that ends in its head"};
    auto head = answer.substr(0, head_end + 1);
    const auto body = answer.substr(head_end + (head_end == with_returns ? 4 : 2));
    bool is_first = true;
    while (!head.empty()) {
        const auto size = std::min(head.find('\n'), head.size());
        const auto line = trimmed(head.substr(0, size));
        head.remove_prefix(std::min(size + 1, head.size()));
        if (std::exchange(is_first, false)) {
            const auto status = line.substr(std::min(line.find(' '), line.size()));
            if (!trimmed(status).starts_with("200")) return {{}, "HTTP says" + std::string(status.substr(0, 60))};
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto value = trimmed(line.substr(colon + 1));
        if (same_letters(line.substr(0, colon), "transfer-encoding") && !same_letters(value, "identity"))
            return {{}, "an answer in chunks, to HTTP/1.0"};
        if (same_letters(line.substr(0, colon), "content-length")) {
            std::size_t said = 0;
            const auto read = std::from_chars(value.data(), value.data() + value.size(), said);
            if (read.ec != std::errc{} || said != body.size())
                return {{}, fmt::format("an answer of {} bytes that should have {}", body.size(), value)};
        }
    }
    return {std::string(body), {}};
}

void async_fetch(const std::shared_ptr<asio::io_context>& context, const target& from,
                 std::chrono::steady_clock::duration limit, fetch_handler handler) {
    if (from.is_daemon) return ask_daemon(context, from, limit, std::move(handler));
    std::make_shared<conversation>(*context, from, std::move(handler))->start(limit);
}

}  // namespace berth::top
