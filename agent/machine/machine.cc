#include "agent/machine/machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/process/process.h"
#include "base/text/text.h"

namespace agent::machine {

using base::Errc;
using base::fail;
using base::Result;
using plan::Action;
using plan::Verb;

namespace {

// Of mountinfo: blanks are \040.
std::string unescape_mount(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string last_line(std::string_view text) {
  text = base::text::trim(text);
  auto line = text.rfind('\n');
  return std::string(line == text.npos ? text : text.substr(line + 1));
}

Result<> run(const std::vector<std::string>& argv, std::chrono::seconds timeout) {
  base::process::Command command;
  command.argv = argv;
  command.timeout = timeout;
  auto outcome = WEFT_TRY(base::process::run(command));
  if (outcome.timed_out) return fail(Errc::timeout, fmt::format("{} did not end within {} s", argv[0], timeout.count()));
  if (outcome.status != 0)
    return fail(Errc::unavailable,
                fmt::format("'{}' ended with status {}: {}", base::text::join(argv, " "), outcome.status,
                            last_line(outcome.err.empty() ? outcome.out : outcome.err)),
                "run it by hand to see all of its output");
  return {};
}

std::vector<std::string> argv_of(const Action& action) {
  std::vector<std::string> out;
  if (const auto* list = action.detail.get("argv"); list && list->list())
    for (const auto& word : *list->list())
      if (word.string()) out.push_back(*word.string());
  return out;
}

}  // namespace

NodeMachine::NodeMachine(Tree tree, std::unique_ptr<Services> services, std::unique_ptr<Packages> packages, std::string why)
    : tree_(std::move(tree)), services_(std::move(services)), packages_(std::move(packages)), why_(std::move(why)) {}

Result<plan::UnitState> NodeMachine::unit(const std::string& name) {
  if (!services_) return fail(Errc::unavailable, why_no_services());
  return services_->unit(name);
}

Result<std::vector<plan::Package>> NodeMachine::packages() {
  if (!packages_) return fail(Errc::unavailable, why_no_packages());
  return packages_->installed();
}

Result<plan::PackagePlan> NodeMachine::resolve(const plan::PackageRequest& request) {
  if (!packages_) return fail(Errc::unavailable, why_no_packages());
  return packages_->resolve(request);
}

Result<std::vector<plan::Mount>> NodeMachine::mounts() {
  std::vector<plan::Mount> out;
  if (!tree_.is_whole_machine()) return out;
  for (const auto& line : base::text::split(WEFT_TRY(base::file::read("/proc/self/mountinfo")), '\n')) {
    auto fields = base::text::split(line, ' ');
    auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 3) continue;
    out.push_back({unescape_mount(dash[2]), unescape_mount(fields[4]), dash[1]});
  }
  return out;
}

Result<> NodeMachine::act(const Action& action, const std::string& content) {
  switch (action.verb) {
    case Verb::write_file: return tree_.write(action.target, content, action.after);
    case Verb::remove: return tree_.remove(action.target);
    case Verb::link: return tree_.link(action.target, action.after.target);
    case Verb::make_folder: return tree_.make_folder(action.target, action.after);
    case Verb::set_attributes: return tree_.set_attributes(action.target, action.after);
    case Verb::packages:
      if (!packages_) return fail(Errc::unavailable, why_no_packages());
      return packages_->execute(action.detail);
    case Verb::mount:
      return run({"mount", "-t", std::string(action.detail.get_string("type", "auto")), "-o",
                  std::string(action.detail.get_string("options", "defaults")), "--",
                  std::string(action.detail.get_string("device")), action.target},
                 std::chrono::seconds(120));
    case Verb::unmount: return run({"umount", "--", action.target}, std::chrono::seconds(120));
    case Verb::command: {
      auto argv = argv_of(action);
      if (argv.empty()) return fail(Errc::invalid, "a command without words");
      if (!tree_.is_whole_machine()) return fail(Errc::unavailable, "no commands are run: " + why_);
      return run(argv, std::chrono::seconds(300));
    }
    default: break;
  }
  if (!services_) return fail(Errc::unavailable, why_no_services());
  return services_->act(action.verb, action.target);
}

Result<> NodeMachine::check(const Action& action) {
  if (plan::is_file_verb(action.verb)) {
    auto now = WEFT_TRY(image(action.target));
    if (now == action.after) return {};
    return fail(
        Errc::conflict,
        fmt::format("{} was read back as {}, not as {}{}", action.target, describe(now), describe(action.after),
                    now.kind == plan::Kind::file && action.after.kind == plan::Kind::file && now.sha256 != action.after.sha256
                        ? ": its content differs"
                        : ""),
        "something else on this node changes it; find out what");
  }
  switch (action.verb) {
    case Verb::packages: return check_packages(action);
    case Verb::mount:
    case Verb::unmount: {
      bool found = false;
      for (const auto& mount : WEFT_TRY(mounts())) found = found || mount.point == action.target;
      if (found == (action.verb == Verb::mount)) return {};
      return fail(Errc::conflict, fmt::format("{} is {}mounted", action.target, found ? "still " : "not "));
    }
    case Verb::reload_units:
    case Verb::command: return {};  // the act's own result is all there is to know
    default: return check_unit(action);
  }
}

Result<> NodeMachine::check_unit(const Action& action) {
  auto now = WEFT_TRY(unit(action.target));
  auto expect = [&](bool good, std::string_view what) -> Result<> {
    if (good) return {};
    return fail(
        Errc::unavailable,
        fmt::format("{} is {} and {} after '{}', expected {}", action.target, now.active_state,
                    now.unit_file_state.empty() ? "has no unit file state" : now.unit_file_state, verb_name(action.verb), what),
        "see: journalctl -u " + action.target);
  };
  switch (action.verb) {
    case Verb::enable:
      return expect(now.unit_file_state != "disabled" && now.unit_file_state != "masked" && now.exists(), "enabled");
    case Verb::disable: return expect(now.unit_file_state != "enabled", "disabled");
    case Verb::mask: return expect(now.unit_file_state == "masked" || now.load_state == "masked", "masked");
    case Verb::unmask: return expect(now.unit_file_state != "masked", "not masked");
    case Verb::stop: return expect(!now.active(), "inactive");
    // A oneshot service is inactive again when it has succeeded.
    default: return expect(now.active() || now.active_state == "inactive", "active");
  }
}

Result<> NodeMachine::check_packages(const Action& action) {
  std::map<std::string, std::string> versions;
  for (auto& package : WEFT_TRY(packages())) versions[package.name + ":" + package.arch] = package.version;
  std::string wrong;
  auto each = [&](std::string_view list, bool wanted) {
    const auto* items = action.detail.get(list);
    if (!items || !items->list()) return;
    for (const auto& item : *items->list()) {
      auto it = versions.find(fmt::format("{}:{}", item.get_string("name"), item.get_string("arch")));
      auto have = it == versions.end() ? std::string("not installed") : it->second;
      bool good = wanted ? have == item.get_string("version") : it == versions.end();
      if (!good) wrong += fmt::format("{}{} is {}", wrong.empty() ? "" : ", ", item.get_string("name"), have);
    }
  };
  each("install", true);
  each("remove", false);
  if (wrong.empty()) return {};
  return fail(Errc::conflict, "after the package transaction " + wrong, "see /var/log/apt/term.log");
}

}  // namespace agent::machine
