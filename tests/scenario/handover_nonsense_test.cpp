// Messages that nobody of ours sends, at the door of a hand-over and on the way between two that mean well.
#include "scenario/handover_offering.hpp"

#include "handover/wire.hpp"

#include <dirent.h>

#include <atomic>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using detail::handover_verb;
using detail::handover_writer;
using platform::handover_line;
using platform::handover_message;
using platform::line_state;

std::size_t descriptors_now() {
    std::size_t count = 0;
    DIR* const dir = ::opendir("/proc/self/fd");
    while (::readdir(dir) != nullptr) ++count;
    ::closedir(dir);
    return count;
}

class handover_nonsense : public offering_ground {};

TEST_F(handover_nonsense, nonsense_at_the_door_changes_nothing) {
    begin();
    std::mt19937 random(7);
    const auto before = descriptors_now();
    const auto turn = [&] { context_.run_for(1ms); };
    const auto connect = [&] {
        failure f;
        auto line = handover_line::connect(address_, f);
        EXPECT_TRUE(line) << f.what;
        return line;
    };
    const handover_verb verbs[] = {handover_verb::hello, handover_verb::next,  handover_verb::ready,
                                   handover_verb::have,  handover_verb::offer, handover_verb::no};
    for (int i = 0; i < 100; ++i) {
        const auto line = connect();
        for (int k = 0; k < 4; ++k) {
            std::vector<std::byte> bytes;
            if (random() % 3 == 0) {
                bytes.resize(1 + random() % 600);
                for (auto& b : bytes) b = static_cast<std::byte>(random());
            } else {
                handover_writer out(verbs[random() % std::size(verbs)]);
                if (random() % 2 == 0) out.put(detail::handover_version + (random() % 4 == 0 ? 1 : 0));
                bytes = out.bytes();
            }
            const platform::native_socket own[] = {0, line->descriptor()};
            line->send(bytes, std::span(own).first(random() % 3), {});
            turn();
        }
    }
    for (int i = 0; i < 50; ++i) turn();
    EXPECT_EQ(descriptors_now(), before) << "what came along was not closed";
    expect_untouched();
}

// Between a predecessor and a successor sits somebody who changes a byte, or keeps the descriptors.
TEST_F(handover_nonsense, a_message_that_was_changed_is_refused_or_harmless) {
    std::mt19937 random(11);
    int refused = 0, passed = 0;
    for (int i = 0; i < 60; ++i) {
        auto ports = port_reservation::reserve(udp_block(3));
        auto named = ports.take();
        const auto block = ports.block();
        const auto inner = fresh_address(), outer = fresh_address();
        asio::io_context context;
        auto offer = std::make_unique<handover_offer>(inner);
        failure f;
        offer->add(ports, "ports", f);
        offer->serve(ports, transport::udp, named.port(), "named", f);
        offer->async_hand_over(context, [](error_code) {});
        auto door = platform::handover_door::open(outer, f);
        ASSERT_TRUE(door) << f.what;
        std::atomic<bool> is_over{false};
        std::thread between([&, spoil = 1 + random() % 9, where = random(), what = random()] {
            std::shared_ptr<handover_line> line;
            handover_message m;
            for (unsigned n = 1; !is_over;) {
                context.run_for(1ms);
                if (line && line->receive(m, {}) == line_state::fine) {
                    if (n++ == spoil && what % 5 == 0) m.descriptors.clear();
                    if (n == spoil + 1 && what % 5 != 0 && !m.bytes.empty()) {
                        m.bytes[where % m.bytes.size()] ^= static_cast<std::byte>(1U << (what % 8));
                    }
                    std::vector<platform::native_socket> along;
                    for (const auto& d : m.descriptors) along.push_back(d.get());
                    door->answer(m.bytes, along);
                }
                failure ignored;
                const auto e = door->next(m, ignored);
                if (e == platform::handover_door::event::message) {
                    if (!line) line = handover_line::connect(inner, ignored);
                    if (line) line->send(m.bytes, {}, {});
                } else if (e == platform::handover_door::event::gone) {
                    break;
                }
            }
            line.reset();
            context.run_for(5ms);
        });
        {
            auto over = receive_handover(outer, f, 1s);
            over ? ++passed : ++refused;
            if (!over) {
                EXPECT_TRUE(f);
            }
        }
        is_over = true;
        between.join();
        expect_shut(block, transport::udp);
        offer.reset();
        named = {};
        ports = {};
        expect_free(block, transport::udp);
    }
    std::cout << refused << " refused, " << passed << " harmless\n";
    EXPECT_GT(refused, 15);
}

}  // namespace
}  // namespace berth::test
