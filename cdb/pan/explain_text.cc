// An explanation's document for people: one paragraph for each element.
#include <fmt/format.h>

#include <iterator>
#include <set>

#include "cdb/pan/explain.h"

namespace cdb::pan {

namespace {

using Json = base::profile::Value;

constexpr std::size_t kFew = 5;

const base::profile::List& list_of(const Json& object, std::string_view key) {
  static const base::profile::List none;
  const Json* found = object.get(key);
  return found != nullptr && found->list() != nullptr ? *found->list() : none;
}

const Json& part(const Json& object, std::string_view key) {
  static const Json none;
  const Json* found = object.get(key);
  return found != nullptr ? *found : none;
}

class Writer {
 public:
  // full: types up to where they are bound, every time.
  Writer(std::string& out, std::string_view folder, bool full) : out_(out), folder_(folder), full_(full) {
    if (!folder_.empty() && folder_.back() != '/') folder_ += '/';
  }

  void element(const Json& e) {
    out_ += fmt::format("{} = {}\n", e.get_string("path"), e.get_string("text"));
    bool set = false;
    std::string final_since;
    for (const Json& origin : list_of(e, "history")) {
      const std::string_view how = origin.get_string("how");
      if (origin.get_boolean("final") && final_since.empty()) final_since = at(part(origin, "place"));
      if (how == "kept" && !set) {
        line("kept", fmt::format("by {}", place(part(origin, "place"))));
      } else if (!set) {
        line(how, sentence(origin));
        details(origin);
        set = true;
      } else {
        line("before",
             fmt::format("{}  {}", how == "set" || how == "default" || how == "initial" ? origin.get_string("text") : how,
                         sentence(origin)));
      }
    }
    if (!set) line("set", "nobody knows where (a defect in Weft)");
    if (!final_since.empty()) line("final", "since " + final_since);
    std::set<std::string> said;
    for (const Json& binding : list_of(e, "types")) types(binding, said);
    out_ += '\n';
  }

 private:
  void line(std::string_view name, std::string_view text) { out_ += fmt::format("  {:<9} {}\n", name, text); }

  std::string_view file(const Json& place) const {
    const std::string_view name = place.get_string("file");
    return !folder_.empty() && name.starts_with(folder_) ? name.substr(folder_.size()) : name;
  }

  std::string at(const Json& place) const {
    if (!place.is_dict()) return "?";
    if (place.get_integer("line") == 0) return std::string(file(place));
    return fmt::format("{}:{}.{}", file(place), place.get_integer("line"), place.get_integer("column"));
  }

  std::string place(const Json& p) const {
    const std::string_view text = p.get_string("text");
    return text.empty() ? at(p) : fmt::format("{}  {}", at(p), text);
  }

  std::string sentence(const Json& origin) const {
    const std::string_view how = origin.get_string("how");
    if (how == "initial") return "initial data (--initial-data)";
    const std::string where = place(part(origin, "place"));
    if (how == "made") return "on the way by " + where;
    if (how != "default") return where;
    const std::string_view type = origin.get_string("type"), field = origin.get_string("field");
    const std::string of_type = type.empty() ? std::string() : fmt::format(" of type {}", type);
    if (!field.empty()) return fmt::format("of field {}{}: {}", field, of_type, where);
    return type.empty() ? "of the bound type: " + where : fmt::format("{}: {}", of_type.substr(1), where);
  }

  void details(const Json& origin) {
    if (const Json& inner = part(origin, "line"); inner.is_dict()) {
      const std::string_view function = origin.get_string("function");
      line("", fmt::format("at {}{}{}", place(inner), function.empty() ? "" : "  in function ", function));
    }
    std::string through;
    for (const Json& step : list_of(origin, "through"))
      if (step.get_string("kind") == "include") through += at(part(step, "place")) + " > ";
    if (!through.empty()) line("through", through + std::string(file(part(origin, "place"))));
    if (const std::string_view name = origin.get_string("structure"); !name.empty()) line("structure", name);
    for (const Json& by : list_of(origin, "placed_by")) line("placed", place(by));
    for (const Json& use : list_of(origin, "uses")) {
      const Json& where = part(use, "place");
      line("uses",
           fmt::format("{} {}{}", use.get_string("kind"), use.get_string("name"), where.is_dict() ? "  " + place(where) : ""));
    }
  }

  void types(const Json& binding, std::set<std::string>& said) {
    // From the element upwards; where two bindings meet, the rest is the same.
    const base::profile::List& steps = list_of(binding, "steps");
    bool first = true;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      std::string text(step->get_string("type"));
      const std::string_view field = step->get_string("field"), owner = step->get_string("owner");
      if (field == "[]" || field == "{}") {
        text += field == "[]" ? "  element of a list" : "  element of a dict";
      } else if (!field.empty()) {
        text += fmt::format("  field {}{}{}  {}", field, owner.empty() ? "" : " of ", owner, at(part(*step, "place")));
      } else {
        text += fmt::format("  bound to {}  {}", binding.get_string("path"), at(part(binding, "place")));
      }
      if (const std::string_view description = step->get_string("description"); !description.empty())
        text += fmt::format("  \"{}\"", description);
      const bool last = std::next(step) == steps.rend();
      if ((full_ || first || last) && said.insert(text).second) line(first ? "type" : "in", text);
      first = false;
    }
  }

  std::string& out_;
  std::string folder_;
  bool full_;
};

}  // namespace

std::string explain_text(const Json& document, std::string_view folder) {
  std::string out;
  const base::profile::List& elements = list_of(document, "elements");
  Writer writer(out, folder, elements.size() <= kFew);
  for (const Json& element : elements) writer.element(element);
  return out;
}

}  // namespace cdb::pan
