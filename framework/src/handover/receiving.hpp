// The successor's side of a hand-over: asks, checks, keeps; and what it then has.
//
// Until the predecessor said `yours`, nothing of the sockets' state is changed: whoever of the two ends leaves the
// other one with everything. If the predecessor dies after all descriptors have come, everything is ours as well.
#pragma once

#include "handover/wire.hpp"
#include "platform/fork_stamp.hpp"
#include "reservation_core.hpp"

#include <berth/detail/handover_parts.hpp>

#include <optional>

namespace berth::detail {

class system_receiving final : public receiving {
public:
    system_receiving(std::string address, std::shared_ptr<platform::handover_line> line,
                     std::chrono::milliseconds patience)
        : address_(std::move(address)), line_(std::move(line)), patience_(patience), stamp_(platform::fork_stamp()) {}
    ~system_receiving() override;

    /// All of it; false and a failure: nothing is held.
    bool run(failure& f);

    [[nodiscard]] const std::vector<handed_reservation>& reservations() const noexcept override { return described_; }
    [[nodiscard]] const std::vector<handed_port>& ports() const noexcept override { return ports_; }
    port_reservation take_reservation(std::string_view name, error_code& ec) override;
    bound_port take_port(std::size_t i, error_code& ec) override;
    void complete() override;
    std::shared_ptr<offering> offer(failure& f) noexcept override;

private:
    struct coming_lane {
        platform::port_kind kind{};
        std::shared_ptr<platform::handover_board> board;
        std::array<platform::handed_descriptor, 2> parking;
        prior_owners priors;
        std::vector<std::array<platform::handed_descriptor, 3>> sockets;
        std::vector<std::uint64_t> cookies;
        std::vector<std::uint32_t> serving;
        std::vector<std::string> names;
    };
    struct coming {
        std::string name;
        reservation_request request;
        std::uint64_t network = 0;
        std::vector<coming_lane> lanes;
        std::size_t lanes_begun = 0;
        std::shared_ptr<reservation_core> core;
    };

    std::shared_ptr<offering> next_offer(failure& f);
    bool ask(const handover_writer& request, platform::handover_message& answer, failure& f);
    bool hear_offer(failure& f);
    bool check_room(std::uint64_t descriptors, failure& f) const;
    bool fetch(failure& f);
    bool hear_part(platform::handover_message& m, failure& f);
    bool hear_reservation(handover_reader& in, failure& f);
    bool hear_lane(handover_reader& in, platform::handover_message& m);
    bool hear_sockets(handover_reader& in, platform::handover_message& m);
    bool hear_names(handover_reader& in);
    [[nodiscard]] coming_lane* current_lane() noexcept;
    bool build(failure& f);
    static std::unique_ptr<platform::held_block> build_block(const coming& c, coming_lane& lane, failure& f);
    bool get_word(failure& f);
    void settle();
    [[nodiscard]] bool is_forked() const noexcept;
    [[nodiscard]] bool is_in_use(std::size_t i) const;

    const std::string address_;
    std::shared_ptr<platform::handover_line> line_;
    const std::chrono::milliseconds patience_;
    const std::uint64_t stamp_;  // a forked child's copy does nothing: what came is its parent's
    platform::handed_descriptor listener_, process_;
    std::uint32_t parts_ = 0;
    std::vector<coming> coming_;
    bool is_ours_ = false;       // the predecessor said so, or is dead
    bool is_completed_ = false;  // and we said that we serve

    std::vector<port_reservation> held_;  // not taken yet
    std::vector<handed_reservation> described_;
    std::vector<handed_port> ports_;
    std::vector<bound_port> served_;  // by place in ports_; empty once taken
};

}  // namespace berth::detail
