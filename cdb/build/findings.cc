#include "cdb/build/findings.h"

#include <algorithm>

#include <fmt/format.h>

namespace cdb::build {
namespace {

std::string_view severity_name(pan::Diagnostic::Severity severity) {
  switch (severity) {
    case pan::Diagnostic::Severity::error: return "error";
    case pan::Diagnostic::Severity::warning: return "warning";
    case pan::Diagnostic::Severity::note: return "note";
  }
  return "error";
}

// The object that this one could not be compiled without; "" for a cause of its own.
std::string_view consequence_of(const pan::Diagnostic& d) {
  constexpr std::string_view begin = "see the errors of '";
  const std::string_view hint = d.hint;
  if (!hint.starts_with(begin) || !hint.ends_with('\'')) return {};
  return hint.substr(begin.size(), hint.size() - begin.size() - 1);
}

}  // namespace

void Findings::add(const pan::Diagnostic& given) {
  auto d = given;
  // error() puts the object's name in front; who is hit is told by `objects`.
  if (const auto own = "[" + d.object + "] "; d.message.starts_with(own)) d.message.erase(0, own.size());
  if (d.severity == pan::Diagnostic::Severity::error) failed_ = true;
  const auto cause = fmt::format("{}\n{}\n{}\n{}:{}.{}\n{}\n{}", static_cast<int>(d.severity), d.kind, d.message, d.file, d.line,
                                 d.column, d.path, d.file.empty() ? d.object : std::string());
  const auto [place, fresh] = places_.emplace(cause, findings_.size());
  if (fresh) {
    if (findings_.size() == max_findings) {
      places_.erase(place);
      ++dropped_;
      return;
    }
    findings_.push_back({std::move(d), {}, 0});
  }
  auto& finding = findings_[place->second];
  if (given.object.empty() || (!finding.objects.empty() && finding.objects.back() == given.object)) return;
  ++finding.object_count;
  if (finding.objects.size() < max_objects) finding.objects.push_back(given.object);
}

std::vector<Finding> Findings::list() const {
  std::vector<Finding> out;
  std::map<std::string, std::size_t, std::less<>> causes;  // object → its finding
  for (const auto& finding : findings_) {
    if (!consequence_of(finding.diagnostic).empty()) continue;
    if (finding.diagnostic.severity == pan::Diagnostic::Severity::error) {
      for (const auto& object : finding.objects) causes.emplace(object, out.size());
    }
    out.push_back(finding);
  }
  for (const auto& finding : findings_) {
    const auto object = consequence_of(finding.diagnostic);
    if (object.empty()) continue;
    if (const auto cause = causes.find(object); cause != causes.end()) {
      auto& first = out[cause->second];
      first.object_count += finding.object_count;
      for (const auto& name : finding.objects) {
        if (first.objects.size() < max_objects) first.objects.push_back(name);
      }
    } else {
      out.push_back(finding);
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Finding& a, const Finding& b) { return a.diagnostic.severity < b.diagnostic.severity; });
  return out;
}

base::profile::Value to_json(const Finding& finding) {
  const auto& d = finding.diagnostic;
  base::profile::List trace, objects;
  for (const auto& line : d.trace) trace.emplace_back(line);
  for (const auto& object : finding.objects) objects.emplace_back(object);
  return base::profile::Dict{{"severity", severity_name(d.severity)},
                             {"kind", d.kind},
                             {"message", d.message},
                             {"file", d.file},
                             {"line", d.line},
                             {"column", d.column},
                             {"end_line", d.end_line},
                             {"end_column", d.end_column},
                             {"excerpt", d.excerpt},
                             {"trace", std::move(trace)},
                             {"hint", d.hint},
                             {"path", d.path},
                             {"objects", std::move(objects)},
                             {"object_count", finding.object_count}};
}

}  // namespace cdb::build
