#include "agent/plan/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto/crypto.h"

namespace agent::plan {

using base::Errc;
using base::fail;
using base::Result;

namespace {

int rank(Verb verb) {
  if (verb == Verb::reload_units) return 0;
  if (verb == Verb::command) return 2;
  return 1;
}

}  // namespace

Result<> Draft::claim(const std::string& key, base::profile::Value before, std::vector<Notify> notify, bool secret) {
  auto holder = context_.claimed.find(key);
  if (holder != context_.claimed.end() && !holder->second.implicit)
    return fail(Errc::conflict, fmt::format("{} is managed twice, by {} and by {}", key, holder->second.component, component_),
                "let one component manage it");
  // What another draft of this plan makes is not how the machine was.
  if (holder != context_.claimed.end()) before = holder->second.before;
  context_.claimed[key] = {component_, false, before};
  Claim claim{key, component_, std::move(before), std::move(notify), secret};
  if (auto old = context_.tracked.find(key); old != context_.tracked.end()) {
    claim.before = old->second.before;
    claim.secret = claim.secret || old->second.secret;
  }
  claims.push_back(std::move(claim));
  return {};
}

void Draft::claim_implicit(const std::string& path, const Image& before) {
  auto key = "path:" + path;
  if (context_.claimed.contains(key)) return;
  Claim claim{key, component_, to_value(before), {}, false};
  if (auto old = context_.tracked.find(key); old != context_.tracked.end()) claim.before = old->second.before;
  context_.claimed[key] = {component_, true, claim.before};
  claims.push_back(std::move(claim));
}

void Draft::keep(const std::string& key) {
  auto old = context_.tracked.find(key);
  if (old == context_.tracked.end() || context_.claimed.contains(key)) return;
  context_.claimed[key] = {component_, false, old->second.before};
  claims.push_back(old->second);
}

int Draft::act(Action action, const std::string& content) {
  action.component = component_;
  if (action.verb == Verb::write_file) blobs[action.after.sha256] = content;
  context_.seen.apply(action, content);
  actions.push_back(std::move(action));
  return static_cast<int>(actions.size()) - 1;
}

Result<> Draft::parents(const std::string& path) {
  std::vector<std::string> missing;
  for (auto folder = parent_of(path); folder != "/"; folder = parent_of(folder)) {
    auto image = WEFT_TRY(context_.seen.image(folder));
    if (image.kind == Kind::file || image.kind == Kind::other)
      return fail(Errc::conflict, fmt::format("{} cannot be made: {} is a {}, not a folder", path, folder, kind_name(image.kind)),
                  "move it away, or manage another path");
    if (image.kind == Kind::absent)
      missing.push_back(folder);
    else if (context_.tracked.contains("path:" + folder))
      claim_implicit(folder, image);
  }
  for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
    Action action;
    action.verb = Verb::make_folder;
    action.target = *it;
    action.after = {Kind::folder, 0755, context_.seen.user("0"), context_.seen.group("0"), {}, {}};
    action.why = "to hold " + path;
    claim_implicit(*it, action.before);
    act(std::move(action));
  }
  return {};
}

Result<Image> Draft::wanted(const Image& now, Kind kind, const Attributes& attributes, mode_t fallback) {
  Image image;
  image.kind = kind;
  bool same = now.kind == kind;
  image.mode = attributes.mode.value_or(same ? now.mode : fallback);
  if (image.mode & ~static_cast<mode_t>(07777))
    return fail(Errc::invalid, fmt::format("mode {:o} has more than four octal digits", image.mode));
  auto name = [&](bool user, const std::string& asked, const std::string& current) -> Result<std::string> {
    if (asked.empty() && same) return current;
    auto known = user ? context_.seen.user(asked.empty() ? "0" : asked) : context_.seen.group(asked.empty() ? "0" : asked);
    if (!known.empty()) return known;
    if (context_.seen.packages_pending()) return asked;
    return fail(Errc::not_found, fmt::format("{} '{}' does not exist on this node", user ? "user" : "group", asked),
                "create it first (a package, or the component that makes accounts)");
  };
  image.owner = WEFT_TRY(name(true, attributes.owner, now.owner));
  image.group = WEFT_TRY(name(false, attributes.group, now.group));
  return image;
}

Result<int> Draft::file(const std::string& path, const std::string& content, const Attributes& attributes, bool sensitive,
                        std::vector<Notify> notify, const std::string& backup_suffix) {
  auto key = "path:" + path;
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(context_.seen.image(path));
  WEFT_TRY(claim(key, to_value(now), std::move(notify), sensitive));
  if (now.kind == Kind::folder || now.kind == Kind::other)
    return fail(Errc::conflict,
                fmt::format("{} is a {}, not a file", path, now.kind == Kind::folder ? "folder" : "device or socket"),
                "move it away: Weft does not remove it by itself");
  auto after = WEFT_TRY(wanted(now, Kind::file, attributes, 0644));
  after.sha256 = base::crypto::sha256_hex(content);
  WEFT_TRY(parents(path));
  if (!backup_suffix.empty()) {
    auto backup = path + backup_suffix;
    WEFT_TRY(check_path(backup));
    auto old = WEFT_TRY(context_.seen.image(backup));
    WEFT_TRY(claim("path:" + backup, to_value(old), {}, sensitive));
    if (now.kind == Kind::file && now.sha256 != after.sha256 && old.kind != Kind::folder && old != now) {
      auto text = WEFT_TRY(context_.seen.content(path));
      Action save{Verb::write_file, {}, backup, old, now, {}, {}, "backup of " + path, sensitive || !(now.mode & 0004)};
      act(std::move(save), text);
    }
  }
  if (now == after) return -1;
  Action action;
  action.verb = now.kind == Kind::file && now.sha256 == after.sha256 ? Verb::set_attributes : Verb::write_file;
  action.target = path;
  action.before = now;
  action.after = after;
  action.secret = sensitive || !(after.mode & 0004) || (now.kind == Kind::file && !(now.mode & 0004));
  return act(std::move(action), content);
}

Result<int> Draft::folder(const std::string& path, const Attributes& attributes) {
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(context_.seen.image(path));
  WEFT_TRY(claim("path:" + path, to_value(now)));
  if (now.kind != Kind::absent && now.kind != Kind::folder)
    return fail(Errc::conflict, fmt::format("{} is a {}, not a folder", path, kind_name(now.kind)),
                "move it away: Weft does not remove it by itself");
  auto after = WEFT_TRY(wanted(now, Kind::folder, attributes, 0755));
  WEFT_TRY(parents(path));
  if (now == after) return -1;
  Action action;
  action.verb = now.kind == Kind::folder ? Verb::set_attributes : Verb::make_folder;
  action.target = path;
  action.before = now;
  action.after = after;
  return act(std::move(action));
}

Result<int> Draft::attributes(const std::string& path, const Attributes& attributes) {
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(context_.seen.image(path));
  WEFT_TRY(claim("path:" + path, to_value(now)));
  if (now.kind != Kind::file && now.kind != Kind::folder)
    return fail(Errc::not_found, fmt::format("{} is {}, so it has no mode and owner to set", path, kind_name(now.kind)));
  auto after = WEFT_TRY(wanted(now, now.kind, attributes, now.mode));
  after.sha256 = now.sha256;
  if (now == after) return -1;
  return act({Verb::set_attributes, {}, path, now, after, {}, {}, {}, false});
}

Result<int> Draft::link(const std::string& path, const std::string& target) {
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(context_.seen.image(path));
  WEFT_TRY(claim("path:" + path, to_value(now)));
  if (target.empty() || target.size() > 4000 || target.find('\0') != target.npos)
    return fail(Errc::invalid, "the target of link " + path + " is empty, too long or holds a NUL");
  WEFT_TRY(parents(path));
  Image after;
  after.kind = Kind::link;
  after.target = target;
  if (now == after) return -1;
  return act({Verb::link, {}, path, now, after, {}, {}, {}, false});
}

Result<int> Draft::remove(const std::string& path) {
  WEFT_TRY(check_path(path));
  auto now = WEFT_TRY(context_.seen.image(path));
  WEFT_TRY(claim("path:" + path, to_value(now)));
  if (now.kind == Kind::absent) return -1;
  if (now.kind == Kind::folder && !WEFT_TRY(context_.seen.list(path)).empty())
    return fail(Errc::conflict, "folder " + path + " is not empty", "empty it by hand: Weft removes no unknown content");
  return act({Verb::remove, {}, path, now, {}, {}, {}, {}, now.kind == Kind::file && !(now.mode & 0004)});
}

void Draft::notify(Verb verb, const std::string& target, std::vector<int> triggers, const std::string& why,
                   base::profile::Value detail) {
  std::erase(triggers, -1);
  if (triggers.empty()) return;
  if (verb != Verb::command) {
    if (auto reason = context_.seen.why_no_services(); !reason.empty()) {
      note(fmt::format("{} {} not done: {}", verb_name(verb), target, reason));
      return;
    }
  }
  for (auto& late : late_)
    if (late.verb == verb && late.target == target && late.detail == detail) {
      for (int index : triggers)
        if (std::find(late.triggers.begin(), late.triggers.end(), index) == late.triggers.end()) late.triggers.push_back(index);
      return;
    }
  Action action;
  action.verb = verb;
  action.target = target;
  action.triggers = std::move(triggers);
  action.why = why;
  action.detail = std::move(detail);
  late_.push_back(std::move(action));
}

void Draft::problem(const std::string& where, const base::Error& error) {
  auto text = where.empty() ? error.message : where + ": " + error.message;
  if (!error.hint.empty()) text += " (" + error.hint + ")";
  problems.push_back(std::move(text));
}

void Draft::note(std::string text) {
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(std::move(text));
}

void Draft::finish() {
  std::stable_sort(late_.begin(), late_.end(), [](const Action& a, const Action& b) { return rank(a.verb) < rank(b.verb); });
  for (auto& action : late_) {
    bool to_unit = action.verb == Verb::restart || action.verb == Verb::reload;
    auto unit = to_unit ? context_.seen.unit(action.target) : Result<UnitState>();
    if (to_unit && unit && !unit->exists()) {
      action.component = component_;
      deferred.push_back(std::move(action));
    } else {
      act(std::move(action));
    }
  }
  late_.clear();
}

}  // namespace agent::plan
