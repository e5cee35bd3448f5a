// Lints one file: mistakes of syntax, then the rules chosen, less what comments in the file allow. Used by `weft pan lint` and
// the Language Server. Pure; any thread as long as the index is not changed meanwhile.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/lint/rule.h"

namespace cdb::pan::lint {

class Settings {
 public:
  Settings();  // all standard rules
  // Errc::invalid names a rule that does not exist.
  static base::Result<Settings> choose(const std::vector<std::string>& only, const std::vector<std::string>& without);
  bool wants(std::string_view rule) const { return !off_.contains(rule); }

 private:
  std::set<std::string, std::less<>> off_;
};

// Findings in order of place. A comment "lint: allow RULE, RULE" behind `#` allows them on its own line or, when it has a line
// for itself, on the next one with code; "lint: allow-file RULE" in the whole file. Names that are no rules are findings
// themselves (rule "suppression"); mistakes of syntax have the rule "syntax" and cannot be allowed.
std::vector<Finding> lint(const Subject& subject, const Settings& settings);

// The text with the fixes applied; fixes that overlap an earlier one are left out. `applied` counts.
std::string fixed(std::string_view text, const std::vector<Finding>& findings, std::size_t& applied);

}  // namespace cdb::pan::lint
