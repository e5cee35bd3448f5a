// An Explanation as JSON. docs/explain.md describes the document.
#include "cdb/pan/explain.h"

namespace cdb::pan {

namespace {

using base::profile::Dict;
using base::profile::List;
using Json = base::profile::Value;

std::string_view how_name(Origin::How how) {
  switch (how) {
    case Origin::How::initial: return "initial";
    case Origin::How::set: return "set";
    case Origin::How::made: return "made";
    case Origin::How::kept: return "kept";
    case Origin::How::removed: return "removed";
    case Origin::How::edited: return "edited";
    case Origin::How::filled: return "default";
  }
  return "?";
}

Json range(const SourceRange& place) {
  if (place.file.empty()) return {};
  return Dict{{"file", place.file},
              {"line", place.line},
              {"column", place.column},
              {"end_line", place.end_line},
              {"end_column", place.end_column},
              {"text", place.text}};
}

template <class Items, class Each>
Json list(const Items& items, const Each& each) {
  List out;
  for (const auto& item : items) out.push_back(each(item));
  return out;
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json origin(const Origin& o) {
  Dict out{{"how", how_name(o.how)}, {"place", range(o.place)},      {"value", o.value},
           {"text", o.text},         {"conditional", o.conditional}, {"final", o.final}};
  out["through"] = list(o.chain, [](const Origin::Step& step) -> Json {
    const char* kind = step.kind == Origin::Step::Kind::call     ? "call"
                       : step.kind == Origin::Step::Kind::create ? "create"
                                                                 : "include";
    return Dict{{"kind", kind}, {"name", step.name}, {"place", range(step.place)}};
  });
  out["line"] = o.line ? range(*o.line) : Json();
  out["function"] = text_or_null(o.function);
  out["structure"] = text_or_null(o.structure);
  out["placed_by"] = list(o.placed_by, range);
  out["type"] = text_or_null(o.type);
  out["field"] = text_or_null(o.field);
  out["uses"] = list(o.uses, [](const Origin::Use& use) -> Json {
    const char* kind = use.kind == Origin::Use::Kind::variable ? "variable"
                       : use.kind == Origin::Use::Kind::path   ? "path"
                                                               : "function";
    return Dict{{"kind", kind}, {"name", use.name}, {"place", range(use.place)}};
  });
  return out;
}

Json binding(const TypeBinding& b) {
  return Dict{{"path", b.path}, {"place", range(b.place)}, {"steps", list(b.steps, [](const TypeBinding::Step& step) -> Json {
                                                              return Dict{{"field", text_or_null(step.field)},
                                                                          {"owner", text_or_null(step.owner)},
                                                                          {"type", step.type},
                                                                          {"place", range(step.place)},
                                                                          {"description", text_or_null(step.description)}};
                                                            })}};
}

Json diagnostic(const Diagnostic& d) {
  List trace;
  for (const std::string& line : d.trace) trace.push_back(line);
  return Dict{{"kind", d.kind},
              {"message", d.message},
              {"file", d.file},
              {"line", d.line},
              {"column", d.column},
              {"end_line", d.end_line},
              {"end_column", d.end_column},
              {"excerpt", d.excerpt},
              {"trace", std::move(trace)},
              {"hint", d.hint},
              {"path", d.path}};
}

}  // namespace

Json to_value(const Explanation& explanation) {
  Dict out{{"object", explanation.object}, {"complete", explanation.complete}};
  out["elements"] = list(explanation.elements, [](const Explained& e) -> Json {
    return Dict{{"path", e.path},
                {"type", e.type},
                {"value", e.value},
                {"text", e.text},
                {"history", list(e.history, origin)},
                {"types", list(e.types, binding)}};
  });
  out["unknown"] = list(explanation.unknown, [](const Explanation::Unknown& u) -> Json {
    return Dict{{"path", u.path}, {"hint", u.hint}};
  });
  out["diagnostics"] = list(explanation.diagnostics, diagnostic);
  return out;
}

}  // namespace cdb::pan
