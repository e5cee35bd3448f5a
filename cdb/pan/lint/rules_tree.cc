// Rules that look at other files: templates, types of paths.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text/text.h"
#include "cdb/pan/lint/rules.h"

namespace cdb::pan::lint::rules {

using index::PathRef;
using index::TemplateRef;

namespace {

constexpr std::string_view kNoTemplate = "look at include_path in weft.yaml, or make the template";

// Where a template of this name is, though nothing finds it there.
std::string template_elsewhere(const Subject& subject, const std::string& name) {
  for (const auto& [path, file] : subject.index.files())
    if (file->name == name) return fmt::format("{} is not on the include path", path);
  return {};
}

bool sets(PathRef::Form form) {
  return form == PathRef::Form::assign || form == PathRef::Form::assign_default;
}

}  // namespace

void missing_include(const Subject& subject, Findings& findings) {
  for (const TemplateRef& reference : subject.file.templates) {
    if (reference.optional || (reference.form != TemplateRef::Form::include && reference.form != TemplateRef::Form::create))
      continue;
    const auto names = subject.index.names_of(reference);
    const bool found = names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                         return name.empty() || !subject.index.template_paths(name, &subject.file).empty();
                       });
    if (found) continue;
    // Of a plain string the text between the quotes can be replaced.
    const Span inside{reference.span.begin + 1, reference.span.end - 1};
    const bool plain = reference.span.end > reference.span.begin + 1 && subject.text(inside) == names.front();
    const std::string message = fmt::format("there is no template {} on the include path", names.front());
    const std::string elsewhere = template_elsewhere(subject, names.front());
    if (!plain || !elsewhere.empty()) {
      findings.add(reference.span, message, elsewhere.empty() ? std::string(kNoTemplate) : elsewhere);
    } else {
      findings.add_misspelt(inside, message, base::text::did_you_mean(names.front(), subject.index.template_names()),
                            std::string(kNoTemplate));
    }
  }
}

void missing_type(const Subject& subject, Findings& findings) {
  std::set<std::string> said;
  for (const PathRef& path : subject.file.paths) {
    if (!sets(path.form) || !path.absolute || path.terms.size() < 3) continue;
    if (path.terms[0] != "software" || path.terms[1] != "components") continue;
    if (subject.index.binds_below(std::span(path.terms).first(3)) || !said.insert(path.terms[2]).second) continue;
    findings.add(path.span, fmt::format("no type is bound to /software/components/{}", path.terms[2]),
                 fmt::format("mistakes below it go unnoticed: bind '/software/components/{}' = TYPE", path.terms[2]));
  }
}

void unknown_field(const Subject& subject, Findings& findings) {
  for (const PathRef& path : subject.file.paths) {
    if (!sets(path.form) || !path.absolute) continue;
    const auto wrong = subject.index.wrong_step(path.terms);
    if (!wrong) continue;
    const std::string field = path.terms[wrong->step];
    auto near = base::text::did_you_mean(field, wrong->fields);
    auto above = path.terms;
    above.resize(wrong->step);
    findings.add(path.span, fmt::format("the type of {} has no field '{}'", index::path_text(above), field),
                 near.empty() ? "look at its schema" : fmt::format("did you mean {}?", base::text::join(near, ", ")));
  }
}

void unused_template(const Subject& subject, Findings& findings) {
  if (subject.file.kind == TemplateKind::object || subject.file.name.empty()) return;
  if (subject.index.mentioned(subject.file)) return;
  findings.add(subject.file.name_span, fmt::format("no template includes {}", subject.file.name), "remove it, or include it");
}

}  // namespace cdb::pan::lint::rules
