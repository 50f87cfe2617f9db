// A mistake of CLI11's names an option, never the file: whether it was the file's is told by who gave that option.
#include "option_file.hpp"

#include "toml_text.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <sstream>

namespace berth::service {
namespace {

bool has_no_value(const CLI::ConfigItem& item) {
    return std::all_of(item.inputs.begin(), item.inputs.end(),
                       [](const std::string& value) { return value.empty() || value == "[]"; });
}

std::string value_of(const CLI::ConfigItem& item) { return CLI::detail::join(item.inputs, ", "); }

bool mentions(const std::string& text, const std::string& option) {
    const auto at = text.find(option);
    if (at == std::string::npos) return false;
    const auto end = at + option.size();
    return end == text.size() || (!std::isalnum(static_cast<unsigned char>(text[end])) && text[end] != '-');
}

std::string known_keys(const CLI::App& app) {
    std::string out;
    for (const CLI::Option* option : app.get_options()) {
        if (!option->get_configurable() || option->get_lnames().empty()) continue;
        out += (out.empty() ? "" : ", ") + option->get_lnames().front();
    }
    return out;
}

}  // namespace

std::vector<CLI::ConfigItem> option_file::from_config(std::istream& in) const {
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::string mistake;
    std::istringstream guarded(guarded_toml(text, mistake));
    if (!mistake.empty()) throw CLI::ConfigError(mistake, CLI::ExitCodes::ConfigError);
    auto found = CLI::ConfigTOML::from_config(guarded);
    for (auto& item : found) {
        for (auto& value : item.inputs) value = restored(value);
    }
    read_ = found;
    std::erase_if(found,
                  [](const auto& item) { return item.name != "++" && item.name != "--" && has_no_value(item); });
    return found;
}

std::string option_file::explain(const CLI::App& app, const std::string& file, const CLI::ParseError& mistake,
                                 const std::vector<std::string>& given) const {
    const std::string what = mistake.what();
    const std::string remedy = "; --help lists what is possible";
    if (dynamic_cast<const CLI::FileError*>(&mistake) != nullptr) {
        return "--config: the file '" + file + "' cannot be read: name a file that is there and readable";
    }
    if (dynamic_cast<const CLI::ConfigError*>(&mistake) != nullptr) {
        for (const auto& item : read_) {
            const bool is_section = item.name == "++";
            const std::string key = is_section ? CLI::detail::join(item.parents, ".") : item.fullname();
            if (!mentions(what, is_section ? item.fullname() : key)) continue;
            if (app.get_option_no_throw("--" + key) != nullptr && !is_section &&
                what.find("not allowed") == std::string::npos) {
                return file + ": " + what;
            }
            return file + ": " +
                   (is_section ? "section [" + key + "]" : "key '" + key + "' (value '" + value_of(item) + "')") +
                   " is none of this program's; there are: " + known_keys(app);
        }
        return file + ": " + what;
    }
    for (const auto& item : read_) {
        const std::string option = "--" + item.fullname();
        const bool of_the_command_line = std::any_of(given.begin(), given.end(), [&](const std::string& argument) {
            return argument == option || argument.starts_with(option + "=");
        });
        if (of_the_command_line || !mentions(what, option)) continue;
        return file + ": key '" + item.fullname() + "' cannot be '" + value_of(item) + "': " + what + remedy;
    }
    return what + remedy;
}

}  // namespace berth::service
