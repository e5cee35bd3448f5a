// panc: the Pan compiler on the command line, drop-in for Quattor's. Errors go to stderr. Exit status 0: all profiles written; 1:
// some failed; 2: wrong usage.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/explain.h"
#include "cdb/pan/output.h"
#include "programs/panc/file_source.h"
#include "programs/panc/incremental.h"
#include "programs/panc/memory.h"
#include "programs/panc/options.h"

namespace panc {

namespace {

using cdb::pan::Diagnostic;

// Diagnostics arrive in any order and are printed in the order of the command line.
class Messages {
 public:
  void add(std::size_t index, std::string_view object, std::vector<Diagnostic> diagnostics) {
    std::lock_guard lock(mutex_);
    for (Diagnostic& d : diagnostics) {
      if (d.severity == Diagnostic::Severity::error) failed_ = true;
      by_place_[{index, std::string(object)}].push_back(std::move(d));
    }
  }
  bool failed() const { return failed_; }
  void print() const {
    // One wrong template makes many objects fail: its error is printed once.
    std::set<std::string> seen;
    for (const auto& [place, diagnostics] : by_place_) {
      for (const Diagnostic& d : diagnostics) {
        const bool error = d.severity == Diagnostic::Severity::error;
        if (error && d.kind != "validation error" && !seen.insert(d.reference_text).second) {
          fmt::print(stderr, "{}: fails for the same reason: {} [{}]\n\n", place.second, d.kind, d.file.empty() ? "?" : d.file);
          continue;
        }
        fmt::print(stderr, "{}", d.reference_text);
        if (!d.reference_text.empty() && d.reference_text.back() != '\n') fmt::print(stderr, "\n");
        if (!error) continue;
        if (!d.excerpt.empty()) fmt::print(stderr, "{}:{}.{}\n{}\n", d.file, d.line, d.column, d.excerpt);
        if (!d.hint.empty()) fmt::print(stderr, "hint: {}\n", d.hint);
        fmt::print(stderr, "\n");
      }
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::size_t, std::string>, std::vector<Diagnostic>> by_place_;
  bool failed_ = false;
};

std::string absolute(const std::string& file) {
  std::error_code error;
  return std::filesystem::absolute(file, error).lexically_normal().string();
}

Diagnostic file_problem(const std::string& file, std::string message, std::string hint = {}) {
  Diagnostic d;
  d.kind = "system error";
  d.file = file;
  d.message = std::move(message);
  d.hint = std::move(hint);
  d.reference_text = fmt::format("system error [{}]\n{}\n", file, d.message);
  return d;
}

struct Compilation {
  const CommandLine& line;
  cdb::pan::Engine engine;
  Incremental* incremental = nullptr;
  Messages messages;
  std::vector<std::string> objects;
  std::unordered_map<std::string, std::size_t> places{};  // of objects on the command line
  std::vector<std::string> roots{};
  std::atomic<std::size_t> written{0}, bytes{0};

  bool syntax_only() const {
    return std::all_of(line.formats.begin(), line.formats.end(),
                       [](const auto& f) { return f.format == cdb::pan::Format::none; });
  }

  // Parses the files named, keeps the object templates.
  void read_files() {
    std::vector<std::string> names(line.files.size());
    std::vector<char> good(line.files.size(), 0);
    if (incremental != nullptr)
      for (std::size_t i = 0; i < names.size(); ++i)
        if (auto known = incremental->known(absolute(line.files[i]))) {
          names[i] = std::move(*known);
          good[i] = 1;
        }
    engine.parallel(line.files.size(), [&](std::size_t i) {
      if (good[i]) return;
      const std::string file = absolute(line.files[i]);
      try {
        if (!engine.repository().content(file)) {
          messages.add(i, file, {file_problem(file, "the template file cannot be read", "check its name and permissions")});
          return;
        }
        const auto parsed = engine.repository().parsed(file);
        if (!file.ends_with("/" + parsed->name + ".pan") && !file.ends_with("/" + parsed->name + ".tpl")) {
          cdb::pan::Problem problem;
          problem.kind = cdb::pan::Problem::Kind::syntax;
          problem.message =
              fmt::format("misplaced or misnamed template; relative directory and name must match '{}'", parsed->name);
          problem.hint = fmt::format("the file must end in /{}.pan", parsed->name);
          problem.place = {parsed->source, parsed->header};
          messages.add(i, file, {cdb::pan::to_diagnostic(problem, parsed->name)});
          return;
        }
        if (parsed->kind == cdb::pan::TemplateKind::object) names[i] = parsed->name;
        good[i] = 1;
      } catch (const cdb::pan::Failure& failure) {
        messages.add(i, file, {cdb::pan::to_diagnostic(*failure.problem, {})});
      }
    });
    if (syntax_only()) return;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string file = absolute(line.files[i]);
      if (names[i].empty()) {
        if (incremental != nullptr && good[i]) incremental->give(file, {});
        continue;
      }
      if (const std::string first = engine.repository().give(names[i], file); first != file) {
        messages.add(i, file,
                     {file_problem(file, fmt::format("object template '{}' was already given: {}", names[i], first),
                                   "profiles are named after their templates: give one of the files")});
        continue;
      }
      if (incremental != nullptr) incremental->give(file, names[i]);
      places.emplace(names[i], i);
      objects.push_back(std::move(names[i]));
    }
  }

  // False when a file could not be written. `outputs`: what was, when somebody wants to know.
  bool write(const cdb::pan::Finished& object, std::size_t index, std::vector<cdb::pan::DependDb::Output>* outputs) {
    bool good = true;
    static thread_local cdb::pan::TextBuffer buffer;
    for (const cdb::pan::OutputFormat& format : line.formats) {
      if (format.format == cdb::pan::Format::none) continue;
      const std::filesystem::path path = std::filesystem::path(line.output_dir) / (std::string(object.object) + format.suffix());
      std::string_view content;
      try {
        content = cdb::pan::render(format, object, roots, buffer);
      } catch (const cdb::pan::Failure& failure) {
        messages.add(index, object.object, {file_problem(path.string(), failure.problem->message)});
        good = false;
        continue;
      }
      base::Result<> done;
      if (path.parent_path() != std::filesystem::path(line.output_dir)) done = base::file::make_folders(path.parent_path());
      if (done) done = base::file::write_atomic(path, content, {.durable = false});
      if (!done) {
        messages.add(index, object.object, {file_problem(path.string(), done.error().message, done.error().hint)});
        good = false;
        continue;
      }
      ++written;
      bytes += content.size();
      if (outputs == nullptr) continue;
      // pan and xml are one file.
      std::erase_if(*outputs, [&](const auto& output) { return output.path == path; });
      outputs->push_back({path.string(), FileSource::look(path.string()), base::crypto::sha256(content)});
    }
    return good;
  }

  // Exit status: 1 when the profile fails or a path matches nothing.
  int explain() {
    read_files();
    if (objects.empty()) {
      messages.print();
      if (!messages.failed()) fmt::print(stderr, "panc: {} is no object template: there is nothing to explain\n", line.files[0]);
      return 1;
    }
    cdb::pan::Explanation explanation = engine.explain(objects[0], line.explain);
    const base::profile::Value document = cdb::pan::to_value(explanation);
    if (line.json) {
      fmt::print("{}", base::profile::to_json_pretty(document));
    } else {
      std::error_code error;
      fmt::print("{}", cdb::pan::explain_text(document, std::filesystem::current_path(error).string()));
      for (const auto& unknown : explanation.unknown) {
        // What a failed profile lacks it may have got later.
        fmt::print(stderr, "panc: {} has no element {}{}{}{}\n", explanation.object, unknown.path,
                   explanation.complete ? "" : " so far", unknown.hint.empty() ? "" : "; ", unknown.hint);
      }
    }
    const bool good = explanation.complete && explanation.unknown.empty();
    messages.add(0, explanation.object, std::move(explanation.diagnostics));
    messages.print();
    return good ? 0 : 1;
  }

  void run() {
    read_files();
    if (syntax_only()) return;
    roots = engine.repository().roots();
    std::vector<std::string> list = incremental != nullptr ? incremental->plan(objects) : objects;
    while (!list.empty()) {
      engine.run(list, [&](cdb::pan::Finished&& object) { finish(std::move(object)); });
      list = incremental != nullptr ? incremental->next() : std::vector<std::string>();
    }
  }

  void finish(cdb::pan::Finished&& object) {
    if (incremental != nullptr && !incremental->wanted(object.object)) return;
    const auto place = places.find(std::string(object.object));
    const std::size_t index = place != places.end() ? place->second : line.files.size();
    std::vector<cdb::pan::DependDb::Output> outputs;
    const bool good = object.root != nullptr && write(object, index, incremental != nullptr ? &outputs : nullptr);
    if (incremental != nullptr) {
      if (good)
        incremental->built(object, std::move(outputs));
      else
        incremental->failed(object.object);
    }
    messages.add(index, object.object, std::move(object.diagnostics));
  }
};

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) {
    fmt::print(stderr, "panc: {}\n", line.error().text());
    return 2;
  }
  if (line->help) {
    fmt::print("{}", usage());
    return 0;
  }
  if (line->man) {
    print_manual();
    return 0;
  }
  if (line->version) {
    fmt::print("panc (weft) {}\n", WEFT_VERSION);
    return 0;
  }
  if (line->files.empty()) {
    fmt::print(stderr, "panc: no template files given\n\n{}", usage());
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  prepare_memory(line->files.size());
  cdb::pan::Options options = line->compiler;
  options.include_path = line->include_path;
  options.hash_reads = !line->depend_db.empty();
  static const auto& source = *new auto(std::make_shared<FileSource>());
  std::optional<Incremental> incremental;
  if (!line->depend_db.empty()) {
    incremental.emplace(*line, *source);
    if (const std::string note = incremental->load(); !note.empty()) fmt::print(stderr, "panc: note: {}\n", note);
  }
  // Never taken apart: the process ends with it.
  static Compilation& compilation =
      *new Compilation{.line = *line, .engine{source, std::move(options)}, .incremental = incremental ? &*incremental : nullptr};
  if (compilation.engine.option_problem() != nullptr) {
    fmt::print(stderr, "panc: {}\n", compilation.engine.option_problem()->message);
    return 1;
  }
  if (!line->explain.empty()) return compilation.explain();
  compilation.run();
  compilation.messages.print();
  if (incremental) {
    // Not remembering only costs the next run its time.
    if (const auto saved = incremental->save(); !saved) fmt::print(stderr, "panc: note: {}\n", saved.error().text());
    if (line->verbose) fmt::print("{}", incremental->report());
  }
  if (line->verbose) {
    struct rusage usage {};
    getrusage(RUSAGE_SELF, &usage);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    fmt::print("{} objects, {} files written, {} bytes, {} ms, {} MB\n", compilation.objects.size(), compilation.written.load(),
               compilation.bytes.load(), ms, usage.ru_maxrss / 1024);
  }
  return compilation.messages.failed() ? 1 : 0;
}

}  // namespace

}  // namespace panc

int main(int argc, char** argv) {
  return panc::run(argc, argv);
}
