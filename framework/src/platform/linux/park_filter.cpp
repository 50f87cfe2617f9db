// The filter's program, its array, and loading both. The bounds of the block need no comparison in the program: an
// index below first wraps to a huge one, and the array answers null for whatever lies past its end.
#include "platform/linux/park_filter.hpp"

#include <linux/bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

namespace berth::platform {
namespace {

constexpr bpf_insn op(int code, int to, int from, int offset, int value) {
    return {.code = static_cast<std::uint8_t>(code),
            .dst_reg = static_cast<std::uint8_t>(to & 15),
            .src_reg = static_cast<std::uint8_t>(from & 15),
            .off = static_cast<std::int16_t>(offset),
            .imm = value};
}

int create_array(system_calls& calls, std::uint32_t count) noexcept {
    bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.map_type = BPF_MAP_TYPE_ARRAY;
    a.key_size = 4;
    a.value_size = 8;
    a.max_entries = count;
    a.map_flags = BPF_F_MMAPABLE;
    return calls.bpf(BPF_MAP_CREATE, a);
}

int load_program(system_calls& calls, int array, std::uint16_t first) noexcept {
    constexpr int pass_all = -1, drop = 0;
    const bpf_insn program[] = {
        op(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),    // r6: the packet, as LD_ABS wants it
        op(BPF_LD | BPF_ABS | BPF_H, 0, 0, 0, 2),       // r0: destination port, in UDP and TCP alike
        op(BPF_ALU | BPF_SUB | BPF_K, 0, 0, 0, first),  // 32 bits: below first wraps
        op(BPF_STX | BPF_MEM | BPF_W, 10, 0, -4, 0),
        op(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, array),
        op(0, 0, 0, 0, 0),
        op(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
        op(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4),
        op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
        op(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5, 0),  // outside the block: pass
        op(BPF_LDX | BPF_MEM | BPF_DW, 7, 0, 0, 0),
        op(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 3, 0),  // open: pass
        op(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
        op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_socket_cookie),
        op(BPF_JMP | BPF_JEQ | BPF_X, 0, 7, 2, 0),  // the parked socket itself: drop
        op(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, pass_all),
        op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
        op(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, drop),
        op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    static constexpr char license[] = "BSL-1.0";
    bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    a.insns = reinterpret_cast<std::uintptr_t>(program);
    a.insn_cnt = static_cast<std::uint32_t>(std::size(program));
    a.license = reinterpret_cast<std::uintptr_t>(license);
    return calls.bpf(BPF_PROG_LOAD, a);
}

int information(system_calls& calls, int fd, void* out, std::size_t size) noexcept {
    bpf_attr a;
    std::memset(&a, 0, sizeof a);
    a.info.bpf_fd = static_cast<std::uint32_t>(fd);
    a.info.info_len = static_cast<std::uint32_t>(size);
    a.info.info = reinterpret_cast<std::uintptr_t>(out);
    return calls.bpf(BPF_OBJ_GET_INFO_BY_FD, a);
}

std::size_t whole_pages(std::size_t bytes) noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

}  // namespace

std::unique_ptr<park_filter> park_filter::load(system_calls& calls, std::uint16_t first, std::uint32_t count,
                                               int& error) {
    error = 0;
    if (count == 0 || std::uint32_t{first} + count > 65536) {
        error = -EINVAL;
        return nullptr;
    }
    const int array = create_array(calls, count);
    if (array < 0) {
        error = array;
        return nullptr;
    }
    const int program = load_program(calls, array, first);
    std::unique_ptr<park_filter> made;
    if (program < 0) {
        error = program;
    } else {
        made = map(calls, array, program, count, error);
    }
    if (!made) {
        calls.close(array);
        if (program >= 0) calls.close(program);
    }
    return made;
}

std::unique_ptr<park_filter> park_filter::map(system_calls& calls, int array, int program, std::uint32_t count,
                                              int& error) {
    const std::size_t bytes = whole_pages(count * sizeof(std::uint64_t));
    void* const cells = calls.map_shared(array, bytes);
    error = cells == nullptr ? -ENOMEM : 0;
    if (cells == nullptr) return nullptr;
    std::unique_ptr<park_filter> made(
        new (std::nothrow) park_filter(calls, static_cast<std::uint64_t*>(cells), count, bytes, array, program));
    if (!made) {
        calls.unmap(cells, bytes);
        error = -ENOMEM;
    }
    return made;
}

// A mapping of a file that somebody cuts short would kill whoever reads it: only a BPF array cannot be cut.
std::unique_ptr<park_filter> park_filter::share(system_calls& calls, int array, int program, std::uint32_t count,
                                                int& error) {
    bpf_map_info map_info;
    bpf_prog_info program_info;
    std::memset(&map_info, 0, sizeof map_info);
    std::memset(&program_info, 0, sizeof program_info);
    std::uint32_t its_map = 0;
    program_info.nr_map_ids = 1;
    program_info.map_ids = reinterpret_cast<std::uintptr_t>(&its_map);
    error = information(calls, array, &map_info, sizeof map_info);
    if (error >= 0) error = information(calls, program, &program_info, sizeof program_info);
    if (error < 0) return nullptr;
    const bool fits = map_info.type == BPF_MAP_TYPE_ARRAY && map_info.key_size == 4 && map_info.value_size == 8 &&
                      map_info.max_entries == count && program_info.type == BPF_PROG_TYPE_SOCKET_FILTER &&
                      program_info.nr_map_ids == 1 && its_map == map_info.id;
    error = fits ? 0 : -EINVAL;
    auto made = fits ? map(calls, array, program, count, error) : nullptr;
    if (made) made->owns_cells_ = false;
    return made;
}

park_filter::~park_filter() {
    for (std::uint32_t i = 0; owns_cells_ && i < count_; ++i) open(i);
    calls_.unmap(cells_, bytes_);
    calls_.close(program_);
    calls_.close(array_);
}

int park_filter::attach(int fd) noexcept {
    return calls_.setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program_, sizeof program_);
}

bool park_filter::permitted(system_calls& calls) {
    int error = 0;
    const auto filter = load(calls, 1, 1, error);
    if (!filter) return false;
    // Attaching is asked as well, and for TCP: newer kernels refuse filters on TCP sockets to the unprivileged.
    const int fd = calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool attached = filter->attach(fd) >= 0;
    calls.close(fd);
    return attached;
}

}  // namespace berth::platform
