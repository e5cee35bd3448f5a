#include "cdb/pan/lsp/compile_worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text/text.h"
#include "cdb/pan/lsp/protocol.h"
#include "cdb/pan/source_path.h"

namespace cdb::pan::lsp {
namespace {

constexpr std::size_t kKeptProfiles = 16;
constexpr std::size_t kShownTrace = 6;

Options options_of(const index::Project& project, const CompileSettings& settings) {
  Options out;
  out.include_path = project.include_path;
  out.threads = settings.threads;
  out.max_steps = settings.most_steps;
  return out;
}

bool reads(const Read& read, const std::vector<std::string>& include_path, const std::string& path) {
  if (read.kind == Read::Kind::other_object || read.root < 0 || static_cast<std::size_t>(read.root) >= include_path.size())
    return false;
  const std::string base = join_path(include_path[static_cast<std::size_t>(read.root)], read.name);
  return path == base || path == base + ".pan" || path == base + ".tpl";
}

}  // namespace

CompileWorker::CompileWorker(const index::Project& project, std::shared_ptr<const Source> source, Board& board,
                             CompileSettings settings)
    : include_path_(project.include_path),
      source_(std::move(source)),
      board_(board),
      settings_(settings),
      compiler_(source_, options_of(project, settings)) {
  for (const std::string& path : project.objects) {
    if (objects_.size() == settings_.most_objects) break;
    const auto text = source_->read(path);
    if (text == nullptr) continue;
    if (const auto name = object_name(*text)) {
      objects_[*name].path = path;
      dirty_.insert(*name);
    }
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

CompileWorker::~CompileWorker() {
  thread_.request_stop();
  wake_.notify_all();
}

void CompileWorker::changed(const std::string& path, const std::string& object) {
  const std::lock_guard lock(mutex_);
  changed_.insert(path);
  if (!object.empty()) {
    objects_[object].path = path;
    dirty_.insert(object);
    std::erase(urgent_, object);
    urgent_.push_front(object);
  }
  last_change_ = std::chrono::steady_clock::now();
  wake_.notify_all();
}

void CompileWorker::mark(const std::set<std::string>& paths) {
  std::vector<std::string> fresh;
  for (const auto& [name, object] : objects_) {
    if (dirty_.contains(name)) continue;
    if (std::any_of(paths.begin(), paths.end(),
                    [&](const std::string& path) { return touches(object.reads, include_path_, path); }))
      fresh.push_back(name);
  }
  // Objects that read others' values follow them.
  while (!fresh.empty()) {
    dirty_.insert(fresh.begin(), fresh.end());
    std::vector<std::string> next;
    for (const auto& [name, object] : objects_) {
      if (dirty_.contains(name)) continue;
      const bool follows = std::any_of(object.reads.begin(), object.reads.end(), [&](const Read& read) {
        return read.kind == Read::Kind::other_object && std::find(fresh.begin(), fresh.end(), read.name) != fresh.end();
      });
      if (follows) next.push_back(name);
    }
    fresh = std::move(next);
  }
}

void CompileWorker::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait(lock, stop, [&] { return !changed_.empty() || !dirty_.empty(); });
    // Let the typist finish the word.
    while (!stop.stop_requested() && std::chrono::steady_clock::now() < last_change_ + settings_.quiet)
      wake_.wait_until(lock, stop, last_change_ + settings_.quiet, [] { return false; });
    if (stop.stop_requested()) return;
    const std::vector<std::string> paths(changed_.begin(), changed_.end());
    mark(changed_);
    changed_.clear();
    std::vector<std::string> batch;
    const auto take = [&](const std::string& name) {
      if (batch.size() < static_cast<std::size_t>(settings_.threads) && dirty_.erase(name) != 0) batch.push_back(name);
    };
    for (const std::string& name : urgent_) take(name);
    urgent_.clear();
    while (batch.size() < static_cast<std::size_t>(settings_.threads) && !dirty_.empty()) take(std::string(*dirty_.begin()));
    lock.unlock();
    if (!paths.empty()) compiler_.invalidate(paths);
    auto results = compiler_.compile(batch);
    lock.lock();
    for (Compiled& result : results) {
      Object& object = objects_[result.object];
      object.reads = std::move(result.reads);
      object.diagnostics = std::move(result.diagnostics);
      object.compiled = true;
      if (result.profile == nullptr) continue;
      std::erase_if(profiles_, [&](const Profile& profile) { return profile.object == result.object; });
      profiles_.push_front({result.object, std::move(result.profile)});
      if (profiles_.size() > kKeptProfiles) profiles_.pop_back();
    }
    // Of many objects the first results are shown at once, the others when all are done.
    if (dirty_.empty() || !paths.empty()) publish();
  }
}

// With the lock held: the Board locks after it, never the other way round.
void CompileWorker::publish() {
  struct Cause {
    const Diagnostic* diagnostic;
    std::vector<std::string> objects;
  };
  std::vector<Cause> causes;
  std::map<std::string, std::size_t> known;
  for (const auto& [name, object] : objects_) {
    for (const Diagnostic& diagnostic : object.diagnostics) {
      const std::string key = fmt::format("{}:{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message);
      const auto [at, fresh] = known.emplace(key, causes.size());
      if (fresh) causes.push_back({&diagnostic, {}});
      causes[at->second].objects.push_back(name);
    }
  }
  std::map<std::string, List> by_path;
  for (const Cause& cause : causes) {
    std::string file = cause.diagnostic->file;
    if (file.empty()) file = objects_[cause.objects.front()].path;
    by_path[file].push_back(diagnostic_json(*cause.diagnostic, cause.objects));
  }
  board_.set_compiled(std::move(by_path));
}

Value CompileWorker::diagnostic_json(const Diagnostic& diagnostic, const std::vector<std::string>& objects) const {
  const auto text = source_->read(diagnostic.file);
  syntax::LinePosition begin, end;
  if (text != nullptr && diagnostic.line > 0) {
    const syntax::LineIndex lines(*text);
    const auto place = [&](int line, int column) {
      const std::uint32_t offset =
          lines.offset({static_cast<std::uint32_t>(line) - 1, static_cast<std::uint32_t>(column)}, syntax::Columns::characters);
      return lines.position(offset, syntax::Columns::utf16);
    };
    begin = place(diagnostic.line, diagnostic.column - 1);
    end = diagnostic.end_line > 0 ? place(diagnostic.end_line, diagnostic.end_column) : begin;
  }
  std::string message = diagnostic.message;
  if (!diagnostic.path.empty()) message += fmt::format("\npath: {}", diagnostic.path);
  for (std::size_t i = 0; i < diagnostic.trace.size() && i < kShownTrace; ++i) message += "\n" + diagnostic.trace[i];
  if (!diagnostic.hint.empty()) message += "\nhint: " + diagnostic.hint;
  message += fmt::format("\nprofile {}", objects.front());
  if (objects.size() > 1) message += fmt::format(" and {} more", objects.size() - 1);
  const auto severity = diagnostic.severity == Diagnostic::Severity::error     ? DiagnosticSeverity::error
                        : diagnostic.severity == Diagnostic::Severity::warning ? DiagnosticSeverity::warning
                                                                               : DiagnosticSeverity::information;
  return Dict{{"range", Dict{{"start", position_json(begin)}, {"end", position_json(end)}}},
              {"severity", static_cast<int>(severity)},
              {"code", diagnostic.kind},
              {"source", "panc"},
              {"message", std::move(message)}};
}

std::vector<CompileWorker::Profile> CompileWorker::profiles_reading(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::vector<Profile> out;
  for (const Profile& profile : profiles_) {
    const auto object = objects_.find(profile.object);
    if (object == objects_.end()) continue;
    const auto& list = object->second.reads;
    if (object->second.path == path ||
        std::any_of(list.begin(), list.end(), [&](const Read& read) { return reads(read, include_path_, path); }))
      out.push_back(profile);
  }
  return out;
}

}  // namespace cdb::pan::lsp
