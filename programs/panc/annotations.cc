// panc-annotations: the documentation in templates as XML, one file per template, as Quattor's tool of this name writes it.
// Errors go to stderr. Exit status 0: all files written; 1: some failed; 2: wrong usage.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/cli/cli.h"
#include "base/file/file.h"
#include "cdb/pan/annotation_xml.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/engine.h"
#include "programs/panc/file_source.h"

namespace panc {

namespace {

namespace fs = std::filesystem;

class Run {
 public:
  Run(fs::path base, fs::path output) : base_(std::move(base)), output_(std::move(output)) {}

  // One file's outcome: the text to print when it failed.
  std::string process(const std::string& name) {
    const fs::path file = fs::path(name).is_absolute() ? fs::path(name) : base_ / name;
    const fs::path relative = file.lexically_normal().lexically_relative(base_);
    if (relative.empty() || *relative.begin() == "..")
      return problem(file, fmt::format("the file is not below the base folder {}", base_.string()), "give a --base-dir above it");
    const auto text = engine_.repository().content(file.lexically_normal().string());
    if (!text) return problem(file, "the template file cannot be read", "check its name and permissions, and --base-dir");
    std::string xml;
    try {
      const auto parsed = engine_.repository().parsed(file.lexically_normal().string());
      const std::string path = file.lexically_normal().string();
      if (!path.ends_with("/" + parsed->name + ".pan") && !path.ends_with("/" + parsed->name + ".tpl"))
        return problem(file,
                       fmt::format("misplaced or misnamed template; relative directory and name must match '{}'", parsed->name),
                       fmt::format("the file must end in /{}.pan", parsed->name));
      xml = cdb::pan::annotation_xml(*parsed->source->content);
    } catch (const cdb::pan::Failure& failure) {
      const cdb::pan::Diagnostic d = cdb::pan::to_diagnostic(*failure.problem, {});
      return fmt::format("{}{}:{}.{}\n{}\n{}\n", d.reference_text, d.file, d.line, d.column, d.excerpt,
                         d.hint.empty() ? "" : "hint: " + d.hint + "\n");
    }
    fs::path target = output_ / relative;
    target += ".annotation.xml";
    if (const auto done = base::file::make_folders(target.parent_path()); !done)
      return problem(target, done.error().message, done.error().hint);
    if (const auto done = base::file::write_atomic(target, xml, {.durable = false}); !done)
      return problem(target, done.error().message, done.error().hint);
    return {};
  }

  cdb::pan::Engine& engine() { return engine_; }

 private:
  static std::string problem(const fs::path& file, std::string_view message, std::string_view hint) {
    return fmt::format("system error [{}]\n{}\n{}{}{}\n", file.string(), message, hint.empty() ? "" : "hint: ", hint,
                       hint.empty() ? "" : "\n");
  }

  fs::path base_, output_;
  cdb::pan::Engine engine_{std::make_shared<FileSource>(), {}};
};

int run(const base::cli::Arguments& arguments) {
  auto folder = [&](std::string_view option) -> base::Result<fs::path> {
    std::error_code error;
    fs::path path = fs::absolute(fs::path(arguments.get(option)), error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (!fs::is_directory(path, error))
      return base::fail(base::Errc::invalid, fmt::format("--{}: '{}' is not a folder", option, path.string()), "create it first");
    return path;
  };
  auto base_dir = folder("base-dir"), output_dir = folder("output-dir");
  for (const auto* result : {&base_dir, &output_dir}) {
    if (*result) continue;
    base::cli::report("panc-annotations", result->error());
    return 2;
  }
  const std::vector<std::string> files = arguments.all("FILE");
  if (arguments.has("verbose")) fmt::print("base-dir={}\toutput-dir={}\n", base_dir->string(), output_dir->string());
  Run work(*base_dir, *output_dir);
  std::vector<std::string> failures(files.size());
  work.engine().parallel(files.size(), [&](std::size_t i) { failures[i] = work.process(files[i]); });
  for (const std::string& failure : failures) fmt::print(stderr, "{}", failure);
  const auto failed = files.size() - static_cast<std::size_t>(std::count(failures.begin(), failures.end(), ""));
  if (!arguments.has("quiet")) fmt::print("{} templates, {} failed\n", files.size(), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

}  // namespace panc

int main(int argc, char** argv) {
  base::cli::Command tool;
  tool.name = "panc-annotations";
  tool.summary = "write the annotations of Pan templates as XML";
  tool.description =
      "Reads templates and writes for each FILE below the base folder OUTPUT/FILE.annotation.xml: its template, variables, "
      "functions, types and fields with their source ranges and annotations, for tools that make documentation. The files are "
      "those "
      "of Quattor's panc-annotations, byte for byte.\n\nExit codes: 0 all files are written; 1 some failed; 2 wrong command "
      "line.";
  tool.options = {
      {.name = "--base-dir", .value = "DIR", .help = "folder that FILE names are relative to", .default_value = "."},
      {.name = "--output-dir", .value = "DIR", .help = "folder for the output, must exist", .default_value = "."},
      {.name = "--java-opts", .value = "OPTS", .help = "ignored, for scripts written for the Java tool"},
      {.name = "--quiet,-q", .help = "print no statistics"},
      {.name = "--verbose,-v", .help = "print the folders in use"},
      {.name = "FILE...", .help = "templates"},
  };
  tool.examples = {
      {"panc-annotations --base-dir templates --output-dir doc site/types.pan", "writes doc/site/types.pan.annotation.xml"}};
  tool.run = panc::run;
  return base::cli::main(tool, argc, argv);
}
