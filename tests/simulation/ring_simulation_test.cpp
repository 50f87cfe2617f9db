// Random programs of sockets, timers and reservations on the io_uring engine over a ring without a kernel.
#include "simulation/loop_world.hpp"
#include "simulation/model_ring.hpp"
#include "simulation/simulated.hpp"

namespace berth::simulation {
namespace {

/// The loop's world, whose backend is the library's own here.
class ring_world final : public world {
public:
    ring_world(std::uint64_t seed, tally& reached) : reached_(reached), inner_(seed, reached) {}
    outcome go(const step& s) override { return inner_.go(s); }
    std::string end() override {
        auto broke = inner_.end();
        const auto counts = take_ring_counts();
        for (std::size_t i = 0; i < counts.size(); ++i) reached_(loop_marks().size() + i, counts[i]);
        return broke;
    }
    [[nodiscard]] std::uint64_t digest() const override { return inner_.digest(); }

private:
    tally& reached_;
    loop_world inner_;
};

TEST(ring_simulation, keeps_every_invariant_in_random_programs) {
    std::vector<const char*> marks(loop_marks().begin(), loop_marks().end());
    marks.insert(marks.end(), ring_marks().begin(), ring_marks().end());
    subject s;
    s.name = "simulation of the ring";
    s.kinds = loop_steps();
    s.marks = marks;
    s.make = [](std::uint64_t seed, tally& reached) { return std::make_unique<ring_world>(seed, reached); };
    simulated(s, 600'000);
}

}  // namespace
}  // namespace berth::simulation
