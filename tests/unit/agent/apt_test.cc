// The package solver on a made-up dpkg status and a repository in a folder: no network, nothing installed.
#include <doctest/doctest.h>

#include <fstream>

#include "agent/package/apt.h"
#include "temporary_folder.h"

using namespace agent;
using agent_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  TemporaryFolder folder;
  fs::path root = folder.path / "root", repository = folder.path / "repository";
  plan::PackageRequest request;
  std::unique_ptr<machine::Packages> apt;

  Fixture() {
    fs::permissions(folder.path, fs::perms(0755));
    fs::create_directories(root / "var/lib/dpkg/info");
    fs::create_directories(root / "etc/apt/sources.list.d");
    fs::create_directories(root / "var/lib/apt");
    fs::create_directories(repository);
    // Text files name the packages; their .deb files are never needed for a plan.
    offer("app", "1", "Depends: lib\n");
    offer("app", "2", "Depends: lib (>= 2)\n");
    offer("lib", "1");
    offer("lib", "2");
    offer("rival", "1", "Conflicts: app\n");
    offer("orphan", "1", "Depends: nowhere\n");
    request.sources["weft-test.list"] = "deb [trusted=yes] file:" + repository.string() + " ./\n";
    apt = package::make_apt({root, folder.path / "state"});
  }
  void offer(const std::string& name, const std::string& version, const std::string& more = "") {
    std::ofstream(repository / "Packages", std::ios::app)
        << "Package: " << name << "\nVersion: " << version << "\nArchitecture: all\nMaintainer: t\n"
        << more << "Filename: ./" << name << version << ".deb\nSize: 1\nSHA256: " << std::string(64, 'a')
        << "\nDescription: t\n\n";
  }
  void install(const std::string& name, const std::string& version, const std::string& more = "",
               const std::string& state = "install ok installed") {
    std::ofstream(root / "var/lib/dpkg/status", std::ios::app)
        << "Package: " << name << "\nStatus: " << state << "\nVersion: " << version << "\nArchitecture: all\nMaintainer: t\n"
        << more << "Description: t\n\n";
  }
  base::Result<plan::PackagePlan> resolve() {
    std::ofstream(root / "var/lib/dpkg/status", std::ios::app) << "";
    return apt->resolve(request);
  }
};

using Packages = std::vector<plan::Package>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "dependencies come along and are marked as automatic") {
  install("base", "1");
  request.want = {{"app", "2", "all"}};
  auto plan = resolve();
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().text()));
  CHECK(plan->install == Packages{{"app", "2", "all"}, {"lib", "2", "all"}});
  CHECK(plan->automatic == std::vector<std::string>{"lib"});
  CHECK(plan->remove.empty());
  CHECK(!plan->repair);
}

TEST_CASE_FIXTURE(Fixture, "upgrade and downgrade to the wanted version") {
  install("app", "1", "Depends: lib\n");
  install("lib", "1");
  request.want = {{"app", "2", ""}};
  auto plan = resolve();
  REQUIRE(plan.has_value());
  CHECK(plan->install == Packages{{"app", "2", "all"}, {"lib", "2", "all"}});
  CHECK(plan->automatic.empty());
  request.want = {{"lib", "1", ""}, {"app", "*", ""}};
  CHECK(resolve()->empty());
}

TEST_CASE_FIXTURE(Fixture, "what is in no repository is named, with what there is") {
  request.want = {{"app", "3", ""}, {"nothing", "", ""}};
  auto plan = resolve();
  REQUIRE(!plan.has_value());
  CHECK(plan.error().code == base::Errc::not_found);
  CHECK(plan.error().message.find("version 3 of app is in no repository (there is 2, 1)") != std::string::npos);
  CHECK(plan.error().message.find("package nothing is in no repository") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "wishes that exclude each other, or lack something") {
  request.want = {{"app", "2", ""}, {"rival", "", ""}};
  CHECK(!resolve().has_value());
  request.want = {{"orphan", "", ""}};
  CHECK(!resolve().has_value());
}

TEST_CASE_FIXTURE(Fixture, "what is dropped goes unless something needs it") {
  install("app", "2", "Depends: lib (>= 2)\n");
  install("lib", "2");
  request.remove = {"lib"};
  CHECK(resolve()->empty());
  request.remove = {"app"};
  CHECK(resolve()->remove == Packages{{"app", "2", "all"}});
  request.remove = {"never-there"};
  CHECK(resolve()->empty());
}

TEST_CASE_FIXTURE(Fixture, "userpkgs = no removes what is neither wanted, needed, base nor kept") {
  install("app", "2", "Depends: lib (>= 2)\n");
  install("lib", "2");
  install("toy", "1");
  install("pet", "1");
  install("core", "1", "Essential: yes\n");
  install("weft-agent", "1");
  request.want = {{"app", "", ""}};
  request.only_wanted = true;
  request.keep = {"pe*"};
  auto plan = resolve();
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().text()));
  CHECK(plan->remove == Packages{{"toy", "1", "all"}});
  CHECK(plan->install.empty());
}

TEST_CASE_FIXTURE(Fixture, "an interrupted transaction is to be repaired") {
  install("app", "1", "Depends: lib\n", "install ok half-configured");
  install("lib", "1");
  request.want = {{"app", "1", ""}};
  auto plan = resolve();
  REQUIRE(plan.has_value());
  CHECK(plan->repair);
  CHECK(plan->install == Packages{{"app", "1", "all"}});
  CHECK(*apt->installed() == Packages{{"lib", "1", "all"}});
}

TEST_CASE_FIXTURE(Fixture, "a repository that is away is an error only when something is needed from it") {
  install("app", "2", "Depends: lib (>= 2)\n");
  install("lib", "2");
  request.sources["weft-away.list"] = "deb [trusted=yes] file:/nonexistent/repository ./\n";
  request.want = {{"app", "2", ""}};
  CHECK(resolve()->empty());
  request.want = {{"rival", "", ""}};
  auto plan = resolve();
  REQUIRE(!plan.has_value());
  CHECK(plan.error().code == base::Errc::unavailable);
}

TEST_CASE_FIXTURE(Fixture, "nothing is executed below another root") {
  CHECK(!apt->execute(base::profile::Dict{}).has_value());
}
