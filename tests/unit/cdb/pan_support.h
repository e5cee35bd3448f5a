// A template tree in memory for the Pan tests. One test at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cdb/pan/compiler.h"

namespace pan_test {

class MemorySource : public cdb::pan::Source {
 public:
  std::map<std::string, std::string, std::less<>> files;
  std::shared_ptr<const std::string> read(std::string_view path) const override {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : std::make_shared<const std::string>(found->second);
  }
};

// Compiles one object template whose body is given; other files may be added before.
struct Tree {
  std::shared_ptr<MemorySource> source = std::make_shared<MemorySource>();
  cdb::pan::Options options{.include_path = {""}};
  std::string& operator[](const std::string& path) { return source->files[path]; }
  std::vector<cdb::pan::Compiled> compile(const std::vector<std::string>& objects) {
    return cdb::pan::Compiler(source, options).compile(objects);
  }
  cdb::pan::Compiled body(const std::string& text) {
    source->files["main.pan"] = "object template main;\n" + text;
    return compile({"main"})[0];
  }
};

inline std::string first_error(const cdb::pan::Compiled& compiled) {
  for (const auto& d : compiled.diagnostics)
    if (d.severity == cdb::pan::Diagnostic::Severity::error) return d.kind + ": " + d.message;
  return {};
}

}  // namespace pan_test
