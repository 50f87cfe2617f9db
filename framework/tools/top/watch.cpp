// See watch.hpp. One thread: a scrape of an endpoint begins at each tick unless its former one is under way.
#include "watch.hpp"

#include "fetch.hpp"
#include "frame.hpp"
#include "platform/terminal.hpp"

#include <fmt/format.h>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

namespace berth::top {
namespace {

constexpr std::size_t usual_width = 100;

class readings {
public:
    readings(const std::shared_ptr<asio::io_context>& context, const watch_options& options)
        : context_(context), options_(options), under_way_(options.targets.size()) {
        for (const target& t : options.targets) views.push_back({.name = t.name});
    }

    /// heard(): after each answer. One limit for all, so that an endpoint that is slow is late at most once.
    void scrape(const std::function<void()>& heard) {
        const auto limit = std::clamp<std::chrono::steady_clock::duration>(options_.interval, std::chrono::seconds(1),
                                                                           std::chrono::seconds(5));
        for (std::size_t i = 0; i < views.size(); ++i) {
            if (under_way_[i]) continue;
            under_way_[i] = true;
            async_fetch(context_, options_.targets[i], limit, [this, i, heard](fetched got) {
                under_way_[i] = false;
                if (got.problem.empty())
                    note(views[i], {std::chrono::steady_clock::now(), figures_of(parse(got.text))});
                else
                    note(views[i], std::move(got.problem), std::chrono::system_clock::now());
                heard();
            });
        }
    }
    std::vector<endpoint_view> views;

private:
    std::shared_ptr<asio::io_context> context_;
    const watch_options& options_;
    std::vector<bool> under_way_;
};

int show_once(const watch_options& options) {
    const auto context = std::make_shared<asio::io_context>();
    readings all(context, options);
    for (int round = 0; round < (options.is_interval_given ? 2 : 1); ++round) {
        if (round > 0) {
            asio::steady_timer pause(*context, options.interval);
            pause.wait();
        }
        std::size_t left = all.views.size();
        all.scrape([&] { --left; });
        context->restart();
        while (left > 0) context->run_one();
    }
    const auto of_terminal = output_is_terminal() ? size_of_output().width : 0;
    const std::size_t width = options.width != 0 ? options.width : of_terminal != 0 ? of_terminal : usual_width;
    for (const auto& line : frame(all.views, {.width = width}, std::chrono::system_clock::now()))
        fmt::print("{}\n", line);
    std::fflush(stdout);
    return std::any_of(all.views.begin(), all.views.end(), [](const auto& v) { return !v.problem.empty(); }) ? 1 : 0;
}

class live_view {
public:
    explicit live_view(const watch_options& options)
        : context_(std::make_shared<asio::io_context>()),
          options_(options),
          all_(context_, options),
          tick_(*context_),
          signals_(*context_, SIGINT, SIGTERM),
          keys_(*context_) {
        for (const int signal : {SIGHUP, SIGWINCH, SIGTSTP}) signals_.add(signal);
        if (const int keys = screen_.open_keys(); keys >= 0) keys_.assign(keys);
    }

    void run() {
        screen_.enter();
        hear_signals();
        if (keys_.is_open()) hear_keys();
        scrape();
        draw();
        context_->run();
    }

private:
    void scrape() {
        all_.scrape([this] { draw(); });
        tick_.expires_after(options_.interval);
        tick_.async_wait([this](std::error_code ec) {
            if (ec) return;
            draw();  // what is gone is so for longer now
            scrape();
        });
    }
    void hear_signals() {
        signals_.async_wait([this](std::error_code ec, int signal) {
            if (ec) return;
            if (signal != SIGWINCH && signal != SIGTSTP) return context_->stop();
            if (signal == SIGTSTP) screen_.stop_process();
            draw();
            hear_signals();
        });
    }
    void hear_keys() {
        keys_.async_read_some(asio::buffer(typed_), [this](std::error_code ec, std::size_t size) {
            if (ec) return;  // no terminal to hear from: signals end it
            const auto end = typed_.begin() + static_cast<std::ptrdiff_t>(size);
            if (std::find_if(typed_.begin(), end, [](char c) { return c == 'q' || c == 'Q'; }) != end)
                return context_->stop();
            hear_keys();
        });
    }
    void draw() {
        const auto size = size_of_output();
        const look how{.width = size.width != 0 ? size.width : usual_width,
                       .height = size.height != 0 ? size.height : 24,
                       .colours = options_.colours,
                       .is_live = true};
        std::string text = "\x1b[H";
        bool is_first = true;
        for (const auto& line : frame(all_.views, how, std::chrono::system_clock::now())) {
            if (!std::exchange(is_first, false)) text += "\r\n";
            text += line + "\x1b[K";
        }
        if (!screen_.write(text + "\x1b[J")) context_->stop();
    }

    std::shared_ptr<asio::io_context> context_;
    const watch_options& options_;
    readings all_;
    terminal screen_;
    asio::steady_timer tick_;
    asio::signal_set signals_;
    asio::posix::stream_descriptor keys_;
    std::array<char, 64> typed_{};
};

}  // namespace

int watch(const watch_options& options) {
    if (options.once) return show_once(options);
    live_view(options).run();
    return 0;
}

}  // namespace berth::top
