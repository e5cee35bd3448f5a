// What a component writes its plan into. Each verb looks at the machine first and adds an action only when something differs, so
// an up-to-date machine gives an empty draft. Everything asked for is claimed, changed or not. Single-threaded, lives for one
// component of one plan.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/plan/overlay.h"

namespace agent::plan {

// Shared by all drafts of one plan.
struct Context {
  Overlay& seen;
  const base::profile::Value& profile;  // whole
  const Tracked& tracked;
  bool new_profile = false;  // not yet applied on this machine
  struct Holder {
    std::string component;
    bool implicit = false;  // a folder made to hold something; another component may still claim it
    base::profile::Value before;
  };
  std::map<std::string, Holder> claimed;  // key -> who
};

struct Attributes {
  std::optional<mode_t> mode;  // absent: as it is, or 0644 / 0755
  std::string owner, group;    // empty: as it is, or root
};

class Draft {
 public:
  Draft(std::string component, Context& context) : component_(std::move(component)), context_(context) {}

  // Each returns the index of its action, or -1 when nothing is to do. An error refuses this one thing; its claim stays, so what
  // was there before stays too.
  base::Result<int> file(const std::string& path, const std::string& content, const Attributes& attributes,
                         bool sensitive = false, std::vector<Notify> notify = {}, const std::string& backup_suffix = {});
  base::Result<int> folder(const std::string& path, const Attributes& attributes);
  base::Result<int> attributes(const std::string& path, const Attributes& attributes);
  base::Result<int> link(const std::string& path, const std::string& target);
  base::Result<int> remove(const std::string& path);

  // For what has no helper above: claim, then act.
  base::Result<> claim(const std::string& key, base::profile::Value before, std::vector<Notify> notify = {}, bool secret = false);
  int act(Action action, const std::string& content = {});
  // Done after all other actions of the component when one of `triggers` (-1s are ignored, none left: nothing) was done.
  void notify(Verb verb, const std::string& target, std::vector<int> triggers, const std::string& why,
              base::profile::Value detail = {});
  // The same thing is being claimed again without looking (it cannot be judged now): it must not count as dropped.
  void keep(const std::string& key);
  // Part refused: the component counts as failed, its other parts are done.
  void problem(const std::string& where, const base::Error& error);
  void note(std::string text);
  // Gives up a tracked key after its restoration is part of this draft.
  void release(std::string key) { released.push_back(std::move(key)); }

  // Appends the notifications. Those to units that a later component of this plan may yet bring go to `deferred`.
  void finish();

  const std::string& component() const { return component_; }
  Context& context() { return context_; }
  Observed& seen() { return context_.seen; }

  std::vector<Action> actions;
  std::vector<Action> deferred;
  std::vector<Claim> claims;
  std::vector<std::string> problems, notes, released;
  std::map<std::string, std::string> blobs;

 private:
  base::Result<> parents(const std::string& path);
  base::Result<Image> wanted(const Image& now, Kind kind, const Attributes& attributes, mode_t fallback);
  void claim_implicit(const std::string& path, const Image& before);

  std::string component_;
  Context& context_;
  std::vector<Action> late_;
};

}  // namespace agent::plan
