// One change laid on a resident branch: compiled, compared, and either adopted or taken off again. Made by Builder under the
// branch's lock, used once. A Trial that is dropped without stored() leaves the branch as it was.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/diag/result.h"
#include "cdb/build/branch.h"
#include "cdb/build/builder.h"
#include "cdb/build/findings.h"
#include "cdb/build/plan.h"
#include "cdb/rights/check.h"
#include "cdb/store/store.h"

namespace cdb::build {

class Trial {
 public:
  // `check` gets everything that the change does to nodes that follow the branch.
  Trial(Branch& branch, store::Store& store, rights::Check& check)
      : branch_(branch), store_(store), check_(check), numbering_(branch.index()) {}
  ~Trial();  // takes the edits off unless stored()
  Trial(const Trial&) = delete;

  // Lays on those edits that differ from the tree. False: none does.
  bool lay(const std::vector<Edit>& edits);
  // Decides what to compile, compiles, compares. Errc::invalid: weft.yaml is missing or wrong. findings() may have failed.
  base::Result<> run();

  // Completes the plan after a good run(): causes, effects, reach.
  base::Result<> describe();

  const Findings& findings() const { return findings_; }
  const Plan& plan() const { return plan_; }
  const rights::Check& check() const { return check_; }
  // Profiles that change, come or go.
  std::vector<std::string> changed() const;
  std::vector<Fresh> fresh(const std::set<std::string>& names) const;
  // What the change is and does, exactly: its edits and every root that moves, from and to. Before commit().
  store::Digest effect() const;
  store::Commit commit(const Change& change);  // moves the profiles out: once
  // Waves of the nodes that get another profile, and the policy's name; none when no node has to wait.
  base::Result<std::optional<store::RolloutPlan>> waves(const store::RolloutPolicy& policy,
                                                        const std::set<std::string>& followers) const;
  void stored(std::int64_t revision);

 private:
  struct Built;
  // A value that other profiles read.
  struct Watched {
    std::string path;
    std::vector<std::string> readers;
    std::optional<base::profile::Value> now, then;
  };
  base::Result<> find_objects();
  void place_object(const std::string& path, std::map<std::string, std::string>& found);
  void complain(const std::string& path, std::string message, std::string hint);
  // Objects that the edits can change, in any order, some several times.
  std::vector<std::string> touched() const;
  // Returns the profiles that read a value which is another one now.
  base::Result<std::vector<std::string>> compile(const std::vector<std::string>& names);
  void take(pan::Output& output, Built& built, bool pack) const;
  void add_hidden_reads(Built& built);
  base::Result<> compare(std::span<Built> all, std::vector<std::string>& readers);
  base::Result<> differ(Built& built);
  base::Result<> check_removed();
  // Of these, the nodes that get what this branch has for them: those that follow it, and new ones of a domain.
  base::Result<std::set<std::string>> followers(const std::vector<std::string>& names) const;
  base::Result<> find_returning(std::vector<Built*>& changed);
  void suggest(pan::Diagnostic& diagnostic) const;
  std::string path_of(const std::string& object) const;

  Branch& branch_;
  store::Store& store_;
  rights::Check& check_;
  std::vector<store::NewContent> edits_;
  std::vector<std::pair<std::string, Tree::File>> undo_;
  Site site_;
  std::vector<std::string> include_path_;
  bool everything_ = false;                    // the include path is another one
  std::map<std::string, std::string> placed_;  // objects that come or move: name → file
  std::set<std::string> recompile_;            // known objects whose own file was edited
  std::set<std::string> removed_;
  Numbering numbering_;
  std::unordered_set<std::string> compiled_;
  std::map<std::string, std::vector<pan::Read>> referenced_;  // reads of objects that were only read by others
  std::vector<store::NodeUpdate> updates_;
  std::map<std::string, store::Digest> moved_;  // nodes whose root changes → what it was; zero: the node is new
  Branch::Adopted adopted_;
  Findings findings_;
  Plan plan_;
  bool keep_ = false;
};

}  // namespace cdb::build
