// A second process of a test's own program, in a role: a test that is disabled and named by a filter.
//
// A source for each system: linux/child_process.cpp, windows/child_process.cpp. The child talks by lines on its standard
// output; those that begin with "said: " are heard. It is killed at the latest when this object goes.
#pragma once

#include <chrono>
#include <memory>
#include <string>

namespace berth::test {

class child_process {
public:
    /// `role`: "suite.DISABLED_name"; `word`: what the child finds in child_word().
    child_process(const std::string& role, const std::string& word);
    ~child_process();
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;

    /// What the next line says; empty: nothing came in time, or the child has ended.
    std::string hear(std::chrono::milliseconds limit = std::chrono::seconds(100));
    /// Without a last word. Post: it has ended.
    void kill() noexcept;

private:
    std::string take_line();
    struct handles;
    std::unique_ptr<handles> handles_;
    std::string unread_;
};

/// In the child: what it was started with.
std::string child_word();
/// In the child.
void say(const std::string& line);
/// In the child: does nothing until it is killed, or for as long as its parent can need it.
void wait_to_be_killed();

}  // namespace berth::test
