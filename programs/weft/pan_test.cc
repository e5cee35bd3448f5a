// `weft pan test`: the tests that people write for their own templates.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "base/file/file.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/build/plan.h"
#include "cdb/pan/golden/expectation.h"
#include "cdb/pan/index/project.h"
#include "programs/weft/output.h"
#include "programs/weft/pan.h"
#include "programs/weft/pan_files.h"
#include "programs/weft/pan_project.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

namespace fs = std::filesystem;
namespace golden = cdb::pan::golden;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

// One object template with what it expects.
struct Test {
  std::string shown;   // as the person called it
  std::string path;    // absolute
  std::string object;  // template name
  std::string root;    // absolute folder that its name counts from
  golden::Expectations expectations;
  std::optional<Value> expected;  // NAME.json beside it
  std::vector<golden::Finding> findings{};
  List differences{};  // {path, before, after, diff}
  bool accepted = false;
  bool passed() const { return findings.empty() && differences.empty(); }
};

std::string golden_file(const std::string& path) {
  return fs::path(path).replace_extension(".json").string();
}

base::Result<std::optional<Test>> read_test(const std::string& shown, const std::string& here) {
  Test test{.shown = shown,
            .path = cdb::pan::index::absolute_path(shown, here),
            .object = {},
            .root = {},
            .expectations = {},
            .expected = std::nullopt};
  const std::string text = WEFT_TRY(base::file::read(test.path));
  const auto object = cdb::pan::object_name(text);
  if (!object) return std::nullopt;
  test.object = *object;
  test.expectations = golden::expectations_in(text);
  test.findings = test.expectations.mistakes;
  const std::string stem = fs::path(test.path).replace_extension().string();
  if (stem.ends_with("/" + test.object)) {
    test.root = stem.substr(0, stem.size() - test.object.size() - 1);
  } else {
    test.findings.push_back({0,
                             fmt::format("the template is named '{}', so its file must end in /{}.pan", test.object, test.object),
                             "rename one of them"});
  }
  const std::string file = golden_file(test.path);
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    auto json = base::profile::parse_json(WEFT_TRY(base::file::read(file)));
    if (!json) {
      test.findings.push_back({0, fmt::format("{} is no JSON: {}", golden_file(shown), json.error().message),
                               "correct it, or write it anew with --accept"});
    } else {
      test.expected = std::move(*json);
    }
    if (test.expectations.of_failure())
      test.findings.push_back({0, fmt::format("it must fail, but there is an expected profile {}", golden_file(shown)),
                               "remove the file or the expect-error"});
  }
  return test;
}

class TestRun {
 public:
  explicit TestRun(const Arguments& arguments)
      : accept_(arguments.has("accept")),
        json_(arguments.has("json")),
        match_(arguments.get("match")),
        names_(arguments.all("PATH")) {
    if (arguments.has("include-path")) include_path_ = base::text::split(arguments.get("include-path"), ':');
    const std::string jobs(arguments.get("jobs"));
    threads_ = jobs.empty() ? 0 : std::atoi(jobs.c_str());
  }

  base::Result<int> run() {
    WEFT_TRY(find());
    WEFT_TRY(compile());
    for (Test& test : tests_)
      if (accept_) WEFT_TRY(accept(test));
    return report();
  }

 private:
  base::Result<> find() {
    const std::string here = fs::current_path().string();
    if (names_.empty()) {
      std::error_code ignored;
      if (!fs::is_directory("tests", ignored))
        return base::fail(base::Errc::not_found, "there is no folder tests here",
                          "name the tests or their folder: weft pan test DIR");
      names_.emplace_back("tests");
    }
    for (const std::string& file : WEFT_TRY(named_templates(names_))) {
      if (!match_.empty() && file.find(match_) == std::string::npos) continue;
      auto test = WEFT_TRY(read_test(file, here));
      if (test) tests_.push_back(std::move(*test));
    }
    if (tests_.empty())
      return base::fail(
          base::Errc::not_found,
          match_.empty() ? fmt::format("there is no object template in {}", base::text::join(names_, ", "))
                         : fmt::format("no test's path contains '{}'", match_),
          match_.empty() ? "a test is an object template with expectations: see weft pan test --help" : "check --match");
    return {};
  }

  // Tests of one site and root share what they include.
  base::Result<> compile() {
    const std::string here = fs::current_path().string();
    std::map<std::vector<std::string>, std::vector<Test*>> groups;
    for (Test& test : tests_) {
      const bool nothing = test.expectations.list.empty() && test.expectations.mistakes.empty() && !test.expected && !accept_;
      if (nothing && test.findings.empty())
        test.findings.push_back(
            {0, "it expects nothing",
             fmt::format("write \"# expect: PATH = VALUE\" into it, or make {} with --accept", golden_file(test.shown))});
      if (test.root.empty() || nothing) continue;
      auto found = WEFT_TRY(find_project({test.path, include_path_, {}, here}));
      if (!found.missing.empty())
        return base::fail(
            base::Errc::not_found, fmt::format("the include path has a folder that does not exist: {}", found.missing.front()),
            include_path_.empty() ? "correct weft.yaml, or name the folders with --include-path" : "check --include-path");
      std::vector<std::string> include_path{test.root};
      for (std::string& folder : found.project.include_path)
        if (folder != test.root) include_path.push_back(std::move(folder));
      groups[std::move(include_path)].push_back(&test);
    }
    const auto source = std::make_shared<cdb::pan::index::OverlaySource>();
    for (const auto& [include_path, tests] : groups) {
      cdb::pan::Options options;
      options.include_path = include_path;
      options.threads = threads_;
      cdb::pan::Compiler compiler(source, options);
      std::vector<std::string> objects;
      for (const Test* test : tests) objects.push_back(test->object);
      auto compiled = compiler.compile(objects);
      for (std::size_t i = 0; i < tests.size(); ++i) judge(*tests[i], compiled[i]);
    }
    return {};
  }

  void judge(Test& test, const cdb::pan::Compiled& compiled) {
    for (golden::Finding& finding : golden::check(test.expectations, compiled, test.path))
      test.findings.push_back(std::move(finding));
    if (compiled.profile == nullptr) return;
    const bool first = !test.expected && test.expectations.list.empty();
    if (test.expected) {
      for (const auto& change : base::profile::diff(*test.expected, *compiled.profile)) {
        const cdb::build::PlanLine line = cdb::build::plan_line(change);
        Dict row{{"path", line.path}};
        if (!line.diff.empty()) row.insert_or_assign("diff", line.diff);
        if (!line.before.empty()) row.insert_or_assign("before", line.before);
        if (!line.after.empty()) row.insert_or_assign("after", line.after);
        test.differences.emplace_back(std::move(row));
      }
    }
    if (accept_ && (first || !test.differences.empty())) profiles_[&test] = *compiled.profile;
  }

  base::Result<> accept(Test& test) {
    const auto profile = profiles_.find(&test);
    if (profile == profiles_.end() || !test.findings.empty()) return {};
    WEFT_TRY(base::file::write_atomic(golden_file(test.path), base::profile::to_json_pretty(profile->second)));
    test.differences.clear();
    test.accepted = true;
    return {};
  }

  static Dict finding_row(const golden::Finding& finding) {
    Dict row{{"message", finding.message}};
    if (finding.line > 0) row.insert_or_assign("line", finding.line);
    if (!finding.hint.empty()) row.insert_or_assign("hint", finding.hint);
    return row;
  }

  static void print(const Test& test) {
    fmt::print("{} {}\n", paint(Colour::red, "FAILED"), test.shown);
    for (const golden::Finding& finding : test.findings) {
      std::string text = finding.line > 0 ? fmt::format("line {}: {}", finding.line, finding.message) : finding.message;
      if (!finding.hint.empty()) text += "\nhint: " + finding.hint;
      for (const std::string& line : base::text::split(text, '\n')) fmt::print("    {}\n", line);
    }
    if (test.differences.empty()) return;
    constexpr std::size_t kMost = 50;
    fmt::print("    differs from {} in {} {}:\n", golden_file(test.shown), test.differences.size(),
               test.differences.size() == 1 ? "place" : "places");
    const std::size_t shown = std::min(kMost, test.differences.size());
    std::size_t width = 0;
    for (std::size_t i = 0; i < shown; ++i) width = std::max(width, test.differences[i].get_string("path").size());
    for (std::size_t i = 0; i < shown; ++i) fmt::print("{}", change_text(test.differences[i], std::min<std::size_t>(width, 60)));
    if (shown < test.differences.size()) fmt::print("    ... and {} more\n", test.differences.size() - shown);
  }

  int report() {
    std::size_t passed = 0, accepted = 0;
    List rows;
    for (const Test& test : tests_) {
      passed += test.passed() ? 1 : 0;
      accepted += test.accepted ? 1 : 0;
      if (json_) {
        List findings;
        for (const golden::Finding& finding : test.findings) findings.emplace_back(finding_row(finding));
        rows.emplace_back(Dict{{"file", test.shown},
                               {"object", test.object},
                               {"passed", test.passed()},
                               {"accepted", test.accepted},
                               {"findings", std::move(findings)},
                               {"differences", test.differences}});
      } else if (!test.passed()) {
        print(test);
      } else if (test.accepted) {
        fmt::print("wrote {}\n", golden_file(test.shown));
      }
    }
    const std::size_t failed = tests_.size() - passed;
    if (json_)
      print_json(Dict{{"tests", std::move(rows)}, {"passed", passed}, {"failed", failed}, {"accepted", accepted}});
    else
      fmt::print("{} passed, {} failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
  }

  bool accept_, json_;
  std::string match_;
  std::vector<std::string> names_, include_path_;
  int threads_ = 0;
  std::vector<Test> tests_;
  std::map<const Test*, Value> profiles_;  // to be written
};

}  // namespace

base::cli::Command pan_test() {
  base::cli::Command command;
  command.name = "test";
  command.summary = "run tests of templates";
  command.description =
      "A test is an object template that says what it expects. It is compiled with the include path of the site around it "
      "(weft.yaml) "
      "and, before that, the folder its name counts from, so that templates beside it can stand in for those of the site.\n\n"
      "A whole expected profile stands in NAME.json beside NAME.pan; --accept writes it. Single expectations are comments of "
      "their "
      "own:\n"
      "  # expect: compiles\n"
      "  # expect: /system/state = \"production\"\n"
      "  # expect: /system/rack exists     (absent; is long; length 2; ~ REGEX)\n"
      "  # expect-error: REGEX             (expect-error at LINE: REGEX)\n\n"
      "Prints what does not hold and \"N passed, N failed\". Exit codes: 0 all passed; 1 some failed, or there are no tests; 2 "
      "wrong "
      "command line.";
  command.options = {
      {.name = "[PATH...]", .help = "tests, or folders of them (default: tests)"},
      {.name = "--match", .value = "TEXT", .help = "only tests whose path contains TEXT"},
      {.name = "--accept", .help = "write NAME.json anew where it differs, and for tests that expect nothing yet"},
      {.name = "--include-path,-I", .value = "PATHS", .help = "folders, separated by colons, instead of weft.yaml's"},
      {.name = "--jobs,-j", .value = "N", .help = "threads (default: all processors)"},
      {.name = "--json", .help = "print JSON for programs"}};
  command.examples = {{"weft pan test", "all tests below tests/"},
                      {"weft pan test tests/storage --match pool", "some of them"},
                      {"weft pan test --accept", "the profiles as they are now become the expected ones; review with git diff"}};
  command.run = [](const Arguments& arguments) {
    const std::string_view jobs = arguments.get("jobs");
    if (!jobs.empty() && (jobs.size() > 4 || jobs.find_first_not_of("0123456789") != std::string_view::npos || jobs == "0")) {
      base::cli::report("weft",
                        {base::Errc::invalid, fmt::format("--jobs {} is no number of threads", jobs), "give 1 or more", {}});
      return 2;
    }
    return run([&] { return TestRun(arguments).run(); });
  };
  return command;
}

}  // namespace programs::weft
