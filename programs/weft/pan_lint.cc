// `weft pan lint`: likely mistakes in templates on this machine; no server is asked.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "base/file/file.h"
#include "base/text/text.h"
#include "cdb/pan/lint/linter.h"
#include "cdb/pan/lint/report.h"
#include "programs/weft/output.h"
#include "programs/weft/pan.h"
#include "programs/weft/pan_project.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
namespace lint = cdb::pan::lint;
using base::profile::Dict;
using base::profile::List;
using cdb::pan::index::absolute_path;
using cdb::pan::index::OverlaySource;
using cdb::pan::index::Project;
using cdb::pan::index::TreeIndex;

constexpr std::string_view kNeeds[] = {"the file", "the include path", "the whole site"};

int list_rules(bool json) {
  List rows;
  std::vector<std::vector<std::string>> table;
  for (const lint::Rule& rule : lint::all_rules()) {
    const auto needs = kNeeds[static_cast<std::size_t>(rule.needs)];
    rows.emplace_back(Dict{{"name", rule.name},
                           {"severity", severity_name(rule.severity)},
                           {"needs", needs},
                           {"standard", rule.standard},
                           {"summary", rule.summary},
                           {"explanation", rule.explanation}});
    table.push_back({std::string(rule.name), std::string(severity_name(rule.severity)),
                     std::string(rule.summary) + (rule.standard ? "" : " (only when named)")});
  }
  if (json) {
    print_json(Dict{{"rules", std::move(rows)}});
  } else {
    fmt::print("{}", base::cli::table({"RULE", "SEVERITY", "FINDS"}, table));
  }
  return 0;
}

base::Result<int> explain(std::string_view name) {
  const auto chosen = lint::Settings::choose({std::string(name)}, {});
  if (!chosen) return base::fail(chosen.error());
  const lint::Rule& rule = *lint::find_rule(name);
  fmt::print("{} ({}): {}\n\n{}\n\nIt needs to know {}. A comment \"# lint: allow {}\" allows it in one line.\n", rule.name,
             severity_name(rule.severity), rule.summary, rule.explanation, kNeeds[static_cast<std::size_t>(rule.needs)],
             rule.name);
  return 0;
}

// The files to lint, by absolute path, as the person calls them.
base::Result<std::map<std::string, std::string>> files_of(const std::vector<std::string>& paths, const std::string& here) {
  std::map<std::string, std::string> out;
  for (const std::string& path : paths) {
    const std::string full = absolute_path(path, here);
    std::error_code error;
    if (fs::is_directory(full, error)) {
      const auto found = cdb::pan::index::template_files(full);
      if (found.empty())
        return base::fail(base::Errc::invalid, fmt::format("there is no template (.pan, .tpl) below {}", path),
                          "name another folder");
      std::string begin = path == "." ? std::string() : path;
      if (!begin.empty() && begin.back() != '/') begin += '/';
      for (const std::string& file : found) out.emplace(file, begin + file.substr(full == "/" ? 1 : full.size() + 1));
    } else if (fs::is_regular_file(full, error)) {
      out.emplace(full, path);
    } else {
      return base::fail(base::Errc::not_found, fmt::format("{} is no file and no folder", path), "check its name");
    }
  }
  return out;
}

struct Linted {
  std::string shown;
  std::shared_ptr<const std::string> source;
  std::vector<lint::Finding> findings;
};

base::Result<> write_fixed(const std::string& path, Linted& file, std::size_t& applied) {
  const std::size_t before = applied;
  const std::string text = lint::fixed(*file.source, file.findings, applied);
  if (applied == before) return {};
  struct stat info {};
  if (stat(path.c_str(), &info) != 0)
    return base::fail(base::Errc::not_found, fmt::format("{} vanished while it was linted", file.shown), "run again");
  WEFT_TRY(base::file::write_atomic(path, text, {.mode = static_cast<mode_t>(info.st_mode & 07777), .owner = {}, .group = {}}));
  std::erase_if(file.findings, [](const lint::Finding& finding) { return !finding.fixes.empty(); });
  return {};
}

class Run {
 public:
  explicit Run(const base::cli::Arguments& arguments) : arguments_(arguments) {}

  base::Result<int> run() {
    const std::string here = fs::current_path().string();
    const auto paths = arguments_.all("PATH");
    if (paths.empty())
      return base::fail(base::Errc::invalid, "name the files or folders to lint", "weft pan lint . lints the current folder");
    settings_ = WEFT_TRY(lint::Settings::choose(arguments_.all("rule"), arguments_.all("no-rule")));
    const auto files = WEFT_TRY(files_of(paths, here));
    std::vector<std::string> include_path;
    if (arguments_.has("include-path")) include_path = base::text::split(arguments_.get("include-path"), ':');
    auto found = WEFT_TRY(find_project({paths.front(), include_path, {}, here}));
    if (!found.missing.empty()) {
      if (!include_path.empty())
        return base::fail(base::Errc::not_found,
                          fmt::format("the include path has a folder that does not exist: {}", found.missing.front()),
                          "check --include-path");
      fmt::print(stderr, "note: {} in weft.yaml's include_path does not exist: rules that need the include path are off\n",
                 found.missing.front());
    }
    const bool include_known = found.missing.empty() && !found.project.include_path.empty();
    // What is unused can be told only of files whose users are all here: those of the site whose folder is named.
    const bool site_named = found.project.whole && std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
                              return absolute_path(path, here) == found.project.root;
                            });
    if (site_named) whole_below_ = found.project.root + "/";
    if (arguments_.has("whole")) whole_below_ = "/";
    auto source = std::make_shared<OverlaySource>();
    for (const auto& [path, shown] : files) found.project.objects.push_back(path);
    const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    TreeIndex index(std::move(found.project), source);
    index.build(threads);
    lint_all(files, *source, index, include_known, threads);
    return report();
  }

 private:
  void lint_all(const std::map<std::string, std::string>& files, const OverlaySource& source, const TreeIndex& index,
                bool include_known, int threads) {
    const std::vector<std::pair<std::string, std::string>> list(files.begin(), files.end());
    std::vector<Linted> made(list.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < list.size(); i = next++) {
        made[i].shown = list[i].second;
        made[i].source = source.read(list[i].first);
        const auto* summary = index.file(list[i].first);
        if (made[i].source == nullptr || summary == nullptr) continue;
        const auto tree = cdb::pan::syntax::Tree::parse(*made[i].source);
        const bool whole = include_known && !whole_below_.empty() && list[i].first.starts_with(whole_below_);
        made[i].findings = lint::lint({tree, *summary, index, include_known, whole}, settings_);
      }
    };
    {
      std::vector<std::jthread> helpers;
      for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
      work();
    }
    for (std::size_t i = 0; i < list.size(); ++i) linted_.emplace(list[i].first, std::move(made[i]));
  }

  base::Result<int> report() {
    std::size_t applied = 0, count = 0, with = 0;
    if (arguments_.has("fix"))
      for (auto& [path, file] : linted_) WEFT_TRY(write_fixed(path, file, applied));
    List rows;
    bool unreadable = false;
    for (const auto& [path, file] : linted_) {
      if (file.source == nullptr) {
        fmt::print(stderr, "weft: error: {} cannot be read: check its permissions and size\n", file.shown);
        unreadable = true;
      }
      with += file.findings.empty() ? 0 : 1;
      for (const lint::Finding& finding : file.findings) {
        ++count;
        if (arguments_.has("json")) {
          rows.push_back(report_json(finding, file.shown));
        } else {
          fmt::print("{}\n", report_text(finding, file.shown, *file.source));
        }
      }
    }
    if (arguments_.has("json")) {
      print_json(Dict{{"findings", std::move(rows)}, {"files", linted_.size()}, {"fixed", applied}});
    } else {
      if (applied != 0) fmt::print("{} fixed\n", applied);
      fmt::print("{} {} in {} of {} files\n", count, count == 1 ? "finding" : "findings", with, linted_.size());
    }
    return count != 0 || unreadable ? 1 : 0;
  }

  const base::cli::Arguments& arguments_;
  lint::Settings settings_;
  std::string whole_below_;  // "": of no file
  std::map<std::string, Linted> linted_;
};

}  // namespace

base::cli::Command pan_lint() {
  return {.name = "lint",
          .summary = "find likely mistakes in templates",
          .description =
              "Reads the files, and all templates on the include path of the weft.yaml in the folder or above it, and reports "
              "what is "
              "probably wrong though it may compile. Rules about things that nobody uses apply when the folder with weft.yaml is "
              "linted "
              "as a whole. A comment `# lint: allow RULE` behind a line or above it allows a finding there; `# lint: allow-file "
              "RULE` in "
              "the whole file.\n\nExit codes: 0 nothing found; 1 findings; 2 wrong command line.",
          .options = {{.name = "[PATH...]", .help = "files or folders"},
                      {.name = "--json", .help = "findings as JSON"},
                      {.name = "--rule", .value = "RULE", .help = "only this rule; may be repeated"},
                      {.name = "--no-rule", .value = "RULE", .help = "all but this rule; may be repeated"},
                      {.name = "--include-path,-I",
                       .value = "PATH",
                       .help = "folders separated by ':' instead of weft.yaml's include_path"},
                      {.name = "--whole", .help = "these files are the whole site: report what nobody uses"},
                      {.name = "--fix", .help = "mend what can be mended without changing any meaning"},
                      {.name = "--list-rules", .help = "show all rules"},
                      {.name = "--explain", .value = "RULE", .help = "why a rule exists and what to do"}},
          .examples = {{"weft pan lint .", "the site in the current folder"},
                       {"weft pan lint --no-rule nlist features", "one folder, old names allowed"},
                       {"weft pan lint --explain unused-local", "what a finding means"}},
          .run =
              [](const base::cli::Arguments& arguments) {
                if (arguments.has("list-rules")) return list_rules(arguments.has("json"));
                const auto done = arguments.has("explain") ? explain(arguments.get("explain")) : Run(arguments).run();
                if (done) return *done;
                base::cli::report("weft", done.error());
                return done.error().code == base::Errc::invalid || done.error().code == base::Errc::not_found ? 2 : 1;
              },
          .commands = {}};
}

}  // namespace programs::weft
