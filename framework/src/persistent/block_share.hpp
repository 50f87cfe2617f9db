// A consumer's connection to berthd for one block: fetches ports into a lane, and sends back what is wanted back.
//
// Whoever draws and finds nothing asks here and waits; one thread sleeps on the connection and does what the daemon
// wishes meanwhile. Invariant: what this side has is what its lane says; what the daemon believes can differ only by
// messages under way, and `holding`, which names the last message that it knows of, settles it at any time. A daemon
// that starts again keeps the connection: it says `restarted`, hears what is held here, and is asked again. The
// daemon takes the end of a connection for the end of all its sockets: so one over which a port came is closed only
// when no port is here, and after an end that came from the other side nothing that is here is drawn again.
#pragma once

#include "persistent/share_message.hpp"
#include "platform/service_channel.hpp"
#include "port_source.hpp"
#include "reservation_core.hpp"

#include <berth/persistent_share.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace berth::detail {

class block_share final : public port_source, public std::enable_shared_from_this<block_share> {
public:
    /// nullptr and a failure.
    static std::shared_ptr<reservation_core> open(reservation_token token, const share_options& options, failure& f);

    block_share(reservation_token token, const share_options& options);
    ~block_share() override;

    bool fetch(port_lane& lane, need what, std::uint32_t index, error_code& ec) noexcept override;
    void send_condemned(port_lane& lane) noexcept override;
    void ports_left(port_lane& lane) noexcept override;
    void close(port_lane& lane, bool sockets_live_on) noexcept override;
    void abandon() noexcept override;

    [[nodiscard]] failure last_refusal() const;

private:
    using clock = std::chrono::steady_clock;
    /// heard: something that is not the answer; none: nothing has come.
    enum class turn : std::uint8_t { none, heard, answered, refused, ask_again, lost };

    std::shared_ptr<platform::service_channel> connect(service_answer& block, clock::time_point until, failure& f);
    std::optional<service_answer> ask_for_block(platform::service_channel& channel, clock::time_point until,
                                                failure& f);
    bool ask(port_lane& lane, const service_request& request, failure& f);
    [[nodiscard]] clock::time_point deadline() const;
    bool reconnect(clock::time_point until, failure& f);
    void lose_channel(port_lane& lane);
    turn take_one(port_lane& lane, std::uint32_t asked, failure& f);
    /// `sockets` are those it has not taken or closed.
    turn hear(port_lane& lane, std::span<const std::byte> received, std::vector<platform::native_socket>& sockets,
              std::uint32_t asked, failure& f);
    void take_in(port_lane& lane, const share_message& message, std::vector<platform::native_socket>& sockets,
                 failure& f);
    void say_holding(port_lane& lane);
    bool send_idle(port_lane& lane, std::uint32_t most, bool answers);
    void send(port_lane& lane, share_verb verb, std::vector<std::uint16_t> ports);
    void tidy(port_lane& lane);
    void watch() noexcept;
    bool watch_once();
    void start_watching();

    const reservation_token token_;
    const share_options options_;
    const std::string path_;
    std::weak_ptr<reservation_core> core_;
    mutable std::mutex talking_;
    std::shared_ptr<platform::service_channel> channel_;
    std::uint32_t asked_ = 0;
    std::vector<std::shared_ptr<platform::service_channel>> lost_;  // that ports which are still here came over
    std::uint64_t epoch_ = 0, number_ = 0;                          // of the last restarted, of the last fetched
    std::chrono::milliseconds pause_{};                             // between two looks for what is wanted back
    bool wants_all_ = false;                                        // the daemon wants back whatever is idle
    bool must_say_holding_ = false;
    bool is_closed_ = false;
    bool is_watched_ = false;
    failure refusal_;
    clock::time_point refused_at_{};
};

/// The open share of this process for associate(): opened at the first call, and then kept. nullptr:
/// permission_denied, or else invalid_token: it is no persistent block's, or berthd is not to be had.
std::shared_ptr<reservation_core> share_for_associate(reservation_token token, error_code& ec);

}  // namespace berth::detail
