// The category: messages, and which std::errc a value equals.
#include <berth/error.hpp>

namespace berth::inline v0_1 {
namespace {

struct row {
    const char* message;
    std::errc equal;
};

constexpr std::errc nothing{};

constexpr row rows[] = {
    {"success", nothing},
    {"a port of the block is in use or reserved", std::errc::address_in_use},
    {"no port of the block is available", std::errc::address_in_use},
    {"invalid argument", std::errc::invalid_argument},
    {"the socket is bound already", std::errc::invalid_argument},
    {"the socket is not associated with a reservation", std::errc::invalid_argument},
    {"the block was not reserved on this address", std::errc::address_not_available},
    {"the socket's address family is not the block's", std::errc::address_family_not_supported},
    {"the port is not one of the block's", std::errc::invalid_argument},
    {"the port is not available now", std::errc::address_in_use},
    {"unknown, released or foreign reservation token", std::errc::invalid_argument},
    {"the protocol or its use is not the block's", std::errc::wrong_protocol_type},
    {"operation not supported", std::errc::operation_not_supported},
    {"permission denied", std::errc::permission_denied},
    {"not a socket", std::errc::not_a_socket},
    {"operation aborted", std::errc::operation_canceled},
    {"too many open files", std::errc::too_many_files_open},
    {"out of memory", std::errc::not_enough_memory},
    {"sockets of the block are still out", std::errc::device_or_resource_busy},
    {"the reservation was released", std::errc::invalid_argument},
    {"a socket option cannot be carried over", std::errc::operation_not_permitted},
    {"a forked child cannot use its parent's reservation", std::errc::operation_not_permitted},
    {"the block is in another network namespace", std::errc::address_not_available},
    {"the system refused", std::errc::io_error},
    {"no persistent reservation of exactly this block", std::errc::no_such_file_or_directory},
    {"nobody answers there", std::errc::connection_refused},
    {"the quota is used up", std::errc::resource_unavailable_try_again},
    {"ports of the block are connected to too many destinations", std::errc::not_enough_memory},
};

class berth_category final : public std::error_category {
public:
    const char* name() const noexcept override { return "berth"; }

    std::string message(int value) const override {
        return is_known(value) ? rows[value].message : "unknown berth error " + std::to_string(value);
    }

    std::error_condition default_error_condition(int value) const noexcept override {
        if (is_known(value) && rows[value].equal != nothing) return rows[value].equal;
        return {value, *this};
    }

private:
    static bool is_known(int value) noexcept {
        return value >= 0 && value < static_cast<int>(std::size(rows));
    }
};

static_assert(std::size(rows) == errc_count && static_cast<std::size_t>(errc::too_many_destinations) + 1 == errc_count);

}  // namespace

const std::error_category& error_category() noexcept {
    static const berth_category category;
    return category;
}

}  // namespace berth::v0_1
