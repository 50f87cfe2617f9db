// One public operation, and its n-th call failing: N counts up until the operation gets through.
//
// After each N: the error is the right one or there is none, the descriptors are as before, the operation succeeds
// without the fault, and once all is torn down no memory, no descriptor and no port is left. A line of the table that is
// printed is one operation; one with N = 0 has a reason, and one with a reason has N = 0.
#pragma once

#include "faults/injection.hpp"

#include <berth/port_reservation.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace berth::test {

/// What an operation came to.
struct outcome {
    error_code code{};
    std::string what{};      ///< of a failure that has words; empty: it has none
    bool has_words = false;  ///< then an empty `what` is a fault
};
[[nodiscard]] inline outcome of(const failure& f) { return {f.code, f.what, true}; }
[[nodiscard]] inline outcome of(const error_code& ec) { return {ec, {}, false}; }

/// An operation, ready to be made: its constructor sets up, its destructor tears down.
class stage {
public:
    virtual ~stage() = default;
    /// The operation. May throw std::system_error, std::bad_alloc.
    virtual outcome act() = 0;
    /// Takes back what a successful act() did. After a failed one there is nothing, and it may be called.
    virtual void undo() {}
    /// After each act() and before undo(): the books, the sockets, the bytes. Adds failures of its own.
    virtual void look(const outcome&) {}
    /// The ports to be free once this is torn down.
    [[nodiscard]] virtual port_block ports() const { return {0, 0}; }
};

struct scenario {
    std::string name;
    std::function<std::unique_ptr<stage>()> make;
    /// Errors that stand for a fault besides its own word, and why that is right.
    struct {
        std::vector<error_code> codes;
        const char* why = "";
    } also{};
    /// Why there is no N, for each kind; empty: there is.
    const char* no_calls = "";
    const char* no_memory = "";
    const char* no_ring = "";
    /// Why it cannot be left without memory; empty: it can.
    const char* needs_memory = "";
    /// What it holds on to: descriptors that a failed operation leaves until it is torn down, e.g. a port opened anew.
    bool keeps_descriptors = false;
    /// Why a success leaves a descriptor behind for good; empty: it leaves none.
    const char* leaves_one = "";
    /// The verb after whose failure memory is kept, by no fault of the library's.
    const char* kept_after = "";
    /// Why memory is kept after failures, with a bound of its own; empty: none may be.
    const char* keeps_memory = "";
    /// One stage serves for all N: where setting up is most of the time.
    bool stays = false;
    /// But for memory: what stays has what it needs.
    bool recycles = false;
};
inline std::ostream& operator<<(std::ostream& out, const scenario& s) { return out << s.name; }

/// The whole of it. One failure for each N at most.
void fail_each(const scenario& s, fault_kind kind);

/// Binds every port of the block by plain calls, and lets go of it.
[[nodiscard]] std::string who_is_left_on(port_block block);

/// `number:what it names` of each open descriptor.
[[nodiscard]] std::vector<std::string> open_descriptors();

class faults_of_calls : public testing::TestWithParam<scenario> {};
class faults_of_memory : public testing::TestWithParam<scenario> {};
class faults_of_ring : public testing::TestWithParam<scenario> {};

/// The suites of a program; at the end of a source, once.
#define BERTH_FAULTS(all)                                                                                  \
    TEST_P(faults_of_calls, each_once) { berth::test::fail_each(GetParam(), berth::test::fault_kind::calls); }  \
    TEST_P(faults_of_memory, each_once) { berth::test::fail_each(GetParam(), berth::test::fault_kind::memory); } \
    INSTANTIATE_TEST_SUITE_P(of, faults_of_calls, testing::ValuesIn(all), testing::PrintToStringParamName()); \
    INSTANTIATE_TEST_SUITE_P(of, faults_of_memory, testing::ValuesIn(all), testing::PrintToStringParamName())

}  // namespace berth::test
