// The predecessor's side of a hand-over: a machine that answers, and never waits.
//
// Nothing changes until the successor says that it has checked and could keep everything (ready): then the
// reservations are frozen, and are either its (have) or, if it is gone before, as they were. Each answer is one
// message that follows one request, so that nothing queues and none can block.
#pragma once

#include "handover/wire.hpp"
#include "reservation_core.hpp"

#include <berth/detail/handover_parts.hpp>

namespace berth::detail {

class system_offering final : public offering {
public:
    explicit system_offering(std::unique_ptr<platform::handover_door> door);
    ~system_offering() override;

    void add(const port_reservation& r, std::string name, failure& f) noexcept override;
    void serve(const port_reservation& r, transport protocol, std::uint16_t port, std::string name,
               failure& f) noexcept override;
    [[nodiscard]] native_handle_type waits_on() const noexcept override;
    bool advance(error_code& ec) override;
    bool abort() override;
    [[nodiscard]] const failure& why() const noexcept override { return why_; }
    [[nodiscard]] bool is_passing() const noexcept override { return stage_ == stage::passing; }

private:
    enum class stage : std::uint8_t { idle, sending, passing, over };
    struct entry {
        std::string name;
        std::shared_ptr<reservation_core> core;
    };
    struct named {
        port_lane* lane;
        std::uint32_t index;
        std::uint32_t loan;  // the name is this one's: another worker's session with the port has none
        std::string name;
    };
    struct lane_under_way {
        port_lane* lane;
        prior_owners priors;
        std::shared_ptr<platform::handover_board> board;
        std::vector<named> names;  // as they were when it began; what is no more by the time, the board says
    };
    struct under_way {
        std::string name;
        std::shared_ptr<reservation_core> core;
        std::vector<lane_under_way> lanes;
    };
    struct step {
        handover_part part;
        std::size_t reservation, lane;
        std::uint32_t from, count;  // ports, or names of the lane
    };

    void put(const port_reservation& r, std::string name, failure& f);
    void name_port(const port_reservation& r, transport protocol, std::uint16_t port, std::string name, failure& f);
    void hear(const platform::handover_message& m);
    void begin(std::uint32_t version);
    void plan();
    void send_offer();
    void send_part();
    void send_reservation(const step& s);
    void send_lane(const step& s);
    void send_sockets(const step& s);
    void send_names(const step& s);
    void pass();
    void finish();
    bool answer(const handover_writer& out, std::span<const platform::native_socket> descriptors = {});
    bool go_on(error_code& ec);
    void refuse(failure f) noexcept;
    template <class Words>
    void call_off(Words words) noexcept;
    void fall_back(failure f) noexcept;
    void note_silence();
    bool is_forked(failure& f) const;
    [[nodiscard]] std::vector<named> names_of(const port_lane* lane) const;

    std::unique_ptr<platform::handover_door> door_;
    const std::uint64_t stamp_;
    std::vector<entry> entries_;
    std::vector<named> names_;
    stage stage_ = stage::idle;
    std::vector<under_way> under_way_;
    std::vector<step> steps_;
    std::size_t next_ = 0;
    failure why_, refused_;  // refused_: what a successor said that has not hung up yet
};

}  // namespace berth::detail
