#include "cdb/pan/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

namespace cdb::pan {

namespace {

constexpr std::size_t kLongestExcerpt = 160;

std::string_view kind_text(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::parse: return "parse error";
    case Problem::Kind::syntax: return "syntax error";
    case Problem::Kind::evaluation: return "evaluation error";
    case Problem::Kind::validation: return "validation error";
    case Problem::Kind::system: return "system error";
  }
  return "error";
}

std::string range_text(const Place& place) {
  if (place.source == nullptr || !place.span.known()) return "?";
  const std::string_view text = *place.source->content;
  const Position a = position_of(text, place.span.begin, Columns::utf16),
                 b = position_of(text, place.span.end - 1, Columns::utf16);
  return fmt::format("{}.{}-{}.{}", a.line, a.column, b.line, b.column);
}

std::string_view line_at(std::string_view text, std::uint32_t offset) {
  offset = std::min<std::uint32_t>(offset, static_cast<std::uint32_t>(text.size()));
  std::size_t begin = offset;
  while (begin > 0 && text[begin - 1] != '\n' && text[begin - 1] != '\r') --begin;
  std::size_t end = offset;
  while (end < text.size() && text[end] != '\n' && text[end] != '\r') ++end;
  return text.substr(begin, end - begin);
}

// The line with carets below the part at fault; tabs are kept, so that the carets stand right whatever their width.
std::string excerpt(const Place& place) {
  const std::string_view text = *place.source->content;
  std::string_view line = line_at(text, place.span.begin);
  const auto start = static_cast<std::size_t>(text.data() + place.span.begin - line.data());
  const std::size_t stop = std::min<std::size_t>(line.size(), start + (place.span.end - place.span.begin));
  if (line.size() > kLongestExcerpt) line = line.substr(0, kLongestExcerpt);
  std::string carets;
  for (std::size_t i = 0; i < stop && i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    if ((c & 0xc0) == 0x80) continue;
    carets += i < start ? (c == '\t' ? '\t' : ' ') : '^';
  }
  if (carets.empty() || carets.back() != '^') carets += '^';
  return fmt::format("{}\n{}", line, carets);
}

void append_reference(std::string& out, const Problem& problem);

void append_validation(std::string& out, const Problem& problem) {
  out += fmt::format("validation error [{}]\n{}\n", problem.place.source != nullptr ? problem.place.source->path : "?",
                     problem.message);
  if (!problem.bound_path.empty() || !problem.path.empty()) out += fmt::format("element path: '{}'\n", problem.path);
  if (!problem.value.empty()) out += fmt::format("element value: {}\n", problem.value);
  for (const auto& type : problem.types) out += fmt::format("type: '{}' [{}]\n", type.name, place_text(type.place));
  if (!problem.bound_path.empty())
    out += fmt::format("path '{}' bound to type {} in [{}]\n", problem.bound_path, problem.bound_type,
                       place_text(problem.bound_place));
  if (problem.cause != nullptr) {
    out += "caused by: ";
    append_reference(out, *problem.cause);
  }
}

void append_reference(std::string& out, const Problem& problem) {
  if (problem.kind == Problem::Kind::validation) return append_validation(out, problem);
  if (problem.kind == Problem::Kind::system) {
    out += fmt::format("system error [{}]\n{}\n", problem.place.source != nullptr ? problem.place.source->path : "?",
                       problem.message);
    return;
  }
  out += fmt::format("{} [{}]\n{}\n", kind_text(problem.kind), place_text(problem.place), problem.message);
  if (problem.kind != Problem::Kind::evaluation || problem.trace.empty()) return;
  out += ">>> call stack trace \n";
  out += fmt::format(">>> [{}]\n", place_text(problem.place));
  for (const auto& step : problem.trace) out += fmt::format(">>> [{}]\n", place_text(step.place));
  out += ">>> ====================\n\n";
}

}  // namespace

Position position_of(std::string_view content, std::uint32_t offset, Columns columns) {
  Position at{1, 1};
  offset = std::min<std::uint32_t>(offset, static_cast<std::uint32_t>(content.size()));
  for (std::uint32_t i = 0; i < offset; ++i) {
    const auto c = static_cast<unsigned char>(content[i]);
    if (c == '\n' || (c == '\r' && !(i + 1 < content.size() && content[i + 1] == '\n'))) {
      ++at.line;
      at.column = 1;
    } else if ((c & 0xc0) != 0x80 && c != '\r') {
      at.column += columns == Columns::utf16 && c >= 0xf0 ? 2 : 1;
    }
  }
  return at;
}

std::string place_text(const Place& place) {
  return fmt::format("{}:{}", place.source != nullptr ? place.source->path : "?", range_text(place));
}

Diagnostic to_diagnostic(const Problem& problem, std::string_view object) {
  Diagnostic out;
  out.kind = kind_text(problem.kind);
  out.message = problem.message;
  out.object = object;
  out.path = problem.path;
  out.hint = problem.hint;
  append_reference(out.reference_text, problem);
  // A failed validation is best shown where the value was set, else where its type stands.
  const Place* place = &problem.place;
  if (problem.kind == Problem::Kind::validation) {
    if (problem.origin.source != nullptr) {
      place = &problem.origin;
    } else if (!problem.types.empty() && problem.types.front().place.source != nullptr) {
      place = &problem.types.front().place;
    } else if (problem.bound_place.source != nullptr) {
      place = &problem.bound_place;
    }
  }
  if (place->source != nullptr) {
    out.file = place->source->path;
    if (place->span.known()) {
      const std::string_view text = *place->source->content;
      const Position begin = position_of(text, place->span.begin), end = position_of(text, place->span.end - 1);
      out.line = begin.line;
      out.column = begin.column;
      out.end_line = end.line;
      out.end_column = end.column;
      out.excerpt = excerpt(*place);
    }
  }
  auto at = [](const Place& p) {
    if (p.source == nullptr) return std::string("?");
    if (!p.span.known()) return p.source->path;
    const Position position = position_of(*p.source->content, p.span.begin);
    return fmt::format("{}:{}.{}", p.source->path, position.line, position.column);
  };
  if (!problem.value.empty()) out.trace.push_back("value: " + problem.value);
  for (const auto& type : problem.types) out.trace.push_back(fmt::format("type {} at {}", type.name, at(type.place)));
  if (!problem.bound_path.empty())
    out.trace.push_back(fmt::format("{} is bound to {} at {}", problem.bound_path, problem.bound_type, at(problem.bound_place)));
  for (const auto& step : problem.trace)
    out.trace.push_back(fmt::format("{} {} at {}", step.call ? "in function" : "in template", step.name, at(step.place)));
  if (problem.cause != nullptr) {
    const Diagnostic cause = to_diagnostic(*problem.cause, object);
    out.trace.push_back(
        fmt::format("caused by: {}{}{}", cause.message, cause.file.empty() ? "" : " at ", at(problem.cause->place)));
    if (out.hint.empty()) out.hint = cause.hint;
  }
  return out;
}

void raise(Problem::Kind kind, std::string message, Span span, std::string hint) {
  auto problem = std::make_shared<Problem>();
  problem->kind = kind;
  problem->message = std::move(message);
  problem->place.span = span;
  problem->hint = std::move(hint);
  throw Failure{std::move(problem)};
}

}  // namespace cdb::pan
