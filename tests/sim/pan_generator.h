// Random Pan template trees that compile (but for a share of objects that must fail), and random edits to them. For pan_sim and
// pan_generate. The same seed gives the same tree on every machine. Plain values, one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pan_sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::uint64_t next();
  // 0 .. count-1; count is not 0.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }
  bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

struct Tree {
  std::map<std::string, std::string, std::less<>> files;  // path -> text
  std::vector<std::string> include_path;                  // "a", "b"
  std::vector<std::string> objects;                       // their files are <root>/<object>.pan
};

// 5 to 40 templates of all kinds: types with defaults and validation functions, functions with loops and recursion, structure
// templates, includes over LOADPATH, text files, values of other objects, circles, and objects that fail.
Tree generate(std::uint64_t seed);

struct Edit {
  std::string what;                // "delete b/lib/t3.pan"
  std::vector<std::string> paths;  // files changed, added or removed
};
// Changes a constant, appends, shadows a template earlier in the path, adds one that was looked for in vain, deletes, renames,
// breaks or mends. The tree may fail to compile afterwards.
Edit edit(Tree& tree, Random& random);

}  // namespace pan_sim
