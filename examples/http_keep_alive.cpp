// A small HTTP/1.1 server that keeps its connections: GET and HEAD of one page, requests one after another or all at
// once, until SIGINT or SIGTERM.
//   http_keep_alive [port]      without a port, one that the kernel picks; it is printed
#ifdef BERTH_EXAMPLE_ON_ASIO  // the same program on Asio's own context, for comparison
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/signal_set.hpp>
using io_context = asio::io_context;
using tcp_socket = asio::ip::tcp::socket;
using tcp_acceptor = asio::ip::tcp::acceptor;
using signal_set = asio::signal_set;
const char* backend_of(const io_context&) { return "asio::io_context"; }
#else
#include <berth/signal_set.hpp>
#include <berth/tcp_acceptor.hpp>
using berth::io_context, berth::tcp_socket, berth::tcp_acceptor, berth::signal_set;
auto backend_of(const io_context& loop) { return std::string(loop.backend()) + " (" + loop.backend_reason() + ")"; }
#endif

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

using asio::awaitable, asio::use_awaitable, asio::ip::tcp;

constexpr std::size_t longest_request = 8192;  // bytes, with all of its headers
constexpr std::string_view page = "Hello from a berth.\n";
struct request {
    std::string_view method;
    int status = 400;  // of the answer
    bool keep_alive = false;
};

bool same_word(std::string_view a, std::string_view b) {
    const auto lower = [](unsigned char c) { return std::tolower(c); };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view cut(std::string_view& text, std::string_view mark) {
    const auto at = std::min(text.find(mark), text.size());
    const auto head = text.substr(0, at);
    text.remove_prefix(std::min(at + mark.size(), text.size()));
    return head;
}

/// Understands what stands before the empty line; a body is not asked for and not taken.
request understand(std::string_view text) {
    request r;
    std::string_view first = cut(text, "\r\n");
    r.method = cut(first, " ");
    const std::string_view target = cut(first, " ");
    if (r.method.empty() || !target.starts_with('/') || (first != "HTTP/1.1" && first != "HTTP/1.0")) return r;
    bool is_open = first == "HTTP/1.1", has_body = false;
    int hosts = first == "HTTP/1.1" ? 0 : 1;  // the older one may leave it out
    while (!text.empty()) {
        std::string_view value = cut(text, "\r\n");
        if (value.find(':') == value.npos) return r;
        const std::string_view name = cut(value, ":");
        if (name.empty() || name.find_first_of(" \t") != name.npos) return r;
        while (value.starts_with(' ')) value.remove_prefix(1);
        hosts += same_word(name, "host") && first == "HTTP/1.1";
        if (same_word(name, "connection") && same_word(value, "close")) is_open = false;
        has_body |= same_word(name, "transfer-encoding") || (same_word(name, "content-length") && value != "0");
    }
    if (hosts != 1) return r;
    r.status = has_body ? 413 : r.method != "GET" && r.method != "HEAD" ? 501 : target == "/" ? 200 : 404;
    r.keep_alive = is_open && !has_body;  // where the request after a body begins is not known
    return r;
}

void answer(const request& r, std::string& out) {
    const std::string_view reason = r.status == 200   ? "OK"
                                    : r.status == 404 ? "Not Found"
                                    : r.status == 413 ? "Content Too Large"
                                    : r.status == 431 ? "Request Header Fields Too Large"
                                    : r.status == 501 ? "Not Implemented"
                                                      : "Bad Request";
    const std::string_view body = r.status == 200 ? page : reason;
    out.append("HTTP/1.1 ").append(std::to_string(r.status)).append(" ").append(reason);
    out.append("\r\nContent-Type: text/plain\r\nContent-Length: ").append(std::to_string(body.size()));
    out.append(r.keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    if (r.method != "HEAD") out.append(body);
}

awaitable<void> serve(tcp_socket socket) {
    constexpr auto token = asio::experimental::as_tuple(use_awaitable);
    std::string in, out;
    for (bool is_open = true; is_open;) {
        const auto [ec, size] =
            co_await asio::async_read_until(socket, asio::dynamic_buffer(in, longest_request), "\r\n\r\n", token);
        if (ec && ec != asio::error::not_found) co_return;  // the end, or the connection is lost
        out.clear();
        if (ec) answer({.method = {}, .status = 431}, out), is_open = false;  // too long
        std::size_t done = 0;  // all requests that are there get their answers in one write
        for (std::size_t end; is_open && (end = in.find("\r\n\r\n", done)) != in.npos; done = end + 4) {
            const request r = understand(std::string_view(in).substr(done, end + 2 - done));
            answer(r, out);
            is_open = r.keep_alive;
        }
        in.erase(0, done);
        const auto [failed, written] = co_await asio::async_write(socket, asio::buffer(out), token);
        if (failed) co_return;
    }
    asio::error_code ignored;
    socket.shutdown(tcp_socket::shutdown_send, ignored);
    for (char rest[4096]; !ignored;)
        ignored = std::get<0>(co_await socket.async_read_some(asio::buffer(rest), token));
}

awaitable<void> listen(tcp_acceptor acceptor) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

int main(int argc, char** argv) {
    try {
        const std::string_view wanted = argc > 1 ? argv[1] : "0";
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), port);
        if (error != std::errc() || end != wanted.data() + wanted.size()) {
            std::cerr << "not a port: " << wanted << "; a number from 0 to 65535 is\n";
            return 2;
        }
        io_context loop;
        tcp_acceptor acceptor(loop, tcp::endpoint(tcp::v4(), port));
        std::cout << "listening on port " << acceptor.local_endpoint().port() << ", backend " << backend_of(loop)
                  << std::endl;
        signal_set signals(loop, SIGINT, SIGTERM);
        signals.async_wait([&](auto, auto) { loop.stop(); });
        asio::co_spawn(loop, listen(std::move(acceptor)), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);  // the program ends by it, and does not go deaf in silence
        });
        loop.run();
    } catch (const std::exception& failed) {
        std::cerr << failed.what() << '\n';
        return 1;
    }
}
