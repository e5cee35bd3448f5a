// Diagnostics of many profiles, each cause once: the same mistake in a shared template is one finding with the profiles it
// breaks. Used by Builder and cdb/http. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/profile/value.h"
#include "cdb/pan/compiler.h"

namespace cdb::build {

struct Finding {
  pan::Diagnostic diagnostic;        // of the first profile
  std::vector<std::string> objects;  // the first `max_objects` profiles
  std::size_t object_count = 0;
};

class Findings {
 public:
  static constexpr std::size_t max_objects = 20;  // names kept per finding
  static constexpr std::size_t max_findings = 200;

  void add(const pan::Diagnostic& diagnostic);
  bool failed() const { return failed_; }
  std::size_t profiles() const { return failed_profiles_; }  // with at least one error
  void count_failed_profile() { ++failed_profiles_; }
  // Errors first, in the order found. A profile that failed only because another one did, which it reads, is counted there.
  std::vector<Finding> list() const;
  std::size_t dropped() const { return dropped_; }  // beyond max_findings

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<Finding> findings_;
  std::size_t dropped_ = 0, failed_profiles_ = 0;
  bool failed_ = false;
};

base::profile::Value to_json(const Finding& finding);

}  // namespace cdb::build
