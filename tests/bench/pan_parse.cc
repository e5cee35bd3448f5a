// The Pan front end alone: reads every .pan and .tpl file below the given folders into memory, then lexes, parses and folds each
// on one thread, every round with an empty table of names. Prints "name value unit"; the best round counts. Run by
// tests/bench/pan. pan_parse [--rounds N] [--accepted] FOLDER...   --accepted: the rate over files that parse, not over all
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file/file.h"
#include "base/text/text.h"
#include "cdb/pan/names.h"
#include "cdb/pan/parser.h"
#include "cdb/pan/repository.h"
#include "cdb/pan/stack_guard.h"

namespace {

using namespace cdb::pan;

std::vector<SourcePtr> read_all(const std::vector<std::string>& folders) {
  std::vector<SourcePtr> files;
  for (const std::string& folder : folders) {
    if (!std::filesystem::is_directory(folder)) {
      std::fprintf(stderr, "pan_parse: there is no folder %s\n", folder.c_str());
      std::exit(2);
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const auto suffix = entry.path().extension();
      if (!entry.is_regular_file() || (suffix != ".pan" && suffix != ".tpl")) continue;
      auto text = base::file::read(entry.path());
      if (!text) {
        std::fprintf(stderr, "pan_parse: %s: %s\n", entry.path().c_str(), text.error().message.c_str());
        std::exit(1);
      }
      auto source = std::make_shared<SourceText>();
      source->path = entry.path();
      source->content = std::make_shared<const std::string>(base::text::valid_utf8(*text) ? std::move(*text) : clean_utf8(*text));
      files.push_back(std::move(source));
    }
  }
  std::sort(files.begin(), files.end(), [](const SourcePtr& a, const SourcePtr& b) { return a->path < b->path; });
  return files;
}

bool parses(const SourcePtr& source, Names& names) {
  try {
    parse_template(source, names, nullptr, nullptr);
    return true;
  } catch (const Failure&) {
    return false;
  }
}

// Of this thread: others on the machine do not count.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  const StackGuard guard(6u << 20);
  int rounds = 5;
  bool accepted = false;
  std::vector<std::string> folders;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--rounds" && i + 1 < argc)
      rounds = std::max(1, std::atoi(argv[++i]));
    else if (argument == "--accepted")
      accepted = true;
    else
      folders.emplace_back(argument);
  }
  auto files = read_all(folders);
  Names first;
  const auto good = std::stable_partition(files.begin(), files.end(), [&](const SourcePtr& file) { return parses(file, first); });
  const auto rejected = files.end() - good;
  if (accepted) files.erase(good, files.end());
  double bytes = 0;
  for (const SourcePtr& file : files) bytes += static_cast<double>(file->content->size());
  if (files.empty()) {
    std::fprintf(stderr, "pan_parse: no .pan or .tpl files that parse below the given folders\n");
    return 2;
  }
  double best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    Names names;
    const double begin = processor_seconds();
    for (const SourcePtr& file : files) parses(file, names);
    best = std::min(best, processor_seconds() - begin);
  }
  std::printf("parse_files %zu files\nparse_rejected %td files\nparse_size %.3f MB\nparse_rate %.2f MB/s\n", files.size(),
              rejected, bytes / 1e6, bytes / 1e6 / best);
  return 0;
}
