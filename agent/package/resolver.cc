#include "agent/package/resolver.h"

#include <apt-pkg/algorithms.h>
#include <apt-pkg/cachefile.h>
#include <apt-pkg/configuration.h>
#include <apt-pkg/depcache.h>
#include <apt-pkg/error.h>
#include <apt-pkg/init.h>
#include <apt-pkg/pkgcache.h>
#include <apt-pkg/pkgsystem.h>
#include <apt-pkg/upgrade.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace agent::package {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::Value;
using plan::Package;

namespace {

Result<> check_apt(std::string_view what) {
  if (!_error->PendingError()) return {};
  std::string text;
  while (!_error->empty()) {
    std::string message;
    bool error = _error->PopMessage(message);
    if (error) text += (text.empty() ? "" : "; ") + message;
  }
  return fail(Errc::unavailable, fmt::format("{}: {}", what, text));
}

class Solver {
 public:
  explicit Solver(const plan::PackageRequest& request) : request_(request) {}

  Result<plan::PackagePlan> run() {
    if (!file_.Open(nullptr, false)) return fail(cause("reading the package lists"));
    cache_ = file_.GetDepCache();
    pkgProblemResolver fix(cache_);
    std::vector<pkgCache::PkgIterator> wanted;
    {
      pkgDepCache::ActionGroup group(*cache_);
      for (const auto& want : request_.want) WEFT_TRY(mark(want, fix, wanted));
      WEFT_TRY(report_missing());
      for (const auto& name : request_.remove) remove(name, fix);
      if (request_.only_wanted) sweep(wanted, fix);
    }
    if (cache_->BrokenCount() > 0) fix.Resolve(true);
    if (cache_->BrokenCount() > 0)
      return fail(Errc::conflict, "the wanted packages exclude each other: " + broken(), "correct /software/packages");
    // The resolver may give a wish up for another one.
    for (const auto& package : wanted) {
      auto version = (*cache_)[package].InstVerIter(*cache_);
      bool met = !version.end() && std::any_of(request_.want.begin(), request_.want.end(), [&](const Package& want) {
        return plan::satisfies({package.Name(), version.VerStr(), version.Arch()}, want);
      });
      if (!met)
        return fail(Errc::conflict,
                    fmt::format("package {} cannot be had together with the other wanted packages", package.Name()),
                    "correct /software/packages");
    }
    return collect();
  }

 private:
  static base::Error cause(std::string_view what) {
    auto checked = check_apt(what);
    return checked ? base::Error{Errc::unavailable, std::string(what) + " failed", {}, {}} : std::move(checked).error();
  }

  Result<> mark(const Package& want, pkgProblemResolver& fix, std::vector<pkgCache::PkgIterator>& wanted) {
    bool any_arch = want.arch.empty() || want.arch == "all";
    auto package = any_arch ? cache_->FindPkg(want.name) : cache_->FindPkg(want.name, want.arch);
    if (package.end() || package.VersionList().end()) {
      missing_.push_back(fmt::format("package {} is in no repository", want.name + (any_arch ? "" : ":" + want.arch)));
      return {};
    }
    pkgCache::VerIterator version;
    std::vector<std::string> others;
    for (auto at = package.VersionList(); !at.end(); ++at) {
      others.emplace_back(at.VerStr());
      // The list runs from the newest to the oldest.
      if (version.end() && (want.version.empty() || base::text::glob_match(want.version, at.VerStr()))) version = at;
    }
    if (want.version.empty()) version = package.CurrentVer().end() ? cache_->GetCandidateVersion(package) : package.CurrentVer();
    if (version.end()) {
      missing_.push_back(fmt::format("version {} of {} is in no repository (there is {})", want.version, want.name,
                                     base::text::join(others, ", ")));
      return {};
    }
    // What is there and matches stays, even if a newer version matches too.
    if (auto now = package.CurrentVer();
        !now.end() && !want.version.empty() && base::text::glob_match(want.version, now.VerStr()))
      version = now;
    cache_->SetCandidateVersion(version);
    if (package.CurrentVer() != version)
      cache_->MarkInstall(package, true, 0, true);
    else
      cache_->MarkKeep(package, false, true);
    fix.Clear(package);
    fix.Protect(package);
    wanted.push_back(package);
    return {};
  }

  Result<> report_missing() {
    if (missing_.empty()) return {};
    return fail(Errc::not_found, base::text::join(missing_, "; "), "correct /software/packages or /software/repositories");
  }

  // Goes only when nothing that stays needs it.
  void remove(const std::string& name, pkgProblemResolver& fix) {
    auto package = cache_->FindPkg(name);
    if (package.end() || package.CurrentVer().end()) return;
    auto before = cache_->BrokenCount();
    cache_->MarkDelete(package, false, 0, true);
    if (cache_->BrokenCount() > before || (package->Flags & (pkgCache::Flag::Essential | pkgCache::Flag::Important))) {
      cache_->MarkKeep(package, false, true);
      return;
    }
    fix.Clear(package);
    fix.Protect(package);
    fix.Remove(package);
  }

  // Whatever is neither wanted, nor needed by something wanted, nor part of the base system goes.
  void sweep(const std::vector<pkgCache::PkgIterator>& wanted, pkgProblemResolver& fix) {
    std::set<unsigned> roots;
    for (const auto& package : wanted) roots.insert(package->ID);
    for (auto package = cache_->PkgBegin(); !package.end(); ++package) {
      if (package.CurrentVer().end() && !(*cache_)[package].Install()) continue;
      bool protect = roots.contains(package->ID) || is_base(package);
      cache_->MarkAuto(package, !protect);
    }
    cache_->MarkAndSweep();
    for (auto package = cache_->PkgBegin(); !package.end(); ++package) {
      if (package.CurrentVer().end() || !(*cache_)[package].Garbage || roots.contains(package->ID)) continue;
      cache_->MarkDelete(package, false, 0, true);
      fix.Clear(package);
      fix.Remove(package);
    }
  }

  bool is_base(const pkgCache::PkgIterator& package) const {
    if (package->Flags & (pkgCache::Flag::Essential | pkgCache::Flag::Important)) return true;
    auto version = package.CurrentVer();
    if (version.end()) version = (*cache_)[package].InstVerIter(*cache_);
    if (!version.end() && (version->Priority == pkgCache::State::Required || version->Priority == pkgCache::State::Important))
      return true;
    std::string_view name = package.Name();
    // The node must boot and stay reachable: kernel, init, APT itself, and Weft.
    for (std::string_view prefix : {"linux-image-", "grub-", "weft", "apt", "systemd", "dbus", "init"})
      if (name.starts_with(prefix)) return true;
    return std::any_of(request_.keep.begin(), request_.keep.end(),
                       [&](const std::string& pattern) { return base::text::glob_match(pattern, name); });
  }

  std::string broken() const {
    std::vector<std::string> out;
    for (auto package = cache_->PkgBegin(); !package.end() && out.size() < 5; ++package) {
      auto& state = (*cache_)[package];
      if (!state.InstBroken()) continue;
      auto version = state.InstVerIter(*cache_);
      std::string why;
      if (!version.end())
        for (auto dependency = version.DependsList(); !dependency.end(); ++dependency) {
          if (!cache_->IsImportantDep(dependency) || ((*cache_)[dependency] & pkgDepCache::DepInstall)) continue;
          why = fmt::format(" ({} {}{})", dependency.DepType(), dependency.TargetPkg().Name(),
                            dependency.TargetVer() ? fmt::format(" {} {}", dependency.CompType(), dependency.TargetVer()) : "");
          break;
        }
      out.push_back(package.Name() + why);
    }
    return base::text::join(out, ", ");
  }

  Result<plan::PackagePlan> collect() const {
    plan::PackagePlan out;
    for (auto package = cache_->PkgBegin(); !package.end(); ++package) {
      auto& state = (*cache_)[package];
      if (state.Install() && !state.Keep()) {
        auto version = state.InstVerIter(*cache_);
        if (version == package.CurrentVer()) continue;
        out.install.push_back({package.Name(), version.VerStr(), version.Arch()});
        bool asked = std::any_of(request_.want.begin(), request_.want.end(),
                                 [&](const Package& want) { return want.name == package.Name(); });
        if (package.CurrentVer().end() && !asked) out.automatic.emplace_back(package.Name());
      } else if (state.Delete()) {
        auto version = package.CurrentVer();
        if (version.end()) continue;
        if (package->Flags & pkgCache::Flag::Essential)
          return fail(Errc::denied,
                      fmt::format("the wanted packages would remove {}, without which the system does not work", package.Name()),
                      "correct /software/packages");
        bool asked = std::any_of(request_.want.begin(), request_.want.end(),
                                 [&](const Package& want) { return want.name == package.Name(); });
        if (asked)
          return fail(Errc::conflict, fmt::format("package {} is wanted, but the other wishes need it gone", package.Name()),
                      "correct /software/packages");
        out.remove.push_back({package.Name(), version.VerStr(), version.Arch()});
      }
    }
    auto by_name = [](const Package& a, const Package& b) { return a.name < b.name; };
    std::sort(out.install.begin(), out.install.end(), by_name);
    std::sort(out.remove.begin(), out.remove.end(), by_name);
    std::sort(out.automatic.begin(), out.automatic.end());
    return out;
  }

  const plan::PackageRequest& request_;
  pkgCacheFile file_;
  pkgDepCache* cache_ = nullptr;
  std::vector<std::string> missing_;
};

Result<plan::PackagePlan> solve(const Places& places, const plan::PackageRequest& request) {
  if (!pkgInitConfig(*_config)) return fail(Errc::unavailable, "APT's configuration cannot be read: see apt-config dump");
  for (const auto& [key, value] : apt_settings(places)) _config->Set(key, value);
  if (!pkgInitSystem(*_config, _system)) return fail(Errc::unavailable, "APT does not know this system");
  return Solver(request).run();
}

std::string answer_of(const Result<plan::PackagePlan>& plan) {
  Dict out;
  if (plan)
    out["plan"] = plan->to_value();
  else
    out["error"] = Dict{{"code", Value(static_cast<int>(plan.error().code))},
                        {"message", Value(plan.error().message)},
                        {"hint", Value(plan.error().hint)}};
  return base::profile::to_json(out);
}

Result<plan::PackagePlan> parse_answer(const std::string& text) {
  auto value = WEFT_TRY(base::profile::parse_json(text));
  if (const auto* error = value.get("error"))
    return fail(static_cast<Errc>(error->get_integer("code")), std::string(error->get_string("message")),
                std::string(error->get_string("hint")));
  const auto* plan = value.get("plan");
  if (!plan) return fail(Errc::internal, "the package solver gave no answer");
  plan::PackagePlan out;
  auto read = [&](const char* key, std::vector<Package>& into) {
    if (const auto* list = plan->get(key); list && list->list())
      for (const auto& item : *list->list())
        into.push_back({std::string(item.get_string("name")), std::string(item.get_string("version")),
                        std::string(item.get_string("arch"))});
  };
  read("install", out.install);
  read("remove", out.remove);
  if (const auto* list = plan->get("automatic"); list && list->list())
    for (const auto& item : *list->list())
      if (item.string()) out.automatic.push_back(*item.string());
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> apt_settings(const Places& places) {
  auto at = [](const std::filesystem::path& path) { return path.string(); };
  return {{"Dir::State::status", at(places.root / "var/lib/dpkg/status")},
          {"Dir::State::extended_states", at(places.root / "var/lib/apt/extended_states")},
          {"Dir::State::Lists", at(places.state / "lists/")},
          {"Dir::Etc::SourceList", at(places.state / "sources.list")},
          {"Dir::Etc::SourceParts", at(places.state / "sources.d")},
          {"Dir::Cache", at(places.state / "cache/")},
          {"APT::Install-Recommends", "false"},
          {"APT::Get::List-Cleanup", "true"}};
}

Result<plan::PackagePlan> resolve_apart(const Places& places, const plan::PackageRequest& request) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::exhausted, "no pipe for the package solver");
  base::file::Fd out(ends[0]), in(ends[1]);
  auto child = ::fork();
  if (child < 0) return fail(Errc::exhausted, "no process for the package solver");
  if (child == 0) {
    out = {};
    auto text = answer_of(solve(places, request));
    std::string_view rest = text;
    while (!rest.empty()) {
      auto count = ::write(in.get(), rest.data(), rest.size());
      if (count <= 0) ::_exit(1);
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    ::_exit(0);
  }
  in = {};
  std::string text;
  char buffer[4096];
  for (;;) {
    auto count = ::read(out.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(Errc::internal, fmt::format("the package solver died with {}",
                                            WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                                                                : fmt::format("status {}", WEXITSTATUS(status))));
  return parse_answer(text);
}

}  // namespace agent::package
