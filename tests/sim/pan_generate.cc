// Writes the tree of a seed to a folder, for other compilers: pan_generate --seed S --out DIR
// Prints the include path and the object files as one panc command line's arguments.
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "base/file/file.h"
#include "tests/sim/pan_generator.h"

int main(int argc, char** argv) {
  std::string out;
  long long seed = -1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--seed")
      seed = std::atoll(argv[i + 1]);
    else if (name == "--out")
      out = argv[i + 1];
  }
  if (argc != 5 || seed < 0 || out.empty()) {
    fmt::print(stderr, "usage: pan_generate --seed S --out DIR\n");
    return 2;
  }
  const pan_sim::Tree tree = pan_sim::generate(static_cast<std::uint64_t>(seed));
  std::string path, files;
  for (const std::string& root : tree.include_path) {
    path += (path.empty() ? "" : ":") + out + "/" + root;
    if (!base::file::make_folders(out + "/" + root)) return 1;
  }
  for (const auto& [name, text] : tree.files) {
    const std::string file = out + "/" + name;
    if (!base::file::make_folders(file.substr(0, file.rfind('/'))) || !base::file::write_atomic(file, text, {.durable = false})) {
      fmt::print(stderr, "pan_generate: cannot write {}\n", file);
      return 1;
    }
    for (const std::string& object : tree.objects)
      if (name.ends_with("/" + object + ".pan")) files += " " + file;
  }
  fmt::print("--include-path {}{}\n", path, files);
  return 0;
}
