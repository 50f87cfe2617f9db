// CLI11's reader of TOML, that remembers what it read, so that a mistake can be said with its file, key and value.
#pragma once

#include <CLI/CLI.hpp>

#include <istream>
#include <string>
#include <vector>

namespace berth::service {

class option_file : public CLI::ConfigTOML {
public:
    /// What CLI11 has read; keys without a value (x="" and x=[]) are left out: they are what --print-config writes
    /// for an option that has none. Throws CLI::ConfigError for what is no TOML of this kind.
    std::vector<CLI::ConfigItem> from_config(std::istream& in) const override;

    /// What is wrong, in words for a person. `given`: the options of the command line, which a mistake may be of.
    [[nodiscard]] std::string explain(const CLI::App& app, const std::string& file, const CLI::ParseError& mistake,
                                      const std::vector<std::string>& given) const;

private:
    mutable std::vector<CLI::ConfigItem> read_;
};

}  // namespace berth::service
