// What the pools of one kind of socket have in common: shards, blocks, and the draw of a socket for a shard.
#pragma once

#include <berth/bound.hpp>
#include <berth/detail/growing_blocks.hpp>

#include <array>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace berth::detail {

template <class Socket>
class socket_pool {
public:
    using endpoint = bound<Socket>;

    socket_pool(const socket_pool&) = delete;
    socket_pool& operator=(const socket_pool&) = delete;

    /// Reserves the first block, in turns on the first shard (async_reserve). Completion signature void(error_code):
    /// what reserve says, failure() in words; already_started; operation_aborted if closed meanwhile.
    template <class Token>
    auto async_start(Token&& token) {
        return blocks_->async_start(static_cast<Token&&>(token));
    }

    /// No socket is handed out any more; completes, with signature void(error_code), when all are back and every
    /// block is released. Cancelled (terminal): those that are out stay so, and nothing is handed out; close() ends
    /// it.
    template <class Token>
    auto async_stop(Token&& token) {
        return blocks_->async_stop(static_cast<Token&&>(token));
    }

    /// Post: nothing is handed out or reserved any more. Sockets that are out live on; their ports end with them. Any
    /// thread.
    void close() noexcept {
        blocks_->close_door();
        blocks_->release_all();
    }

    /// A socket on a port of the pool, open, empty and without a past, for the shard with this number. From any
    /// shard's thread; the draw takes no lock and does not wait, and on the shard's own thread nothing else does. Its
    /// end gives the port back, which rests as the request says. An empty one and ec on failure: block_exhausted (of
    /// all blocks; the next may be on its way), reservation_released (not started, or closed), invalid_argument (no
    /// such shard).
    endpoint open(std::size_t shard, error_code& ec) {
        if (shard >= shards_.size()) return ec = errc::invalid_argument, endpoint(shards_[0]->get_executor());
        return blocks_->draw(ec, [context = shards_[shard]](port_reservation& block, error_code& why) {
            return block.take<Socket>(context->get_executor(), why);
        });
    }
    endpoint open(std::size_t shard) {
        error_code ec;
        auto opened = open(shard, ec);
        if (ec) throw std::system_error(ec, "berth: open");
        return opened;
    }

    /// An even port and the odd one above it (RTP and RTCP). Both or none.
    std::array<endpoint, 2> open_pair(std::size_t shard, error_code& ec) {
        io_context* const context = shards_[shard < shards_.size() ? shard : 0];
        if (shard >= shards_.size()) {
            ec = errc::invalid_argument;
            return {endpoint(context->get_executor()), endpoint(context->get_executor())};
        }
        return blocks_->draw(ec, [context](port_reservation& block, error_code& why) {
            return block.take_pair<Socket>(context->get_executor(), why);
        });
    }

    [[nodiscard]] std::size_t shards() const noexcept { return shards_.size(); }
    /// Thread-safe. A look at each port.
    [[nodiscard]] pool_statistics statistics() const noexcept { return blocks_->statistics(); }
    /// Why the last block could not be reserved: at the start, or later. Thread-safe.
    [[nodiscard]] berth::failure failure() const { return blocks_->why(); }

protected:
    socket_pool(const reservation_request& request, std::span<io_context* const> shards, const pool_growth& growth)
        : shards_(shards.begin(), shards.end()) {
        if (shards_.empty()) {
            throw reservation_error(
                {errc::invalid_argument, "a pool without a shard: give it one io_context at least", 0, 0});
        }
        blocks_ = std::make_shared<growing_blocks>(request, growth, *shards_.front());
    }
    ~socket_pool() { close(); }

    [[nodiscard]] std::span<io_context* const> contexts() const noexcept { return shards_; }
    [[nodiscard]] growing_blocks& blocks() noexcept { return *blocks_; }

private:
    std::vector<io_context*> shards_;
    std::shared_ptr<growing_blocks> blocks_;
};

}  // namespace berth::detail
