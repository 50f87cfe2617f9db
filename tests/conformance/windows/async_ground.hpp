// What the tests of pending acquires share: the documents' system in the place of this process's own.
#pragma once

#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/failing_windows_calls.hpp"
#include "conformance/windows/winsock_traffic.hpp"
#include "platform/windows/windows_provider.hpp"

#include <berth/async_reserve.hpp>
#include <berth/io_context.hpp>

#include <gtest/gtest.h>
#include <asio.hpp>

#include <tlhelp32.h>

#include <atomic>
#include <optional>
#include <thread>

namespace provider_contract {

using namespace std::chrono_literals;
using berth::error_code;
using berth::failure;
using berth::port_reservation;
using berth::reservation_request;

struct place {
    documents::documents_machine machine;
    documents::documents_system system{machine};
    failing_windows_calls calls{system};  // counts what is open
    berth::platform::windows_provider provider{calls};
};
/// The process's one.
place& here();

inline std::uint32_t threads_now() {
    const std::shared_ptr<void> all(::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0), ::CloseHandle);
    THREADENTRY32 one{};
    one.dwSize = sizeof one;
    std::uint32_t count = 0;
    for (BOOL more = ::Thread32First(all.get(), &one); more; more = ::Thread32Next(all.get(), &one)) {
        count += one.th32OwnerProcessID == ::GetCurrentProcessId() ? 1 : 0;
    }
    return count;
}

struct outcome {
    int ends = 0;
    error_code ec;
    failure why;
    port_reservation ports;
    auto handler() {
        return [this](error_code e, port_reservation r) { ++ends, ec = e, ports = std::move(r); };
    }
};

class windows_async : public testing::Test {
protected:
    windows_async() {
        system.completes_later = false;
        static_cast<void>(here().provider.facts(berth::parking::best));  // the one acquire that tells what is granted
        system.completes_later = true;
        system.ends_at_second_look = false;
        sockets_before = here().calls.open_things();
        threads_before = threads_now();
    }
    ~windows_async() override {
        EXPECT_EQ(system.pending(), 0u);
        EXPECT_EQ(machine.reservations(), 0u);
        // One handle more: the completion port, which is the provider's from the first use on.
        EXPECT_LE(here().calls.open_things(), sockets_before + 1);
        for (int i = 0; i < 500 && threads_now() > threads_before; ++i) std::this_thread::sleep_for(10ms);
        EXPECT_LE(threads_now(), threads_before) << "whoever waited for completions is gone";
    }
    template <class Done>
    static bool becomes(Done done) {
        for (int i = 0; i < 1000; ++i) {
            if (done()) return true;
            std::this_thread::sleep_for(5ms);
        }
        return false;
    }
    /// Runs what there is to run until `count` acquires are under way.
    template <class Context>
    bool run_until_pending(Context& context, std::size_t count) {
        return becomes([&] { return context.poll(), system.pending() == count; });
    }

    documents::documents_machine& machine = here().machine;
    documents::documents_system& system = here().system;
    std::size_t sockets_before = 0;
    std::uint32_t threads_before = 0;
    const reservation_request four{.block = {0, 4}};
};

template <class Context>
class windows_async_on : public windows_async {};
using both_contexts = testing::Types<berth::io_context, asio::io_context>;

}  // namespace provider_contract
