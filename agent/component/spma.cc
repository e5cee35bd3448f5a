// spma: /software/packages/<escaped name>[/<escaped version>/arch/<arch>] and /software/repositories as APT sources, one
// transaction. Fields of /software/components/spma: packager, run, userpkgs, userrepos.
#include <fmt/format.h>

#include <algorithm>

#include "agent/component/field.h"
#include "agent/component/registry.h"
#include "agent/component/sources.h"
#include "base/profile/path.h"
#include "base/text/text.h"

namespace agent::component {

namespace {

using base::Errc;
using base::fail;
using base::Result;
using plan::Draft;

std::string debian_arch(const std::string& arch) {
  if (arch == "x86_64") return "amd64";
  if (arch == "aarch64") return "arm64";
  if (arch == "noarch") return "all";
  return arch;
}

bool plain_word(std::string_view word, std::string_view extra) {
  return !word.empty() && word[0] != '-' && std::all_of(word.begin(), word.end(), [&](unsigned char c) {
    return std::isalnum(c) || extra.find(static_cast<char>(c)) != extra.npos;
  });
}

class Spma final : public plan::Component {
 public:
  std::string_view name() const override { return "spma"; }
  std::string why_held(plan::Observed& machine) const override { return machine.why_no_packages(); }

  Result<> plan(const Value& subtree, Draft& draft) const override {
    auto packager = WEFT_TRY(text(subtree, "packager", "apt"));
    if (packager != "apt")
      return fail(Errc::invalid, fmt::format("packager '{}' is not supported on this system", packager), "set it to 'apt'");
    bool only_wanted = !WEFT_TRY(boolean(subtree, "userpkgs", true));
    bool only_sources = !WEFT_TRY(boolean(subtree, "userrepos", true));
    bool run = WEFT_TRY(boolean(subtree, "run", true));
    plan::PackageRequest request;
    request.want = WEFT_TRY(wanted(draft.context().profile));
    request.only_wanted = only_wanted;
    request.only_sources = only_sources;
    request.keep = WEFT_TRY(texts(subtree, "whitelist"));
    if (only_wanted && request.want.empty())
      return fail(Errc::invalid, "userpkgs is 'no' and /software/packages is empty: this would remove everything",
                  "list the packages, or set userpkgs to 'yes'");
    request.sources = WEFT_TRY(sources_of(draft.context().profile));

    auto installed = WEFT_TRY(draft.seen().packages());
    std::map<std::string, std::string> versions;
    for (const auto& package : installed) versions[package.name] = package.version;
    for (const auto& package : request.want) {
      auto it = versions.find(package.name);
      base::profile::Dict before{{"installed", Value(it != versions.end())}};
      if (it != versions.end()) before["version"] = it->second;
      // One claim for a name, however many architectures of it are wanted.
      if (!draft.context().claimed.contains("package:" + package.name)) WEFT_TRY(draft.claim("package:" + package.name, before));
    }
    WEFT_TRY(write_sources(request, only_sources, draft));
    bool satisfied = std::all_of(request.want.begin(), request.want.end(), [&](const plan::Package& want) {
      return std::any_of(installed.begin(), installed.end(),
                         [&](const plan::Package& have) { return plan::satisfies(have, want); });
    });
    if (satisfied && !only_wanted) return {};
    auto transaction = WEFT_TRY(draft.seen().resolve(request));
    if (transaction.empty()) return {};
    if (!run) {
      draft.note("run is 'no' in the profile: packages differ, but no transaction is done");
      return {};
    }
    draft.act({plan::Verb::packages, {}, "packages", {}, {}, transaction.to_value(), {}, {}, false});
    return {};
  }

 private:
  static Result<std::vector<plan::Package>> wanted(const Value& profile) {
    std::vector<plan::Package> out;
    const auto* packages = base::profile::find(profile, "/software/packages");
    if (!packages) return out;
    if (!packages->dict()) return fail(Errc::invalid, "/software/packages is no dict");
    for (const auto& [key, versions] : *packages->dict()) {
      auto name = base::profile::unescape(key);
      if (!plain_word(name, "+-."))
        return fail(Errc::invalid, fmt::format("'{}' is no package name", name), "patterns are not supported; name each package");
      if (!versions.dict()) return fail(Errc::invalid, fmt::format("/software/packages/{} is no dict", name));
      if (versions.dict()->empty()) out.push_back({name, "", ""});
      if (versions.dict()->size() > 1)
        return fail(Errc::invalid, fmt::format("two versions of package {} are wanted, and dpkg keeps one", name));
      for (const auto& [escaped, details] : *versions.dict()) {
        auto version = base::profile::unescape(escaped);
        if (!plain_word(version, "+-.:~*?"))
          return fail(Errc::invalid, fmt::format("'{}' is no version of package {}", version, name));
        if (version == "*") version.clear();
        const auto* archs = WEFT_TRY(dict(details, "arch"));
        if (!archs || archs->empty()) {
          out.push_back({name, version, ""});
          continue;
        }
        for (const auto& [arch, repository] : *archs) {
          if (!plain_word(arch, "_-")) return fail(Errc::invalid, fmt::format("'{}' is no architecture", arch));
          out.push_back({name, version, debian_arch(arch)});
        }
      }
    }
    return out;
  }

  static Result<> write_sources(const plan::PackageRequest& request, bool only_sources, Draft& draft) {
    plan::Attributes attributes{0644, "root", "root"};
    for (const auto& [name, content] : request.sources)
      WEFT_TRY(draft.file("/etc/apt/sources.list.d/" + name, content, attributes));
    if (!only_sources) return {};
    std::vector<std::string> others;
    if (WEFT_TRY(draft.seen().image("/etc/apt/sources.list.d")).kind == plan::Kind::folder)
      for (const auto& name : WEFT_TRY(draft.seen().list("/etc/apt/sources.list.d")))
        if ((name.ends_with(".list") || name.ends_with(".sources")) && !request.sources.contains(name))
          others.push_back("/etc/apt/sources.list.d/" + name);
    others.emplace_back("/etc/apt/sources.list");
    // Those removed earlier stay claimed, so that giving spma up brings them back.
    for (const auto& [key, claim] : draft.context().tracked)
      if (claim.component == "spma" && key.starts_with("path:/etc/apt/sources.list")) {
        auto path = key.substr(5);
        bool ours = path.starts_with("/etc/apt/sources.list.d/") && request.sources.contains(path.substr(24));
        bool created = claim.before.get_string("kind") == "absent";
        if (!ours && !created && std::find(others.begin(), others.end(), path) == others.end()) others.push_back(path);
      }
    for (const auto& path : others) WEFT_TRY(draft.remove(path));
    return {};
  }
};

}  // namespace

std::unique_ptr<const plan::Component> make_spma() {
  return std::make_unique<Spma>();
}

}  // namespace agent::component
