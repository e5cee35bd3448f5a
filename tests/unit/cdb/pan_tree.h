// A tree of templates in memory for the tests of index, lint and Language Server. One test at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cdb/pan/index/tree_index.h"
#include "cdb/pan/lint/linter.h"

namespace pan_test {

// Files below /site, which is the include path.
struct IndexedTree {
  std::shared_ptr<cdb::pan::index::OverlaySource> source = std::make_shared<cdb::pan::index::OverlaySource>();
  cdb::pan::index::TreeIndex index{{"/site", {"/site"}, {}, true}, source};

  void put(const std::string& name, const std::string& text) {
    const std::string path = "/site/" + name;
    source->put(path, std::make_shared<const std::string>(text));
    index.update(path);
  }
  std::vector<cdb::pan::lint::Finding> lint(const std::string& name, const cdb::pan::lint::Settings& settings = {},
                                            bool whole = true) {
    const auto text = source->read("/site/" + name);
    const auto tree = cdb::pan::syntax::Tree::parse(*text);
    return cdb::pan::lint::lint({tree, *index.file("/site/" + name), index, true, whole}, settings);
  }
  // "rule:line:column rule:line:column", rules of the given names only.
  std::string found(const std::string& name, std::vector<std::string> only = {}) {
    std::string out;
    for (const auto& finding :
         lint(name, only.empty() ? cdb::pan::lint::Settings() : *cdb::pan::lint::Settings::choose(only, {})))
      out += (out.empty() ? "" : " ") + std::string(finding.rule) + ":" + std::to_string(finding.line) + ":" +
             std::to_string(finding.column);
    return out;
  }
};

}  // namespace pan_test
