// The proxy's options: what a command line and a file say, as settings.
#pragma once

#include "settings.hpp"

#include <berth/service/program.hpp>

#include <memory>

namespace outbound_proxy {

class options {
public:
    /// Adds them to the program's, before its parse().
    explicit options(berth::service::program& to);
    ~options();

    /// After parse(). Throws std::invalid_argument, naming the value.
    [[nodiscard]] settings values() const;

private:
    struct texts;
    std::unique_ptr<texts> texts_;
};

}  // namespace outbound_proxy
