// Fixed work for counting instructions under callgrind (tests/bench/pan-callgrind), one thread, nothing written.
//
//   pan_workload FOLDER INCLUDE_PATH FILE STATEMENT WORK
//
// WORK is one of:
//   load      reads the templates into memory
//   parse     parses every file below FOLDER/parse
//   compile   compiles all object templates (in place of parse)
//   cold      the same with canonical text, Merkle root and read index
//   resident  after cold, ten edits of one node's own template, each compiled again
//   resident-shared  after cold, ten edits of FILE, which every node reads, each finding all nodes and compiling one of them
#include <string_view>

#include "cdb/build/read_index.h"
#include "cdb/pan/compiler.h"
#include "cdb/pan/engine.h"
#include "tests/bench/pan_fabric.h"

namespace {

constexpr int edits = 10;

class Work {
 public:
  Work(bench::Fabric& fabric, const cdb::pan::Options& options) : fabric_(fabric), compiler_(fabric.tree, options) {}

  void compile(const std::vector<std::string>& names) {
    std::vector<std::vector<cdb::pan::Read>> reads(names.size());
    compiler_.compile(names, [&](cdb::pan::Output&& output) {
      if (output.index >= names.size()) return;
      if (!output.good) bench::stop(std::string(output.object) + ": " + output.diagnostics.front().message);
      reads[output.index] = std::move(output.reads);
    });
    cdb::build::Numbering numbering(index_);
    std::vector<std::vector<std::uint32_t>> numbers;
    for (const auto& one : reads) numbers.push_back(numbering.number(one));
    for (const auto& key : numbering.fresh()) index_.append(key);
    for (std::size_t i = 0; i < names.size(); ++i) index_.set(names[i], numbers[i]);
  }

  void edit(const std::string& path, const std::string& statement, std::size_t expected) {
    const std::string original = fabric_.content(path);
    for (int round = 0; round < edits; ++round) {
      fabric_.append(path, original, statement, round);
      const std::vector<std::string> paths{path};
      compiler_.invalidate(paths);
      std::vector<std::string> names;
      index_.touched(path, fabric_.include_path, names);
      if (names.size() != expected) bench::stop("the edit of " + path + " touches another number of profiles");
      names.resize(1);
      compile(names);
    }
  }

 private:
  bench::Fabric& fabric_;
  cdb::pan::Compiler compiler_;
  cdb::build::ReadIndex index_;
};

// One thread's stack is large enough for deep templates, as in the engine.
void parse(const bench::Fabric& fabric, const cdb::pan::Options& options) {
  cdb::pan::Engine engine(fabric.tree, options);
  engine.parallel(1, [&](std::size_t) {
    for (const auto& path : fabric.paths)
      if (path.starts_with("parse/")) engine.repository().parsed(path);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr,
                 "usage: pan_workload FOLDER INCLUDE_PATH FILE STATEMENT load|parse|compile|cold|resident|resident-shared\n");
    return 2;
  }
  bench::Fabric fabric(argv[1], argv[2]);
  const std::string_view work = argv[5];
  cdb::pan::Options options;
  options.include_path = fabric.include_path;
  options.threads = 1;
  if (work == "load") return 0;
  if (work == "parse") {
    parse(fabric, options);
    return 0;
  }
  if (work == "compile") {
    cdb::pan::Engine(fabric.tree, options).run(fabric.nodes, [](cdb::pan::Finished&& finished) {
      if (finished.root == nullptr) bench::stop(std::string(finished.object) + ": " + finished.diagnostics.front().message);
    });
    return 0;
  }
  Work resident(fabric, options);
  resident.compile(fabric.nodes);
  if (work == "resident") resident.edit("profiles/" + fabric.nodes.front() + ".pan", argv[4], 1);
  if (work == "resident-shared") resident.edit(argv[3], argv[4], fabric.nodes.size());
  return 0;
}
