// What a rule is about: values by path, files by path, nodes by their attributes. Used by Policy. Pure values, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace cdb::rights {

// "/system/*", "/software/components/**", "/software/components/filecopy/services/{/etc/*}/**": * and ? within one part, ** for
// any number of parts, also none. A part in braces is compared with the unescaped name.
class PathPattern {
 public:
  // Errc::invalid: no absolute pattern, or an empty part.
  static base::Result<PathPattern> parse(std::string_view text);
  bool matches(const std::vector<std::string>& parts) const;
  const std::string& text() const { return text_; }

  struct Part {
    enum class Kind { stored, unescaped, rest };
    Kind kind = Kind::stored;
    std::string glob;
  };

 private:
  std::string text_;
  std::vector<Part> parts_;
};

// "site/storage/**": * and ? within a folder or file name, ** for any folders.
class FilePattern {
 public:
  static base::Result<FilePattern> parse(std::string_view text);
  bool matches(std::string_view path) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> parts_;
};

// A node as a rule sees it. `attributes`: cdb::build::node_attributes.
struct NodeView {
  std::string_view name;
  const base::profile::Value& attributes;
};

// `all`, or attribute → patterns of which one must match; every attribute named must match. "name" is the node's name.
struct Selector {
  bool all = false;
  std::map<std::string, std::vector<std::string>> wanted;
  bool matches(const NodeView& node) const;
  std::string text() const;  // "cluster=disk*, rack=R1|R2"
};

// An attribute as text; "" when it has none, or no simple one.
std::string attribute_text(const base::profile::Value& attributes, std::string_view name);

}  // namespace cdb::rights
