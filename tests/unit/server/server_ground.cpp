// The handlers that most tests of a server use.
#include "unit/server/server_ground.hpp"

namespace server_test {

awaitable<void> echo(connection c) {
    for (char data[1024];;) {
        const auto [ec, size] = co_await c.async_read_unless_stopping(asio::buffer(data), as_tuple);
        if (ec) co_return;
        co_await asio::async_write(c, asio::buffer(data, size), use_awaitable);
    }
}

berth::connection_callbacks echo_callbacks() {
    berth::connection_callbacks calls;
    calls.received = [](connection& c, asio::const_buffer bytes) { c.write(bytes); };
    calls.stopping = [](connection& c) { c.finish(); };
    return calls;
}

}  // namespace server_test
