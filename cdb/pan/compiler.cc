#include "cdb/pan/compiler.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/profile/canonical.h"
#include "base/profile/path.h"
#include "cdb/pan/engine.h"
#include "cdb/pan/explain.h"
#include "cdb/pan/lexer.h"
#include "cdb/pan/profile_value.h"
#include "cdb/pan/provenance.h"
#include "cdb/pan/source_path.h"

namespace cdb::pan {

struct Compiler::Impl {
  using Scribe = std::unique_ptr<CanonicalScribe>;

  Impl(std::shared_ptr<const Source> source, Options options) : engine(std::move(source), std::move(options)) {}

  // Scribes outlive the compile threads, so that what they know stays hot.
  Scribe take_scribe() {
    const std::scoped_lock lock(mutex);
    if (scribes.empty()) return std::make_unique<CanonicalScribe>();
    Scribe scribe = std::move(scribes.back());
    scribes.pop_back();
    return scribe;
  }
  void give_back(Scribe scribe) {
    const std::scoped_lock lock(mutex);
    scribes.push_back(std::move(scribe));
  }

  Engine engine;
  std::mutex mutex;
  std::vector<Scribe> scribes;
};

Compiler::Compiler(std::shared_ptr<const Source> source, Options options)
    : impl_(new Impl(std::move(source), std::move(options))) {}

Compiler::~Compiler() = default;

std::vector<Compiled> Compiler::compile(std::span<const std::string> objects,
                                        const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<Compiled> results(objects.size());
  std::atomic<std::size_t> done{0};
  impl_->engine.run(objects, [&](Finished&& finished) {
    if (finished.index >= results.size()) return;
    Compiled& out = results[finished.index];
    out.object = finished.object;
    if (finished.root != nullptr) out.profile = std::make_shared<const base::profile::Value>(to_profile(*finished.root));
    out.reads = std::move(finished.reads);
    out.diagnostics = std::move(finished.diagnostics);
    if (progress) progress(++done, objects.size());
  });
  // An object named twice is compiled once.
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].object.empty()) continue;
    for (std::size_t k = 0; k < i; ++k)
      if (objects[k] == objects[i]) results[i] = results[k];
  }
  return results;
}

void Compiler::compile(std::span<const std::string> objects, const Sink& sink) {
  impl_->engine.run(objects, [&](Finished&& finished) {
    Output out;
    out.object = finished.object;
    out.index = finished.index;
    out.reads = std::move(finished.reads);
    out.diagnostics = std::move(finished.diagnostics);
    if (finished.root == nullptr || finished.index >= objects.size()) return sink(std::move(out));
    auto scribe = impl_->take_scribe();
    const auto& written = scribe->write(*finished.root);
    out.good = true;
    out.tree = finished.root;
    out.json = written.json();
    out.root = written.root();
    out.leaves = written.leaves();
    out.depth = written.depth();
    sink(std::move(out));
    impl_->give_back(std::move(scribe));
  });
  for (const auto& scribe : impl_->scribes) scribe->forget();
  // An object's own template is read by itself: parsing it again takes less than keeping it costs.
  impl_->engine.repository().forget(objects);
}

std::optional<base::profile::Value> Output::find(std::string_view path) const {
  const auto parsed = base::profile::Path::parse(path);
  if (!parsed) return std::nullopt;
  const Value* at = tree;
  for (const auto& part : parsed->parts()) {
    if (at == nullptr) break;
    if (at->is_dict()) {
      at = at->node()->find(part);
    } else {
      const auto index = at->is_list() ? base::profile::list_index(part) : std::nullopt;
      at = index && *index < at->node()->size ? &at->node()->items[*index] : nullptr;
    }
  }
  if (at == nullptr) return std::nullopt;
  return to_profile(*at);
}

base::Result<Explanation> Compiler::explain(const std::string& object, std::span<const std::string> paths) {
  if (paths.empty()) return base::fail(base::Errc::invalid, "no paths to explain", "give at least one; / is everything");
  return impl_->engine.explain(object, paths);
}

void Compiler::invalidate(std::span<const std::string> paths) {
  impl_->engine.repository().invalidate(paths);
}

bool touches(std::span<const Read> reads, std::span<const std::string> include_path, std::string_view path) {
  for (const Read& read : reads) {
    if (read.kind == Read::Kind::other_object) continue;
    const std::size_t last = read.root < 0 ? include_path.size() : static_cast<std::size_t>(read.root) + 1;
    for (std::size_t root = 0; root < last && root < include_path.size(); ++root) {
      const std::string base = join_path(include_path[root], read.name);
      if (read.kind == Read::Kind::text_file ? path == base : path == base + ".pan" || path == base + ".tpl") return true;
    }
  }
  return false;
}

std::optional<std::string> object_name(std::string_view content) {
  // Only the beginning counts; the rest may be wrong.
  try {
    Lexer lexer(content);
    if (lexer.next().kind != Lex::object || lexer.next().kind != Lex::template_) return std::nullopt;
    const Token name = lexer.next();
    if (name.kind == Lex::template_name && lexer.next().kind == Lex::semicolon) return std::string(name.text);
  } catch (const Failure&) {
    // Not even the beginning is Pan.
  }
  return std::nullopt;
}

}  // namespace cdb::pan
