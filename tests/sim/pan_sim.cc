// Random template trees compiled in every way that must not matter: on one and several threads, twice, resident and after random
// edits against from nothing. Ends with "N passed, N failed"; the first lines of a failure name the seed.
//   pan_sim [--from SEED] [--count N] [--edits N] [--dump DIR]
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file/file.h"
#include "tests/sim/pan_check.h"

namespace {

using namespace pan_sim;

int passed = 0, failed = 0;

bool check(std::uint64_t seed, std::string_view what, const std::string& difference) {
  if (difference.empty()) {
    ++passed;
    return true;
  }
  ++failed;
  fmt::print("seed {}: {}: {}\n", seed, what, difference);
  return false;
}

struct Figures {
  std::size_t templates = 0, objects = 0, failing = 0, edits = 0, compiled = 0, in_all = 0;
};

void run_seed(std::uint64_t seed, int edits, Figures& figures) {
  Tree tree = generate(seed);
  figures.templates += tree.files.size();
  figures.objects += tree.objects.size();
  const Outcome cold = compile_cold(tree, 1);
  check(seed, "1 and 4 threads", difference(cold, compile_cold(tree, 4)));
  check(seed, "two runs on 4 threads", difference(compile_cold(tree, 4), compile_cold(tree, 4)));
  Tree backwards = tree;
  std::reverse(backwards.objects.begin(), backwards.objects.end());
  check(seed, "objects in the opposite order", difference(cold, compile_cold(backwards, 1)));
  // What one object worked out for the others must not show.
  Outcome alone;
  for (const std::string& object : tree.objects) {
    Tree one = tree;
    one.objects = {object};
    alone[object] = compile_cold(one, 1)[object];
  }
  Outcome asked = cold;
  std::erase_if(asked, [&](const auto& outcome) { return !alone.contains(outcome.first); });
  check(seed, "each object alone", difference(asked, alone));
  const Outcome profiles = compile_profiles(tree, 4);
  for (const auto& [object, text] : profiles) figures.failing += text.starts_with("failed");
  Random random(seed + 1'000'000);
  Resident resident(tree, 4);
  check(seed, "resident before any edit", difference(profiles, resident.outcome()));
  std::string history;
  for (int i = 0; i < edits; ++i) {
    const Edit made = edit(tree, random);
    history += "\n  " + made.what;
    resident.edited(made);
    figures.in_all += tree.objects.size();
    ++figures.edits;
    if (!check(seed, "resident after" + history, difference(compile_profiles(tree, 1), resident.outcome()))) break;
  }
  figures.compiled += resident.compiled();
}

// A checker that cannot fail proves nothing: two broken residents must be caught.
bool caught(Resident::Mistake mistake, int seeds) {
  for (int seed = 1; seed <= seeds; ++seed) {
    Tree tree = generate(static_cast<std::uint64_t>(seed));
    Random random(static_cast<std::uint64_t>(seed));
    Resident resident(tree, 1);
    for (int i = 0; i < 8; ++i) {
      resident.edited(edit(tree, random), mistake);
      if (!difference(compile_profiles(tree, 1), resident.outcome()).empty()) return true;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t from = 1;
  int count = 25, edits = 6;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const int value = std::atoi(argv[i + 1]);
    if (name == "--from")
      from = static_cast<std::uint64_t>(value);
    else if (name == "--count")
      count = value;
    else if (name == "--edits")
      edits = value;
    else {
      fmt::print(stderr, "usage: pan_sim [--from SEED] [--count N] [--edits N]\n");
      return 2;
    }
  }
  fmt::print("seeds {} to {}, {} edits each\n", from, from + static_cast<std::uint64_t>(count) - 1, edits);
  Figures figures;
  for (std::uint64_t seed = from; seed < from + static_cast<std::uint64_t>(count); ++seed) run_seed(seed, edits, figures);
  check(0, "a resident that forgets to invalidate is caught",
        caught(Resident::Mistake::forget_to_invalidate, 20) ? "" : "it was not");
  check(0, "a resident that ignores reads is caught", caught(Resident::Mistake::forget_reads, 20) ? "" : "it was not");
  fmt::print("{} templates, {} objects ({} failing), {} edits, {} of {} objects compiled again\n", figures.templates,
             figures.objects, figures.failing, figures.edits, figures.compiled, figures.in_all);
  // Without failing and sound objects, or with everything compiled again after each edit, the run shows nothing.
  if (count >= 10) {
    check(0, "some objects fail", figures.failing > 0 ? "" : "none does");
    check(0, "most objects compile", figures.failing * 2 < figures.objects ? "" : "too many fail");
    check(0, "edits leave objects alone", figures.compiled < figures.in_all ? "" : "each edit compiles everything");
  }
  fmt::print("{} passed, {} failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
