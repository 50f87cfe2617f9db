// What an outbound block asks for and what it leaves to others: descriptors, hand-over, the handler's own executor
// and memory.
#include "scenario/outbound_ground.hpp"
#include "unit/io/by_backend.hpp"

#include <berth/handover.hpp>

#include <sys/resource.h>
#include <asio.hpp>

#include <filesystem>

namespace {

using namespace outbound_test;
using berth::bound;
using berth::tcp_socket;

TEST(outbound_request, too_few_descriptors_are_said_early_with_the_limit_and_the_member) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit few{300, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    berth::reservation_request request;
    request.block.count = 10;
    request.protocol = berth::transport::tcp;
    request.use = berth::tcp_use::connect;
    request.sessions_per_port = 100;
    berth::failure f;
    const auto none = port_reservation::reserve(request, f);
    EXPECT_EQ(f.code, errc::too_many_files);
    for (const char* const word : {"sessions_per_port", "100", "1026", "300", "RLIMIT_NOFILE"}) {
        EXPECT_NE(f.what.find(word), std::string::npos) << word << " is not in: " << f.what;
    }
    request.sessions_per_port = 10;
    EXPECT_TRUE(port_reservation::reserve(request, f)) << f.what;
    ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(outbound_request, a_block_with_several_session_sockets_is_not_handed_over) {
    auto ports = reserve(2, 2);
    berth::failure f;
    berth::handover_offer offer((std::filesystem::temp_directory_path() / "outbound").string(), f);
    ASSERT_FALSE(f) << f.what;
    offer.add(ports, "proxy", f);
    EXPECT_EQ(f.code, errc::operation_not_supported);
    EXPECT_NE(f.what.find("sessions_per_port 2"), std::string::npos) << f.what;
    offer.add(reserve(2, 1), "one", f);
    EXPECT_FALSE(f) << f.what;
}

struct memory_books {
    int taken = 0, given_back = 0;
};
template <class T>
struct bookkeeping_allocator {
    using value_type = T;
    memory_books* books;
    explicit bookkeeping_allocator(memory_books* b) noexcept : books(b) {}
    template <class U>
    bookkeeping_allocator(const bookkeeping_allocator<U>& other) noexcept : books(other.books) {}
    T* allocate(std::size_t n) {
        ++books->taken;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* memory, std::size_t n) noexcept {
        ++books->given_back;
        std::allocator<T>().deallocate(memory, n);
    }
    template <class U>
    bool operator==(const bookkeeping_allocator<U>& other) const noexcept {
        return books == other.books;
    }
};

struct demanding_handler {
    using executor_type = asio::io_context::executor_type;
    using allocator_type = bookkeeping_allocator<void>;
    executor_type where;
    memory_books* books;
    bool* heard;
    [[nodiscard]] executor_type get_executor() const noexcept { return where; }
    [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type(books); }
    void operator()(error_code ec, const bound<tcp_socket>& b) const {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(b);
        EXPECT_TRUE(where.running_in_this_thread());
        *heard = true;
    }
};

class outbound_handler : public io_test::by_backend {};
BERTH_BY_BACKEND(outbound_handler);

TEST_P(outbound_handler, is_called_on_its_own_executor_and_its_memory_is_used) {
    world w;
    auto ports = reserve(2, 2);
    asio::io_context elsewhere;
    const auto more = asio::make_work_guard(elsewhere);
    memory_books books;
    bool heard = false;
    ports.async_connect<tcp_socket>(context().get_executor(), w.at(),
                                    demanding_handler{elsewhere.get_executor(), &books, &heard});
    for (int i = 0; i < 200 && !heard; ++i) {
        context().run_for(std::chrono::milliseconds(5));
        context().restart();
        EXPECT_EQ(heard, false);
        elsewhere.poll();
    }
    EXPECT_TRUE(heard);
    EXPECT_GT(books.taken, 0);
    EXPECT_EQ(books.taken, books.given_back);
    EXPECT_EQ(ports.statistics().outbound.in_use, 0u) << "the handler did not keep it";
}

}  // namespace
