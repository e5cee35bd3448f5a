#include "agent/package/apt.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/package/resolver.h"
#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/process/process.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace agent::package {

using base::Errc;
using base::fail;
using base::Result;
using plan::Package;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::hours lists_age{1};

// The lines of APT that say what went wrong.
std::string errors_of(const base::process::Outcome& outcome) {
  std::vector<std::string> lines;
  for (const auto* text : {&outcome.err, &outcome.out})
    for (const auto& line : base::text::split(*text, '\n'))
      if ((line.starts_with("E: ") || line.starts_with("Err:") || line.starts_with("dpkg: error")) && lines.size() < 4)
        lines.push_back(line);
  if (lines.empty()) lines.emplace_back(base::text::trim(outcome.err).substr(0, 300));
  return base::text::join(lines, " ");
}

class Apt final : public machine::Packages {
 public:
  explicit Apt(AptOptions options) : options_(std::move(options)) {}

  Result<std::vector<Package>> installed() override {
    std::vector<Package> out;
    for (auto& [package, whole] : WEFT_TRY(known()))
      if (whole) out.push_back(std::move(package));
    return out;
  }

  Result<plan::PackagePlan> resolve(const plan::PackageRequest& request) override {
    bool repair = false, satisfied = true;
    auto all = WEFT_TRY(known());
    for (const auto& [_, whole] : all) repair = repair || !whole;
    for (const auto& want : request.want)
      satisfied =
          satisfied && std::any_of(all.begin(), all.end(), [&](const auto& have) { return plan::satisfies(have.first, want); });
    WEFT_TRY(write_sources(request));
    if (!satisfied) WEFT_TRY(update());
    auto plan = WEFT_TRY(resolve_apart(places(), request));
    if (repair) {
      plan.repair = true;
      // What is half-configured is at its version already, and must be whole afterwards.
      for (const auto& [package, whole] : all)
        if (!whole &&
            std::none_of(plan.install.begin(), plan.install.end(), [&](const Package& p) { return p.name == package.name; }) &&
            std::none_of(plan.remove.begin(), plan.remove.end(), [&](const Package& p) { return p.name == package.name; }))
          plan.install.push_back(package);
    }
    return plan;
  }

  Result<> execute(const base::profile::Value& transaction) override {
    if (options_.root != "/") return fail(Errc::unavailable, "packages are only changed on a whole machine");
    // Finishes what a kill left; nothing to do otherwise.
    WEFT_TRY(run({"dpkg", "--force-confold", "--force-confdef", "--configure", "-a"},
                 "finishing the interrupted package transaction"));
    std::vector<std::string> words;
    bool removes = false;
    const auto* install = transaction.get("install");
    const auto* remove = transaction.get("remove");
    for (const auto* list : {install, remove})
      if (list && list->list())
        for (const auto& item : *list->list()) {
          auto name = std::string(item.get_string("name"));
          if (auto arch = item.get_string("arch"); !arch.empty() && arch != "all") name += ":" + std::string(arch);
          if (list == remove) removes = true;
          words.push_back(list == remove ? name + "-" : name + "=" + std::string(item.get_string("version")));
        }
    if (words.empty()) return {};
    auto argv = apt_get();
    // Without version pins of its own the repair of half-installed packages goes by what is on disk.
    argv.insert(argv.end(), {"install", "-y", "--allow-downgrades", "--allow-change-held-packages", "--no-install-recommends"});
    if (!removes) argv.emplace_back("--no-remove");
    argv.emplace_back("--");
    argv.insert(argv.end(), words.begin(), words.end());
    WEFT_TRY(run(std::move(argv), "the package transaction"));
    if (const auto* automatic = transaction.get("automatic"); automatic && automatic->list() && !automatic->list()->empty()) {
      std::vector<std::string> mark{"apt-mark", "auto"};
      for (const auto& name : *automatic->list())
        if (name.string()) mark.push_back(*name.string());
      WEFT_TRY(run(std::move(mark), "marking packages as automatic"));
    }
    return {};
  }

 private:
  Places places() const { return {options_.root, options_.state}; }

  // Every package that dpkg has files of; true: wholly installed.
  Result<std::vector<std::pair<Package, bool>>> known() {
    base::process::Command command;
    command.argv = {"dpkg-query", "--admindir=" + (options_.root / "var/lib/dpkg").string(), "-W",
                    "-f=${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n"};
    command.output_limit = 32u << 20;
    auto outcome = WEFT_TRY(base::process::run(command));
    if (outcome.status != 0) return fail(Errc::unavailable, "dpkg-query failed: " + std::string(base::text::trim(outcome.err)));
    std::vector<std::pair<Package, bool>> out;
    for (const auto& line : base::text::split(outcome.out, '\n')) {
      auto fields = base::text::split(line, '\t');
      if (fields.size() != 4 || fields[0].size() < 2) continue;
      char state = fields[0][1];
      if (state == 'n' || state == 'c') continue;
      // Triggers that wait ('W', 't') run by themselves.
      out.push_back({{fields[1], fields[2], fields[3]}, state == 'i' || state == 'W' || state == 't'});
    }
    return out;
  }

  // The sources as they will be after the plan, apart from the system's.
  Result<> write_sources(const plan::PackageRequest& request) {
    auto folder = options_.state / "sources.d";
    std::error_code error;
    std::map<std::string, std::string> wanted = request.sources;
    std::string main;
    if (!request.only_sources) {
      if (auto text = base::file::read(options_.root / "etc/apt/sources.list")) main = *text;
      for (fs::directory_iterator it(options_.root / "etc/apt/sources.list.d", error), end; !error && it != end;
           it.increment(error)) {
        auto name = it->path().filename().string();
        if (name.starts_with("weft-") || !(name.ends_with(".list") || name.ends_with(".sources"))) continue;
        if (auto text = base::file::read(it->path())) wanted[name] = *text;
      }
    }
    // APT's download user must be able to pass.
    for (const auto& place : {options_.state, folder, options_.state / "lists", options_.state / "cache"})
      WEFT_TRY(base::file::make_folders(place, 0755));
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      std::error_code ignored;
      if (!wanted.contains(it->path().filename().string())) fs::remove(it->path(), ignored);
    }
    base::file::WriteOptions quick;
    quick.durable = false;
    stamp_ = main;
    WEFT_TRY(base::file::write_atomic(options_.state / "sources.list", main, quick));
    for (const auto& [name, text] : wanted) {
      stamp_ += name + "\n" + text;
      WEFT_TRY(base::file::write_atomic(folder / name, text, quick));
    }
    stamp_ = base::crypto::sha256_hex(stamp_);
    return {};
  }

  Result<> update() {
    auto file = options_.state / "updated";
    std::error_code error;
    auto written = fs::last_write_time(file, error);
    auto last = error ? Result<std::string>(fail(Errc::not_found, "")) : base::file::read(file);
    if (last && *last == stamp_ && fs::file_time_type::clock::now() - written < lists_age) return {};
    auto argv = apt_get();
    argv.insert(argv.end(), {"-o", "APT::Update::Error-Mode=any", "update"});
    WEFT_TRY(run(std::move(argv), "reading the repositories"));
    base::file::WriteOptions quick;
    quick.durable = false;
    return base::file::write_atomic(file, stamp_, quick);
  }

  std::vector<std::string> apt_get() const {
    std::vector<std::string> argv{"apt-get", "-q",
                                  "-o",      "DPkg::Lock::Timeout=120",
                                  "-o",      "Dpkg::Use-Pty=0",
                                  "-o",      "Dpkg::Options::=--force-confold",
                                  "-o",      "Dpkg::Options::=--force-confdef",
                                  "-o",      "Acquire::Retries=2",
                                  "-o",      "Acquire::http::Timeout=20",
                                  "-o",      "Acquire::https::Timeout=20"};
    for (const auto& [key, value] : apt_settings(places())) {
      argv.emplace_back("-o");
      argv.push_back(key + "=" + value);
    }
    return argv;
  }

  static Result<> run(std::vector<std::string> argv, std::string_view what) {
    base::process::Command command;
    command.argv = std::move(argv);
    command.environment = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                           {"LANG", "C.UTF-8"},
                           {"DEBIAN_FRONTEND", "noninteractive"},
                           {"DEBIAN_PRIORITY", "critical"},
                           {"APT_LISTCHANGES_FRONTEND", "none"},
                           {"NEEDRESTART_MODE", "l"}};
    command.timeout = std::chrono::hours(1);
    auto outcome = base::process::run(command);
    if (!outcome) return fail(std::move(outcome).error().during(std::string(what)));
    if (outcome->timed_out) return fail(Errc::timeout, fmt::format("{} did not end within an hour", what));
    if (outcome->status != 0)
      return fail(Errc::unavailable, fmt::format("{} failed (status {}): {}", what, outcome->status, errors_of(*outcome)),
                  "it is tried again later; the other components are not affected");
    return {};
  }

  AptOptions options_;
  std::string stamp_;
};

}  // namespace

std::unique_ptr<machine::Packages> make_apt(AptOptions options) {
  return std::make_unique<Apt>(std::move(options));
}

}  // namespace agent::package
