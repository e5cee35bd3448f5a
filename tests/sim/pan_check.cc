#include "tests/sim/pan_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/profile/json.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/output.h"
#include "cdb/pan/problem.h"

namespace pan_sim {

namespace {

using namespace cdb::pan;

std::string diagnostics_text(const std::vector<Diagnostic>& diagnostics) {
  std::string out;
  for (const Diagnostic& d : diagnostics) {
    out += fmt::format("{} {}: {} [{}:{}.{}-{}.{}] {}\nhint: {}\npath: {}\n{}\n", static_cast<int>(d.severity), d.kind, d.message,
                       d.file, d.line, d.column, d.end_line, d.end_column, d.object, d.hint, d.path, d.excerpt);
    for (const std::string& step : d.trace) out += "  " + step + "\n";
    out += d.reference_text + "\n";
  }
  return out;
}

std::string compiled_text(const Compiled& compiled) {
  return (compiled.profile != nullptr ? base::profile::to_json_pretty(*compiled.profile) : std::string("failed\n")) +
         diagnostics_text(compiled.diagnostics);
}

}  // namespace

std::shared_ptr<const std::string> TreeSource::read(std::string_view path) const {
  const auto found = tree_.files.find(path);
  return found == tree_.files.end() ? nullptr : std::make_shared<const std::string>(found->second);
}

Options options_for(const Tree& tree, int threads) {
  Options options{.include_path = tree.include_path, .max_iteration = 1000, .threads = threads};
  options.debug_include = "(lib/)?part[0-4]|node0.*";
  options.max_steps = 200'000;
  return options;
}

Outcome compile_cold(const Tree& tree, int threads) {
  Outcome outcome;
  std::mutex mutex;
  Engine engine(std::make_shared<TreeSource>(tree), options_for(tree, threads));
  const std::vector<std::string> roots = tree.include_path;
  engine.run(tree.objects, [&](Finished&& object) {
    TextBuffer buffer;
    std::string text = diagnostics_text(object.diagnostics);
    if (object.root != nullptr) {
      for (const std::string& name : format_names()) {
        try {
          text += name + "\n";
          text += render(*parse_format(name), object, roots, buffer);
        } catch (const Failure& failure) {
          text += "cannot be written: " + failure.problem->message;
        }
      }
    }
    std::lock_guard lock(mutex);
    outcome[std::string(object.object)] = std::move(text);
  });
  return outcome;
}

Outcome compile_profiles(const Tree& tree, int threads) {
  Outcome outcome;
  Compiler compiler(std::make_shared<TreeSource>(tree), options_for(tree, threads));
  for (const Compiled& compiled : compiler.compile(tree.objects)) outcome[compiled.object] = compiled_text(compiled);
  return outcome;
}

Resident::Resident(const Tree& tree, int threads)
    : tree_(tree), options_(options_for(tree, threads)), compiler_(std::make_shared<TreeSource>(tree), options_) {
  compile(tree.objects);
}

void Resident::compile(const std::vector<std::string>& objects) {
  for (Compiled& compiled : compiler_.compile(objects)) {
    outcome_[compiled.object] = compiled_text(compiled);
    reads_[compiled.object] = std::move(compiled.reads);
  }
  compiled_ += objects.size();
}

void Resident::edited(const Edit& edit, Mistake mistake) {
  if (mistake != Mistake::forget_to_invalidate) compiler_.invalidate(edit.paths);
  std::set<std::string> affected;
  if (mistake != Mistake::forget_reads)
    for (const auto& [object, reads] : reads_)
      for (const std::string& path : edit.paths)
        if (touches(reads, options_.include_path, path)) affected.insert(object);
  // Who reads from an affected object is affected too, and so on.
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [object, reads] : reads_)
      for (const Read& read : reads)
        if (read.kind == Read::Kind::other_object && affected.contains(read.name))
          grown = affected.insert(object).second || grown;
  }
  compile({affected.begin(), affected.end()});
}

std::string difference(const Outcome& a, const Outcome& b) {
  for (const auto& [object, text] : a) {
    const auto other = b.find(object);
    if (other == b.end()) return object + " is missing";
    if (other->second == text) continue;
    const auto at = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), other->second.begin(), other->second.end()).first - text.begin());
    const std::size_t from = at < 200 ? 0 : at - 200;
    return fmt::format("{} differs at byte {}:\n---- one\n{}\n---- other\n{}\n----", object, at, text.substr(from, 500),
                       other->second.substr(from, 500));
  }
  if (a.size() != b.size()) return fmt::format("{} objects here, {} there", a.size(), b.size());
  return {};
}

}  // namespace pan_sim
