// A backend over the model network: operations end in any order that the contract allows, early, late, short, with
// errors.
//
// A sibling of uring/ and asio/ (backend.hpp). It watches the loop above it: a buffer that is returned twice, an
// attachment destroyed over its operations, an operation begun on a socket that was made quiet, a sleep that nothing
// will ever end, are complaints. Chance is the world's: the model asks it and counts what it decided.
#pragma once

#include "backend/backend.hpp"
#include "simulation/model_network.hpp"
#include "simulation/seeded_random.hpp"
#include "support/simulated_provider.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace berth::simulation {

/// What the world decides, and hears.
struct model_chances {
    seeded_random random{0};
    std::uint32_t fault_rate = 0;  ///< of a thousand operations
    std::uint32_t delay_rate = 0;  ///< of a thousand operations
    enum mark : std::size_t {
        delayed,
        short_transfer,
        fault,
        raced_cancel,
        dropped_by_quiet,
        no_buffers,
        no_descriptors,
        refused_connect,
        taken_tuple,
        idle_wake,
        marks
    };
    std::array<std::uint64_t, marks> counts{};
    std::string complaint;  ///< the first
    bool strikes(std::uint32_t rate, mark which) {
        if (!random.chance(rate)) return false;
        ++counts[which];
        return true;
    }
    void complain(const char* what) {
        if (complaint.empty()) complaint = what;
    }
};

/// What a step of the simulated provider fails with, if it does.
inline errc provider_fault(test::simulated_faults::at where, seeded_random& random, std::uint32_t rate,
                           model_chances& chances) noexcept {
    using at = test::simulated_faults::at;
    if (where == at::wait) return random.chance(200) ? errc::system_failure : errc{};
    if (!random.chance(rate / 4)) return errc{};
    ++chances.counts[model_chances::fault];
    if (where == at::seal) return errc::block_unavailable;
    return where == at::prepare || where == at::hold ? errc::too_many_files : errc::system_failure;
}

class model_backend final : public detail::backend {
public:
    explicit model_backend(model_chances& chances);
    ~model_backend() override;

    /// The chances of the backends that are made from now on.
    static void install(model_chances* chances) noexcept;

    [[nodiscard]] const detail::backend_facts& facts() const noexcept override;
    std::unique_ptr<detail::attachment> attach(platform::native_socket socket, detail::socket_kind kind,
                                               std::error_code& ec) override;
    void start(detail::operation& op) noexcept override;
    void cancel(detail::operation& op) noexcept override;
    void quiet(detail::attachment& socket) noexcept override;
    void wait(clock::time_point until) noexcept override;
    void rest() noexcept override {}
    void look() noexcept override;
    bool next(detail::completion& out) noexcept override;
    void wake() noexcept override { is_woken_ = true; }
    platform::native_socket wait_handle(std::error_code& ec) noexcept override;
    void return_buffer(std::uint32_t id) noexcept override;
    void destroy(detail::attachment& socket) noexcept override;

    /// For a world with several loops of which none sleeps: what the handle of wait_handle() says, and when something
    /// of the model happens next. In the order in which they were made.
    [[nodiscard]] bool is_readable() noexcept;
    [[nodiscard]] clock::time_point next_event() const noexcept;
    static const std::vector<model_backend*>& all() noexcept;

private:
    static constexpr std::uint32_t buffer_count = 4, buffer_size = 512;
    enum lane : std::size_t { incoming, outgoing, waits, lanes };      // each in the order of its starts, but waits
    enum op_state : std::uint16_t { idle, is_under_way, has_result };  // in operation::state
    struct under_way {
        detail::operation* op;
        clock::time_point ready_at;
    };
    struct model_attachment final : detail::attachment {
        using attachment::attachment;
        std::array<std::deque<under_way>, lanes> queues;
    };
    struct result {
        detail::completion what;
        std::uint16_t from = 0;  // port of a datagram's source, or of a client
        bool is_truncated = false;
    };
    enum class verdict : std::uint8_t { not_yet, goes_on, ended };

    static model_attachment& of(detail::operation& op) noexcept { return static_cast<model_attachment&>(*op.socket); }
    static lane lane_of(const detail::operation& op) noexcept;
    void settle() noexcept;
    bool settle_lane(model_attachment& socket, lane which) noexcept;
    verdict carry_out(model_attachment& socket, detail::operation& op) noexcept;
    verdict receive(detail::operation& op, model_socket& s) noexcept;
    verdict receive_datagram(detail::operation& op, model_socket& s) noexcept;
    verdict lend(detail::operation& op, std::uint32_t size, unsigned char fill, result& r) noexcept;
    verdict send(detail::message_operation& op, model_socket& s) noexcept;
    verdict accept(detail::operation& op, model_socket& s) noexcept;
    verdict connect(detail::message_operation& op, model_socket& s) noexcept;
    verdict end(detail::operation& op, int outcome) noexcept;
    void unlink(detail::operation& op) noexcept;
    bool take_out(detail::operation& op) noexcept;

    model_chances& chances_;
    std::deque<result> results_;
    std::vector<std::byte> buffers_;
    std::array<bool, buffer_count> is_lent_{};
    bool is_woken_ = false;
};

}  // namespace berth::simulation
