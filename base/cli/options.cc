// The one source that includes CLI11 (3 s of compile time).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "base/cli/table.h"
#include "base/text/text.h"

namespace base::cli {
namespace {

struct Declared {
  const Option* option;
  Shape shape;
  CLI::Option* parsed = nullptr;
  std::vector<std::string> values;
};

tl::unexpected<Error> wrong(const Route& route, std::string message) {
  return fail(Errc::invalid, std::move(message), fmt::format("run '{} --help'", spelled(route)));
}

void declare(CLI::App& app, Declared& declared) {
  const auto& shape = declared.shape;
  if (!shape.positional && declared.option->value.empty()) {
    declared.parsed = app.add_flag(text::join(shape.flags, ","));
    declared.parsed->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return;
  }
  declared.parsed = app.add_option(shape.positional ? shape.key : text::join(shape.flags, ","), declared.values);
  if (!shape.positional) {
    declared.parsed->allow_extra_args(false);  // "--node a b": b is not a second value of --node
    declared.parsed->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  } else if (shape.many) {
    declared.parsed->expected(-1);
  } else {
    declared.parsed->expected(1)->allow_extra_args(false);
  }
}

Result<> check_choice(const Route& route, const Declared& declared) {
  const auto& choices = declared.option->choices;
  if (choices.empty()) return {};
  for (const auto& value : declared.values) {
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) continue;
    return wrong(route, fmt::format("'{}' is no value of {}: choose from {}{}", value,
                                    declared.shape.positional ? declared.shape.key : declared.shape.flags.front(),
                                    text::join(choices, ", "), text::did_you_mean_suffix(value, choices)));
  }
  return {};
}

Result<> check_extras(const Route& route, const std::vector<std::string>& extras, const std::deque<Declared>& table) {
  if (extras.empty() || (extras.size() == 1 && extras[0] == "--")) return {};  // CLI11 hands the mark itself back
  std::vector<std::string> flags{"--help"};
  for (const auto& declared : table) flags.insert(flags.end(), declared.shape.flags.begin(), declared.shape.flags.end());
  for (const auto& extra : extras) {
    if (!extra.starts_with('-') || extra == "-" || extra == "--") continue;
    const auto flag = extra.substr(0, extra.find('='));
    return wrong(route, fmt::format("{} has no option '{}'{}", spelled(route), flag, text::did_you_mean_suffix(flag, flags)));
  }
  return wrong(route, fmt::format("{} does not know what to do with '{}'", spelled(route),
                                  extras.front() == "--" ? extras[1] : extras.front()));
}

}  // namespace

Result<Arguments> parse_options(const Route& route, std::span<const std::string> words, bool& help_wanted) {
  std::deque<Declared> table;  // CLI11 keeps references to the values
  CLI::App app;
  app.set_help_flag("--help,-h");
  app.allow_extras();
  for (const auto* option : options_of(route)) declare(app, table.emplace_back(Declared{option, shape_of(*option)}));

  // CLI11 pops words from the end.
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    help_wanted = true;
    return Arguments{};
  } catch (const CLI::ParseError& error) {
    return wrong(route, error.what());
  }
  WEFT_TRY(check_extras(route, app.remaining(), table));

  Arguments arguments;
  for (auto& declared : table) {
    const Option& option = *declared.option;
    const bool given = declared.parsed->count() > 0;
    const bool flag = !declared.shape.positional && option.value.empty();
    const bool needed = declared.shape.positional ? !declared.shape.optional && option.default_value.empty() : option.required;
    if (!given && needed)
      return wrong(route, fmt::format("{} needs {}", spelled(route),
                                      declared.shape.positional ? declared.shape.key : declared.shape.flags.front()));
    if (flag) {
      // "--json=false" is a way to say no that scripts use; "--json=maybe" is none.
      const auto results = declared.parsed->results();
      if (given && results.back() != "true" && results.back() != "false")
        return wrong(route, fmt::format("{} takes no value", declared.shape.flags.front()));
      if (given && results.back() == "true") arguments.values[declared.shape.key] = {"true"};
      continue;
    }
    if (!given && !option.default_value.empty()) declared.values = {option.default_value};
    if (given) WEFT_TRY(check_choice(route, declared));
    if (!declared.values.empty()) arguments.values[declared.shape.key] = std::move(declared.values);
  }
  return arguments;
}

}  // namespace base::cli
