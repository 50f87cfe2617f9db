// Calls a fuzz target where there is no libFuzzer: every input of the corpus as it is, then mutations of them.
//
//     target [-max_total_time=SECONDS] [-runs=N] [-seed=N] corpus_folder_or_file...
//
// An input that ends the process is left in the file crash-input of the current folder.
#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

using input = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

constexpr std::size_t most_bytes = 8192;
input current;

void keep_input(int signal) {
    const int file = ::open("crash-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    [[maybe_unused]] const auto written = ::write(file, current.data(), current.size());
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

input read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<input> read_corpus(const std::vector<std::string>& places) {
    std::vector<input> corpus{{}};
    for (const std::string& place : places) {
        if (!fs::is_directory(place)) {
            corpus.push_back(read(place));
            continue;
        }
        const std::set<fs::path> sorted(fs::directory_iterator(place), fs::directory_iterator{});
        for (const fs::path& path : sorted) corpus.push_back(read(path));
    }
    return corpus;
}

class mutator {
public:
    mutator(unsigned seed, const std::vector<input>& corpus) : random_(seed), corpus_(corpus) {}

    input make() {
        input bytes = corpus_[below(corpus_.size())];
        for (std::size_t steps = 1 + below(4); steps > 0; --steps) change(bytes);
        if (bytes.size() > most_bytes) bytes.resize(most_bytes);
        return bytes;
    }

private:
    std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

    void change(input& bytes) {
        const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size()));
        if (bytes.empty()) {
            bytes.assign(1 + below(64), static_cast<std::uint8_t>(random_()));
            return;
        }
        switch (below(7)) {
            case 0:
                *at ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 1:
                *at = static_cast<std::uint8_t>(random_());
                break;
            case 2:
                *at = below(2) == 0 ? 0 : 0xff;
                break;
            case 3:
                bytes.resize(below(bytes.size() + 1));
                break;
            case 4:
                bytes.insert(at, 1 + below(16), static_cast<std::uint8_t>(random_()));
                break;
            case 5:
                bytes.erase(at, at + static_cast<std::ptrdiff_t>(below(static_cast<std::size_t>(bytes.end() - at))));
                break;
            default: {  // a piece of another, over this one's
                const input& other = corpus_[below(corpus_.size())];
                const std::size_t from = below(other.size());
                const std::size_t most = std::min(other.size() - from, static_cast<std::size_t>(bytes.end() - at));
                std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), below(most + 1), at);
            }
        }
    }

    std::mt19937 random_;
    const std::vector<input>& corpus_;
};

void run(const input& bytes) {
    current = bytes;
    LLVMFuzzerTestOneInput(current.data(), current.size());
}

}  // namespace

int main(int argc, char** argv) {
    using clock = std::chrono::steady_clock;
    long seconds = 0, runs = -1, seed = static_cast<long>(std::random_device{}());
    std::vector<std::string> places;
    for (const std::string& word : std::vector<std::string>(argv + 1, argv + argc)) {
        const auto value = [&](const char* name, long& out) {
            if (!word.starts_with(name)) return false;
            out = std::stol(word.substr(std::string(name).size()));
            return true;
        };
        if (value("-max_total_time=", seconds) || value("-runs=", runs) || value("-seed=", seed)) continue;
        if (!word.starts_with("-")) places.push_back(word);  // libFuzzer has more options
    }
    std::signal(SIGABRT, keep_input);
    std::signal(SIGSEGV, keep_input);

    const auto corpus = read_corpus(places);
    for (const input& bytes : corpus) run(bytes);
    mutator mutations(static_cast<unsigned>(seed), corpus);
    const auto end = seconds > 0 ? clock::now() + std::chrono::seconds(seconds) : clock::time_point::max();
    long done = 0;
    for (; (seconds > 0 || runs > 0) && done != runs; ++done) {
        if (done % 256 == 0 && clock::now() >= end) break;
        run(mutations.make());
    }
    std::printf("%zu inputs of the corpus, %ld others by seed %ld\n", corpus.size(), done, seed);
}
