// What LEAF knows of the machines, asked from the configuration database each time. Used by leaf/sms, leaf/storage and the role.
// Implementations are used by several threads at once. Every failure is an Error: a missing answer is never an empty one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/http/client.h"
#include "base/profile/value.h"

namespace leaf::fabric {

struct Node {
  std::string name;
  std::string desired_root, applied_root;
  std::string last_outcome;                      // of the last run: ok, failed, partial, noaction, or ""
  std::optional<std::chrono::seconds> seen_ago;  // since the last report or wake request; absent: never
  std::string role, cluster, state, rack, power_feed, unit, room, serial, model, ip;
  base::profile::Value storage;  // /software/components/storage, null when it has none

  // It was heard of at least once. A node that is only described is not installed yet: no member of anything.
  bool in_service() const { return seen_ago.has_value() || !applied_root.empty(); }
  // The agent applied the desired profile, its last run went well, and it was heard of within `patience`.
  bool healthy(std::chrono::seconds patience) const;
  // Why it is not healthy, for people; "" when it is.
  std::string complaint(std::chrono::seconds patience) const;
};

struct TemplateFile {
  std::optional<std::string> content;  // absent: no such file
  std::int64_t revision = 0;           // of the branch when it was read: the base of a change
};

class Fabric {
 public:
  virtual ~Fabric() = default;
  virtual base::Result<std::vector<Node>> nodes() = 0;
  virtual base::Result<Node> node(std::string_view name) = 0;  // Errc::not_found
  virtual base::Result<base::profile::Value> profile(std::string_view node) = 0;
  virtual base::Result<TemplateFile> read_template(std::string_view path) = 0;
  // Writes (or with no content removes) one file; Errc::conflict when it moved since `base`. Returns the new revision.
  virtual base::Result<std::int64_t> change(std::string_view path, const std::optional<std::string>& content, std::int64_t base,
                                            std::string_view message) = 0;
};

class HttpFabric : public Fabric {
 public:
  explicit HttpFabric(base::http::ClientOptions service) : options_(std::move(service)) {}
  base::Result<std::vector<Node>> nodes() override;
  base::Result<Node> node(std::string_view name) override;
  base::Result<base::profile::Value> profile(std::string_view node) override;
  base::Result<TemplateFile> read_template(std::string_view path) override;
  base::Result<std::int64_t> change(std::string_view path, const std::optional<std::string>& content, std::int64_t base,
                                    std::string_view message) override;

 private:
  base::Result<std::string> branch_of(std::string_view path);
  base::Result<base::profile::Value> call(std::string method, std::string path, const base::profile::Value& body = {});
  base::http::ClientOptions options_;
};

// Node names of the selection, sorted, each once: exact names and globs over `nodes`. Errc::invalid when a pattern matches
// nothing or nothing was asked: an empty selection is never all.
base::Result<std::vector<std::string>> select(const std::vector<Node>& nodes, const std::vector<std::string>& patterns);

}  // namespace leaf::fabric
