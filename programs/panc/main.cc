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
#include <set>

#include "base/file/file.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/output.h"
#include "programs/panc/file_source.h"
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
  Messages messages;
  std::vector<std::string> objects;
  std::vector<std::size_t> object_index;  // place on the command line
  std::vector<std::string> roots{};
  std::atomic<std::size_t> written{0}, bytes{0};

  bool syntax_only() const {
    return std::all_of(line.formats.begin(), line.formats.end(),
                       [](const auto& f) { return f.format == cdb::pan::Format::none; });
  }

  // Parses the files named, keeps the object templates.
  void read_files() {
    std::vector<std::string> names(line.files.size());
    engine.parallel(line.files.size(), [&](std::size_t i) {
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
              fmt::format("the template is named '{}', so its file must end in /{}.pan", parsed->name, parsed->name);
          problem.place = {parsed->source, parsed->header};
          messages.add(i, file, {cdb::pan::to_diagnostic(problem, parsed->name)});
          return;
        }
        if (parsed->kind == cdb::pan::TemplateKind::object) names[i] = parsed->name;
      } catch (const cdb::pan::Failure& failure) {
        messages.add(i, file, {cdb::pan::to_diagnostic(*failure.problem, {})});
      }
    });
    if (syntax_only()) return;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) continue;
      const std::string file = absolute(line.files[i]);
      if (const std::string first = engine.repository().give(names[i], file); first != file) {
        messages.add(i, file,
                     {file_problem(file, fmt::format("object template '{}' was already given: {}", names[i], first),
                                   "profiles are named after their templates: give one of the files")});
        continue;
      }
      objects.push_back(std::move(names[i]));
      object_index.push_back(i);
    }
  }

  void write(const cdb::pan::Finished& object, std::size_t index) {
    static thread_local cdb::pan::TextBuffer buffer;
    for (const cdb::pan::OutputFormat& format : line.formats) {
      if (format.format == cdb::pan::Format::none) continue;
      const std::filesystem::path path = std::filesystem::path(line.output_dir) / (std::string(object.object) + format.suffix());
      std::string_view content;
      try {
        content = cdb::pan::render(format, object, roots, buffer);
      } catch (const cdb::pan::Failure& failure) {
        messages.add(index, object.object, {file_problem(path.string(), failure.problem->message)});
        continue;
      }
      base::Result<> done;
      if (path.parent_path() != std::filesystem::path(line.output_dir)) done = base::file::make_folders(path.parent_path());
      if (done) done = base::file::write_atomic(path, content, {.durable = false});
      if (!done) {
        messages.add(index, object.object, {file_problem(path.string(), done.error().message, done.error().hint)});
        continue;
      }
      ++written;
      bytes += content.size();
    }
  }

  void run() {
    read_files();
    if (syntax_only()) return;
    roots = engine.repository().roots();
    engine.run(objects, [&](cdb::pan::Finished&& object) {
      const std::size_t index = object.index < object_index.size() ? object_index[object.index] : line.files.size();
      if (object.root != nullptr) write(object, index);
      messages.add(index, object.object, std::move(object.diagnostics));
    });
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
  cdb::pan::Options options = line->compiler;
  options.include_path = line->include_path;
  Compilation compilation{.line = *line, .engine{std::make_shared<FileSource>(), std::move(options)}};
  if (compilation.engine.option_problem() != nullptr) {
    fmt::print(stderr, "panc: {}\n", compilation.engine.option_problem()->message);
    return 1;
  }
  compilation.run();
  compilation.messages.print();
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
