// Each test of an I/O object once on each backend that is to be had here; a refused one is skipped, and says why.
#pragma once

#include <berth/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace io_test {

using berth::backend_choice;
using berth::error_code;
using namespace std::chrono_literals;

/// Rings that ended hold their memory for a moment yet: it is waited for.
inline std::unique_ptr<berth::io_context> patient_context(const berth::io_context_options& options) {
    for (int tries = 0;; ++tries) {
        try {
            return std::make_unique<berth::io_context>(options);
        } catch (const berth::reservation_error& refused) {
            if (std::string_view(refused.what()).find("ENOMEM") == std::string_view::npos || tries == 150) throw;
            std::this_thread::sleep_for(20ms);
        }
    }
}

class by_backend : public testing::TestWithParam<backend_choice> {
protected:
    void SetUp() override {
        try {
            context_ = patient_context({.backend = GetParam()});
        } catch (const berth::reservation_error& refused) {
            GTEST_SKIP() << refused.what();
        }
    }
    berth::io_context& context() { return *context_; }

    /// Runs until out of work; a test that hangs fails instead. By Wine a reserve alone takes seconds.
    void run() {
        constexpr auto limit = 30s;
        const auto began = std::chrono::steady_clock::now();
        context().run_for(limit);
        EXPECT_TRUE(context().stopped()) << "still work after so long";
        EXPECT_LT(std::chrono::steady_clock::now() - began, limit) << "what ended it had waited for the end of the time";
        context().restart();
    }

    std::unique_ptr<berth::io_context> context_;
};

#define BERTH_BY_BACKEND(suite)                                                                 \
    INSTANTIATE_TEST_SUITE_P(                                                                   \
        , suite, testing::Values(berth::backend_choice::io_uring, berth::backend_choice::asio), \
        [](const auto& i) { return std::string(i.param == berth::backend_choice::io_uring ? "io_uring" : "asio"); })

}  // namespace io_test
