// Figures of the resident Pan compiler, without the database: "name value unit" per line. Run by tests/bench/pan.
//
//   pan_resident FOLDER INCLUDE_PATH FILE STATEMENT [THREADS]
//
// All profiles of the fabric are compiled once, their reads recorded, their text kept compressed (in the place of the database).
// STATEMENT, with a number for %d, is then appended to one node's own template, and to FILE, which all nodes read.
//   resident_memory    of the process with files, parsed templates, read index and roots, less the compressed profiles
//   decide_*           from the edit to the list of profiles it can change
//   edit_*             from the edit to every new profile's text, root, compressed form and difference from before; decide
//   included stage_*            processor time for one profile, one thread, mean over 200 of them
#include <malloc.h>
#include <time.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>

#include "base/compress/compress.h"
#include "base/profile/canonical_diff.h"
#include "base/profile/json.h"
#include "cdb/build/parallel.h"
#include "cdb/build/plan.h"
#include "cdb/build/read_index.h"
#include "cdb/pan/compiler.h"
#include "cdb/pan/engine.h"
#include "tests/bench/pan_fabric.h"

namespace {

using bench::Fabric;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Of all threads of this process.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double memory_mb() {
  malloc_trim(0);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  return 0;
}

struct Built {
  base::profile::Hash root;
  std::string packed;
  std::vector<std::uint32_t> reads;
};

class Resident {
 public:
  Resident(Fabric& fabric, const cdb::pan::Options& options) : fabric_(fabric), compiler_(fabric.tree, options) {}

  struct Edit {
    double decide = 0, all = 0;  // ms
    std::size_t touched = 0, changed = 0, groups = 0;
  };
  Edit edit(const std::string& path, const std::function<void()>& write) {
    Edit out;
    const auto begin = Clock::now();
    write();
    const std::vector<std::string> paths{path};
    compiler_.invalidate(paths);
    std::vector<std::string> names;
    index_.touched(path, fabric_.include_path, names);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    out.decide = milliseconds_since(begin);
    cdb::build::Plan plan;
    compile(names, &plan);
    const auto shown = plan.json();
    out.all = milliseconds_since(begin);
    out.touched = names.size();
    out.changed = plan.nodes();
    out.groups = shown.get("groups")->list()->size();
    return out;
  }

  // As cdb/build does it: one run, each text compressed at once, then compared with the text before.
  void compile(const std::vector<std::string>& names, cdb::build::Plan* plan) {
    std::vector<Built> built(names.size());
    cdb::build::Numbering numbering(index_);
    std::mutex mutex;
    compiler_.compile(names, [&](cdb::pan::Output&& output) {
      if (output.index >= built.size()) return;
      if (!output.good) bench::stop(std::string(output.object) + ": " + output.diagnostics.front().message);
      Built& mine = built[output.index];
      mine.root = output.root;
      const auto known = profiles_.find(names[output.index]);
      if (known == profiles_.end() || known->second.root != mine.root) mine.packed = base::compress::zstd(output.json);
      const std::scoped_lock lock(mutex);
      mine.reads = numbering.number(output.reads);
    });
    for (const auto& key : numbering.fresh()) index_.append(key);
    std::vector<cdb::build::Difference> differences(names.size());
    cdb::build::parallel_for(names.size(), [&](std::size_t i) {
      const auto known = profiles_.find(names[i]);
      if (built[i].packed.empty() || known == profiles_.end()) return;
      const auto before = base::compress::unzstd(known->second.packed), after = base::compress::unzstd(built[i].packed);
      const auto diff = base::profile::diff_canonical(*before, *after);
      if (!diff) bench::stop(diff.error().message);
      differences[i] = cdb::build::difference(diff->changes);
    });
    for (std::size_t i = 0; i < names.size(); ++i) {
      index_.set(names[i], built[i].reads);
      if (built[i].packed.empty()) continue;
      auto& kept = profiles_[names[i]];
      packed_bytes_ += built[i].packed.size() - kept.packed.size();
      kept = {built[i].root, std::move(built[i].packed)};
      if (plan != nullptr) plan->changed(names[i], std::move(differences[i]));
    }
  }

  const cdb::build::ReadIndex& index() const { return index_; }
  double packed_mb() const { return static_cast<double>(packed_bytes_) / 1048576; }

 private:
  struct Kept {
    base::profile::Hash root;
    std::string packed;
  };
  Fabric& fabric_;
  cdb::pan::Compiler compiler_;
  cdb::build::ReadIndex index_;
  std::map<std::string, Kept> profiles_;
  std::size_t packed_bytes_ = 0;
};

// What the steps of one profile cost, apart.
void stages(const Fabric& fabric, cdb::pan::Options options) {
  options.threads = 1;
  const auto sample = std::span(fabric.nodes).first(std::min<std::size_t>(200, fabric.nodes.size()));
  const auto measure = [&](const char* name, const std::function<void()>& work) {
    double best = 1e9;
    for (int round = 0; round < 3; ++round) {
      const double begin = processor_seconds();
      work();
      best = std::min(best, processor_seconds() - begin);
    }
    std::printf("stage_%s %.1f us\n", name, best * 1e6 / static_cast<double>(sample.size()));
  };
  {
    cdb::pan::Engine engine(fabric.tree, options);
    const auto all = [&] { engine.run(sample, [](cdb::pan::Finished&&) {}); };
    all();
    measure("compile", all);
  }
  cdb::pan::Compiler compiler(fabric.tree, options);
  std::vector<std::string> texts(sample.size());
  measure("compile_text_hash", [&] {
    compiler.compile(sample, [&](cdb::pan::Output&& output) {
      if (output.index < texts.size()) texts[output.index] = output.json;
    });
  });
  std::vector<std::string> packed(texts.size());
  std::size_t bytes = 0;
  measure("zstd", [&] {
    for (std::size_t i = 0; i < texts.size(); ++i) packed[i] = base::compress::zstd(texts[i]);
  });
  measure("unzstd", [&] {
    for (std::size_t i = 0; i < texts.size(); ++i) bytes += base::compress::unzstd(packed[i])->size();
  });
  measure("diff", [&] {
    for (const auto& text : texts) bytes += base::profile::diff_canonical(text, text)->changes.size();
  });
  // The way through base::profile values, for comparison.
  std::vector<base::profile::Value> values(texts.size());
  measure("parse_value", [&] {
    for (std::size_t i = 0; i < texts.size(); ++i) values[i] = *base::profile::parse_json(texts[i]);
  });
  measure("hash_value", [&] {
    for (const auto& value : values) bytes += base::profile::merkle(value).bytes[0];
  });
  bytes = 0;
  for (const auto& text : texts) bytes += text.size();
  std::printf("stage_text_size %.1f kB\n", static_cast<double>(bytes) / 1000 / static_cast<double>(texts.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) {
    std::fprintf(stderr, "usage: pan_resident FOLDER INCLUDE_PATH FILE STATEMENT [THREADS]\n");
    return 2;
  }
  Fabric fabric(argv[1], argv[2]);
  const std::string shared = argv[3], statement = argv[4];
  cdb::pan::Options options;
  options.include_path = fabric.include_path;
  if (argc == 6) options.threads = std::atoi(argv[5]);

  stages(fabric, options);
  const double without = memory_mb();
  Resident resident(fabric, options);
  auto begin = Clock::now();
  double processor = processor_seconds();
  resident.compile(fabric.nodes, nullptr);
  std::printf("resident_profiles %zu profiles\n", fabric.nodes.size());
  std::printf("load_wall %.3f s\nload_cpu %.3f s\n", milliseconds_since(begin) / 1000, processor_seconds() - processor);
  const double with = memory_mb();
  std::printf("resident_memory %.1f MB\n", with - resident.packed_mb());
  std::printf("resident_memory_before_load %.1f MB\n", without);
  std::printf("packed_profiles %.1f MB\n", resident.packed_mb());
  std::printf("read_sets %zu sets\nlookups %d lookups\n", resident.index().sets(), resident.index().size());

  std::vector<double> decide, all;
  const std::size_t rounds = std::min<std::size_t>(21, fabric.nodes.size());
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::string path = "profiles/" + fabric.nodes[i * (fabric.nodes.size() / rounds)] + ".pan";
    const std::string original = fabric.content(path);
    const auto edit = resident.edit(path, [&] { fabric.append(path, original, statement, static_cast<int>(i)); });
    resident.edit(path, [&] { fabric.put(path, original); });  // as it was, for the rounds of all
    if (edit.touched != 1 || edit.changed != 1) bench::stop("the edit of " + path + " must change one profile");
    decide.push_back(edit.decide);
    all.push_back(edit.all);
  }
  std::sort(decide.begin(), decide.end());
  std::sort(all.begin(), all.end());
  std::printf("decide_one %.3f ms\nedit_one %.2f ms\nedit_one_highest %.2f ms\n", decide[rounds / 2], all[rounds / 2],
              all.back());

  const std::string original = fabric.content(shared);
  double best_decide = 1e9, best_all = 1e9, best_cpu = 1e9;
  for (int round = 0; round < 3; ++round) {
    processor = processor_seconds();
    const auto edit = resident.edit(shared, [&] { fabric.append(shared, original, statement, 1000 + round); });
    if (edit.changed != fabric.nodes.size() || edit.groups != 1)
      bench::stop(fmt::format("the edit of {} must change all {} profiles in the same way; it changed {} in {} ways", shared,
                              fabric.nodes.size(), edit.changed, edit.groups));
    best_cpu = std::min(best_cpu, processor_seconds() - processor);
    best_decide = std::min(best_decide, edit.decide);
    best_all = std::min(best_all, edit.all);
  }
  std::printf("decide_all %.3f ms\nedit_all %.3f s\nedit_all_cpu %.3f s\n", best_decide, best_all / 1000, best_cpu);
  std::printf("resident_memory_after_edits %.1f MB\n", memory_mb() - resident.packed_mb());
  return 0;
}
