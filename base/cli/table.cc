#include "base/cli/table.h"

#include <algorithm>

#include "base/text/text.h"

namespace base::cli {

Shape shape_of(const Option& option) {
  Shape shape;
  std::string_view name = option.name;
  if (!name.starts_with('-')) {
    shape.positional = true;
    if (name.starts_with('[') && name.ends_with(']')) {
      shape.optional = true;
      name = name.substr(1, name.size() - 2);
    }
    if (name.ends_with("...")) {
      shape.many = true;
      name.remove_suffix(3);
    }
    shape.key = name;
    return shape;
  }
  for (const auto& flag : text::split(name, ',')) shape.flags.emplace_back(text::trim(flag));
  std::stable_sort(shape.flags.begin(), shape.flags.end(),
                   [](const auto& a, const auto& b) { return a.starts_with("--") && !b.starts_with("--"); });
  const auto& first = shape.flags.front();
  shape.key = first.substr(first.find_first_not_of('-'));
  return shape;
}

std::string spelled(const Route& route) {
  std::string out;
  for (const auto* command : route) out += (out.empty() ? "" : " ") + command->name;
  return out;
}

std::vector<Route> all_routes(const Command& tool) {
  std::vector<Route> routes{{&tool}};
  for (std::size_t i = 0; i < routes.size(); ++i) {
    std::vector<Route> children;
    for (const auto& command : routes[i].back()->commands) {
      children.push_back(routes[i]);
      children.back().push_back(&command);
    }
    routes.insert(routes.begin() + static_cast<std::ptrdiff_t>(i) + 1, children.begin(), children.end());
  }
  return routes;
}

std::vector<const Option*> options_of(const Route& route) {
  std::vector<const Option*> options;
  for (auto command = route.rbegin(); command != route.rend(); ++command)
    for (const auto& option : (*command)->options) options.push_back(&option);
  return options;
}

std::vector<std::string> command_names(const Command& command) {
  std::vector<std::string> names;
  for (const auto& child : command.commands) names.push_back(child.name);
  return names;
}

}  // namespace base::cli
