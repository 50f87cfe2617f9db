// std::atomic's interface over relacy's atomics, so that the very templates of framework/src/claim run in the model.
//
// Include this after all other headers: relacy redefines new, delete and assert, and this takes that back. Every
// operation of the claim is sequentially consistent, so no memory orders are passed on.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <streambuf>
#include <string>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC system_header
#include <relacy/relacy.hpp>
#pragma GCC diagnostic pop
#undef new
#undef delete
#undef assert

// relacy replaces new and delete, but not the sized forms that today's compilers call: the two must not mix.
inline void operator delete(void* p, std::size_t) noexcept { ::operator delete(p); }
inline void operator delete[](void* p, std::size_t) noexcept { ::operator delete[](p); }

namespace berth::model {

template <class T>
class atomic {
public:
    T load() const { return value_($).load(rl::mo_seq_cst); }
    void store(T v) { value_($).store(v, rl::mo_seq_cst); }
    T fetch_add(T v) { return value_($).fetch_add(v, rl::mo_seq_cst); }
    T fetch_and(T v) { return value_($).fetch_and(v, rl::mo_seq_cst); }
    T fetch_or(T v) { return value_($).fetch_or(v, rl::mo_seq_cst); }
    bool compare_exchange_strong(T& expected, T desired) {
        return value_($).compare_exchange_strong(expected, desired, rl::mo_seq_cst);
    }

private:
    rl::atomic<T> value_;
};

/// A port's owner writes here while it owns it: two owners are a data race, which relacy reports.
class ownership {
public:
    void touch() {
        const int before = holder_($);
        holder_($) = before + 1;
    }

private:
    rl::var<int> holder_{0};
};

// Where relacy prints: memory of its own from the start, because relacy counts what is allocated while a model runs.
class report_buffer : public std::streambuf {
public:
    report_buffer() { setp(text_.data(), text_.data() + text_.size()); }
    [[nodiscard]] std::string text() const { return {pbase(), pptr()}; }

private:
    std::vector<char> text_ = std::vector<char>(1 << 20);  // what does not fit is dropped
};

struct verdict {
    bool holds;
    rl::test_result_e result;
    unsigned interleavings;
    std::string report;
};

/// Runs a model under relacy's random scheduler until it fails or `interleavings` are done.
template <class Model>
verdict check(unsigned interleavings) {
    report_buffer buffer;
    std::ostream out(&buffer);
    rl::test_params params;
    params.iteration_count = interleavings;
    params.output_stream = &out;
    params.progress_stream = &out;
    params.search_type = rl::sched_random;
    const bool holds = rl::simulate<Model>(params);
    return {holds, params.test_result, static_cast<unsigned>(params.stop_iteration), buffer.text()};
}

}  // namespace berth::model
