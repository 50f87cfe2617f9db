// The documents' system does what CreatePersistentTcpPortReservation's document says, for both protocols; and the
// real seam says so where the system has no such calls.
#include "conformance/windows/machine_ground.hpp"

namespace documents {
namespace {

class machine_persistent : public machine_ground {
protected:
    // A block that was free a moment ago.
    std::uint16_t some_block(std::uint16_t count) {
        const auto s = tcp();
        const auto got = acquire(number(s), count);
        release(number(s), got.token);
        return got.first;
    }
    std::uint64_t token = 0;
};

TEST_F(machine_persistent, rows_of_the_table) {
    const auto first = some_block(4);
    EXPECT_EQ(here.create_persistent(true, 0, 4, token), -ERROR_INVALID_PARAMETER) << "zero StartPort";
    EXPECT_EQ(here.create_persistent(true, htons(first), 0, token), -ERROR_INVALID_PARAMETER) << "zero NumberOfPorts";
    EXPECT_EQ(here.create_persistent(true, htons(65534), 3, token), -ERROR_INVALID_PARAMETER) << "past the last port";
    EXPECT_EQ(here.create_persistent(true, htons(first), 4, token), NO_ERROR);
    EXPECT_NE(token, 0u);
    EXPECT_FALSE(is_free(SOCK_STREAM, first)) << "StartPort is in network byte order";
    std::uint64_t other = 0;
    EXPECT_EQ(here.create_persistent(true, htons(first), 4, other), -ERROR_SHARING_VIOLATION) << "matches";
    const auto inside = static_cast<std::uint16_t>(first + 3);
    EXPECT_EQ(here.create_persistent(true, htons(inside), 4, other), -ERROR_SHARING_VIOLATION) << "overlaps";
    EXPECT_EQ(here.create_persistent(false, htons(first), 4, other), NO_ERROR) << "UDP has its own";
    const auto used = tcp();
    ASSERT_EQ(provider_contract::bind_to(*used, AF_INET, false, 0), 0);
    EXPECT_EQ(here.create_persistent(true, htons(provider_contract::local_port(*used)), 1, other),
              -ERROR_SHARING_VIOLATION);
    here.is_administrator = false;
    EXPECT_EQ(here.create_persistent(true, htons(first), 1, other), -ERROR_ACCESS_DENIED);
    EXPECT_EQ(here.delete_persistent(true, htons(first), 4), -ERROR_ACCESS_DENIED);
}

TEST_F(machine_persistent, is_looked_up_and_deleted_by_its_exact_block) {
    const auto first = some_block(4);
    ASSERT_EQ(here.create_persistent(true, htons(first), 4, token), NO_ERROR);
    std::uint64_t found = 0;
    EXPECT_EQ(here.look_up_persistent(true, htons(first), 4, found), NO_ERROR);
    EXPECT_EQ(found, token);
    EXPECT_EQ(here.look_up_persistent(true, htons(first), 3, found), -ERROR_NOT_FOUND);
    EXPECT_EQ(here.look_up_persistent(false, htons(first), 4, found), -ERROR_NOT_FOUND);
    EXPECT_EQ(here.delete_persistent(true, htons(first), 3), -ERROR_NOT_FOUND);
    EXPECT_EQ(here.delete_persistent(true, htons(first), 4), NO_ERROR);
    EXPECT_EQ(here.delete_persistent(true, htons(first), 4), -ERROR_NOT_FOUND);
    EXPECT_TRUE(is_free(SOCK_STREAM, first));
}

TEST_F(machine_persistent, any_process_with_the_right_consumes_it_and_no_other) {  // A-74, S: WSAEACCES
    const auto first = some_block(1);
    ASSERT_EQ(here.create_persistent(true, htons(first), 1, token), NO_ERROR);
    documents_system there(machine, 4711);
    auto s = tcp();
    there.is_administrator = false;
    EXPECT_EQ(with_token(there, SIO_ASSOCIATE_PORT_RESERVATION, number(s), token).error, WSAEACCES);
    there.is_administrator = true;
    ASSERT_EQ(with_token(there, SIO_ASSOCIATE_PORT_RESERVATION, number(s), token).error, 0);
    ASSERT_EQ(bind(number(s)), 0);
    EXPECT_EQ(provider_contract::local_port(*s), first);
}

TEST_F(machine_persistent, outlives_processes_and_restarts_under_another_token) {
    const auto first = some_block(2);
    {
        documents_system there(machine, 4711);
        ASSERT_EQ(there.create_persistent(true, htons(first), 2, token), NO_ERROR);
    }
    EXPECT_FALSE(is_free(SOCK_STREAM, first)) << "its maker has ended";
    const auto runtime = udp();
    ASSERT_EQ(acquire(number(runtime), 1).error, 0);
    machine.restart();
    EXPECT_EQ(machine.reservations(), 1u) << "runtime reservations do not";
    std::uint64_t again = 0;
    ASSERT_EQ(here.look_up_persistent(true, htons(first), 2, again), NO_ERROR);
    EXPECT_NE(again, token);
    const auto s = tcp();
    EXPECT_EQ(associate(number(s), token).error, WSAEINVAL) << "the old one";
    EXPECT_EQ(associate(number(s), again).error, 0);
}

TEST_F(machine_persistent, the_real_seam_says_where_the_system_has_no_such_calls) {
    auto& real = berth::platform::real_windows_calls();
    const HMODULE library = ::LoadLibraryW(L"iphlpapi.dll");
    if (::GetProcAddress(library, "CreatePersistentTcpPortReservation") != nullptr)
        GTEST_SKIP() << "this one has them";
    for (const bool is_tcp : {true, false}) {
        EXPECT_EQ(real.create_persistent(is_tcp, htons(4000), 1, token), -ERROR_PROC_NOT_FOUND);
        EXPECT_EQ(real.delete_persistent(is_tcp, htons(4000), 1), -ERROR_PROC_NOT_FOUND);
        EXPECT_EQ(real.look_up_persistent(is_tcp, htons(4000), 1, token), -ERROR_PROC_NOT_FOUND);
    }
}

}  // namespace
}  // namespace documents
