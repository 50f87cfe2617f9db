// libuv over TCP: all connections read into one buffer; what is read is written back at once, and only what the
// kernel does not take is copied and queued.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"

#include <uv.h>

#include <cstring>
#include <stdexcept>
#include <vector>

namespace berth::bench {
namespace {

std::vector<char> read_buffer;

void check(int result) {
    if (result < 0) throw std::runtime_error(uv_strerror(result));
}

struct queued_write {
    uv_write_t request{};
    std::vector<char> bytes;
};

void end(uv_handle_t* handle) {
    if (uv_is_closing(handle) != 0) return;
    uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<uv_tcp_t*>(closed); });
}

void write(uv_stream_t* stream, uv_buf_t bytes) {
    const int done = uv_try_write(stream, &bytes, 1);
    if (done == static_cast<int>(bytes.len)) return;
    if (done < 0 && done != UV_EAGAIN) return end(reinterpret_cast<uv_handle_t*>(stream));
    auto* rest = new queued_write;
    rest->bytes.assign(bytes.base + (done > 0 ? done : 0), bytes.base + bytes.len);
    const uv_buf_t left = uv_buf_init(rest->bytes.data(), static_cast<unsigned>(rest->bytes.size()));
    rest->request.data = rest;
    const int queued = uv_write(&rest->request, stream, &left, 1, [](uv_write_t* request, int result) {
        auto* handle = reinterpret_cast<uv_handle_t*>(request->handle);
        delete static_cast<queued_write*>(request->data);
        if (result < 0) end(handle);
    });
    if (queued < 0) {
        delete rest;
        end(reinterpret_cast<uv_handle_t*>(stream));
    }
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* out) {
    *out = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
}

void received(uv_stream_t* stream, ssize_t size, const uv_buf_t* bytes) {
    if (size < 0) return end(reinterpret_cast<uv_handle_t*>(stream));
    if (size > 0) write(stream, uv_buf_init(bytes->base, static_cast<unsigned>(size)));
}

void connected(uv_stream_t* listener, int result) {
    if (result < 0) return;
    auto* connection = new uv_tcp_t;
    uv_tcp_init(listener->loop, connection);
    auto* stream = reinterpret_cast<uv_stream_t*>(connection);
    if (uv_accept(listener, stream) < 0 || uv_read_start(stream, lend, received) < 0)
        end(reinterpret_cast<uv_handle_t*>(connection));
}

}  // namespace

void serve_tcp(const server_order& order) {
    read_buffer.resize(read_size(order));
    uv_loop_t loop;
    check(uv_loop_init(&loop));
    uv_tcp_t listener;
    check(uv_tcp_init(&loop, &listener));
    const int fd = open_listener();
    check(uv_tcp_open(&listener, fd));
    check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, connected));
    announce(order, fd);
    uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace berth::bench
