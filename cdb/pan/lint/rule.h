// Lint rules: their names, what they say, and what they look at. Used by Linter and by those who list or explain rules; each rule
// is a function in rules_*.cc. Rules are pure: they read a Subject and add Findings.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/index/tree_index.h"
#include "cdb/pan/syntax/line_index.h"
#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::lint {

enum class Severity : std::uint8_t { error, warning, note };
std::string_view severity_name(Severity severity);

struct Fix {
  Span span;
  std::string text;
};

struct Finding {
  std::string_view rule;
  Severity severity = Severity::warning;
  std::string file;
  Span span;
  int line = 0, column = 0, end_line = 0, end_column = 0;  // 1-based, columns in characters; the end is the last character
  std::string message;
  std::string hint;              // what to do, may be empty
  std::vector<Fix> fixes;        // edits that mend it and change no meaning
  std::vector<Fix> suggestions;  // each by itself may be what was meant
};

// One file as the rules see it.
struct Subject {
  const syntax::Tree& tree;
  const index::FileIndex& file;
  const index::TreeIndex& index;
  bool include_path = false;  // what is not in the index does not exist
  bool whole = false;         // the index holds every file that may use this one

  std::string_view text(Span span) const { return std::string_view(tree.text()).substr(span.begin, span.end - span.begin); }
};

class Findings {
 public:
  Finding& add(Span span, std::string message, std::string hint = {}, std::vector<Fix> fixes = {}) {
    list_.push_back({{}, Severity::warning, {}, span, 0, 0, 0, 0, std::move(message), std::move(hint), std::move(fixes), {}});
    return list_.back();
  }
  // A name at `span` that may be meant to be one of `near`.
  void add_misspelt(Span span, std::string message, const std::vector<std::string>& near, std::string otherwise = {});
  std::vector<Finding>& list() { return list_; }

 private:
  std::vector<Finding> list_;
};

enum class Needs : std::uint8_t {
  file,          // the file alone
  include_path,  // all files of the include path
  whole          // all files of the site
};

struct Rule {
  std::string_view name;
  Severity severity;
  Needs needs;
  std::string_view summary;      // one line
  std::string_view explanation;  // why it matters and what to do, a paragraph
  void (*run)(const Subject&, Findings&);
  bool standard = true;  // false: only when named
};

// In order of name.
std::span<const Rule> all_rules();
const Rule* find_rule(std::string_view name);

}  // namespace cdb::pan::lint
