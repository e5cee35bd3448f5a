#include "cdb/pan/lint/linter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text/text.h"

namespace cdb::pan::lint {
namespace {

using syntax::Columns;

constexpr std::string_view kMark = "lint:";

std::vector<std::string> rule_names() {
  std::vector<std::string> out;
  for (const Rule& rule : all_rules()) out.emplace_back(rule.name);
  return out;
}

// What the comments of a file allow.
class Allowances {
 public:
  Allowances(const Subject& subject, const syntax::LineIndex& lines, std::vector<Finding>& findings)
      : subject_(subject), lines_(lines), findings_(findings) {
    const syntax::Tree& tree = subject.tree;
    for (syntax::TokenId token = 0; token < tree.tokens().size(); ++token)
      for (const syntax::Trivia& trivia : tree.trivia_before(token))
        if (trivia.kind == syntax::Trivia::Kind::comment) comment(token, trivia);
  }

  bool allows(std::string_view rule, std::uint32_t line) const {
    if (whole_file_.contains(rule)) return true;
    const auto found = by_line_.find(line);
    return found != by_line_.end() && found->second.contains(rule);
  }

 private:
  void comment(syntax::TokenId next, const syntax::Trivia& trivia) {
    std::string_view text = subject_.tree.text_of_trivia(trivia);
    while (text.starts_with('#')) text.remove_prefix(1);
    text = base::text::trim(text);
    if (!text.starts_with(kMark)) return;
    text = base::text::trim(text.substr(kMark.size()));
    const auto space = text.find_first_of(" \t");
    const std::string_view verb = text.substr(0, space);
    if (verb != "allow" && verb != "allow-file") {
      complain({trivia.begin, trivia.end}, fmt::format("'lint: {}' says nothing", verb), "write # lint: allow RULE");
      return;
    }
    std::string_view rest = space == std::string_view::npos ? std::string_view() : base::text::trim(text.substr(space));
    // Names up to the first blank that no comma precedes; what follows is the reason.
    std::size_t names = 0;
    for (bool more = true; more;) {
      rest = base::text::trim(rest);
      const auto end = std::min(rest.find_first_of(", \t"), rest.size());
      const std::string_view name = rest.substr(0, end);
      if (name.empty()) break;
      ++names;
      allow(name, verb == "allow-file", next, trivia);
      rest = base::text::trim(rest.substr(end));
      more = rest.starts_with(',');
      if (more) rest.remove_prefix(1);
    }
    if (names == 0) complain({trivia.begin, trivia.end}, "this comment names no rule", "write # lint: allow RULE");
  }

  void allow(std::string_view name, bool file, syntax::TokenId next, const syntax::Trivia& trivia) {
    if (find_rule(name) == nullptr) {
      const auto near = base::text::did_you_mean(name, rule_names());
      complain(
          {trivia.begin, trivia.end}, fmt::format("there is no rule {}", name),
          near.empty() ? "weft pan lint --list-rules shows them" : fmt::format("did you mean {}?", base::text::join(near, ", ")));
      return;
    }
    if (file) {
      whole_file_.emplace(name);
      return;
    }
    std::uint32_t line = lines_.line_of(trivia.begin);
    const std::string_view before =
        std::string_view(subject_.tree.text()).substr(lines_.start_of(line), trivia.begin - lines_.start_of(line));
    if (base::text::trim(before).empty()) line = lines_.line_of(subject_.tree.tokens()[next].begin);
    by_line_[line].emplace(name);
  }

  void complain(Span span, std::string message, std::string hint) {
    findings_.push_back({"suppression", Severity::warning, {}, span, 0, 0, 0, 0, std::move(message), std::move(hint), {}, {}});
  }

  const Subject& subject_;
  const syntax::LineIndex& lines_;
  std::vector<Finding>& findings_;
  std::set<std::string, std::less<>> whole_file_;
  std::map<std::uint32_t, std::set<std::string, std::less<>>> by_line_;
};

}  // namespace

Settings::Settings() {
  for (const Rule& rule : all_rules())
    if (!rule.standard) off_.emplace(rule.name);
}

base::Result<Settings> Settings::choose(const std::vector<std::string>& only, const std::vector<std::string>& without) {
  const auto names = rule_names();
  for (const auto* list : {&only, &without}) {
    for (const std::string& name : *list) {
      if (find_rule(name) == nullptr)
        return base::fail(base::Errc::invalid,
                          fmt::format("there is no lint rule '{}'{}", name, base::text::did_you_mean_suffix(name, names)),
                          "weft pan lint --list-rules shows them");
    }
  }
  Settings out;
  out.off_.clear();
  for (const std::string& name : names) {
    const bool named = std::find(only.begin(), only.end(), name) != only.end();
    const bool left_out = !named && (!only.empty() || !find_rule(name)->standard);
    if (left_out || std::find(without.begin(), without.end(), name) != without.end()) out.off_.insert(name);
  }
  return out;
}

std::vector<Finding> lint(const Subject& subject, const Settings& settings) {
  const syntax::LineIndex lines(subject.tree.text());
  std::vector<Finding> out;
  for (const syntax::SyntaxError& error : subject.tree.errors())
    out.push_back({"syntax", Severity::error, {}, error.span, 0, 0, 0, 0, error.message, {}, {}, {}});
  const Allowances allowances(subject, lines, out);
  for (const Rule& rule : all_rules()) {
    if (!settings.wants(rule.name)) continue;
    if (rule.needs == Needs::include_path && !subject.include_path) continue;
    if (rule.needs == Needs::whole && !subject.whole) continue;
    Findings found;
    rule.run(subject, found);
    for (Finding& finding : found.list()) {
      if (allowances.allows(rule.name, lines.line_of(finding.span.begin))) continue;
      finding.rule = rule.name;
      finding.severity = rule.severity;
      out.push_back(std::move(finding));
    }
  }
  for (Finding& finding : out) {
    finding.file = subject.file.path;
    const auto begin = lines.position(finding.span.begin, Columns::characters);
    const auto end =
        lines.position(std::max(finding.span.begin, finding.span.end == 0 ? 0 : finding.span.end - 1), Columns::characters);
    finding.line = static_cast<int>(begin.line) + 1;
    finding.column = static_cast<int>(begin.column) + 1;
    finding.end_line = static_cast<int>(end.line) + 1;
    finding.end_column = static_cast<int>(end.column) + 1;
  }
  std::stable_sort(out.begin(), out.end(), [](const Finding& a, const Finding& b) { return a.span.begin < b.span.begin; });
  return out;
}

std::string fixed(std::string_view text, const std::vector<Finding>& findings, std::size_t& applied) {
  std::vector<const Fix*> fixes;
  for (const Finding& finding : findings)
    for (const Fix& fix : finding.fixes) fixes.push_back(&fix);
  std::stable_sort(fixes.begin(), fixes.end(), [](const Fix* a, const Fix* b) { return a->span.begin < b->span.begin; });
  std::string out;
  std::uint32_t at = 0;
  for (const Fix* fix : fixes) {
    if (fix->span.begin < at) continue;
    out += text.substr(at, fix->span.begin - at);
    out += fix->text;
    at = fix->span.end;
    ++applied;
  }
  out += text.substr(at);
  return out;
}

}  // namespace cdb::pan::lint
