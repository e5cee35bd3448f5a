// Tree: safe walking, atomic writes, and the links it refuses to follow.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/machine/tree.h"
#include "temporary_folder.h"

using namespace agent;
using agent_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

struct Fixture {
  TemporaryFolder folder;
  fs::path root = folder.path / "root";
  machine::Tree tree = [this] {
    fs::create_directories(root / "etc");
    auto opened = machine::Tree::open(root);
    REQUIRE(opened.has_value());
    return std::move(*opened);
  }();
  plan::Image file(mode_t mode = 0644) { return {plan::Kind::file, mode, tree.user("0"), tree.group("0"), {}, {}}; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "write replaces whole files with mode, and leaves no temporary file") {
  put(root / "etc/x", "old");
  REQUIRE(tree.write("/etc/x", "new", file(0640)).has_value());
  CHECK(read(root / "etc/x") == "new");
  CHECK((fs::status(root / "etc/x").permissions() & fs::perms::mask) == fs::perms(0640));
  CHECK(*tree.list("/etc") == std::vector<std::string>{"x"});
  auto image = *tree.image("/etc/x");
  CHECK(image.kind == plan::Kind::file);
  CHECK(image.mode == 0640);
  CHECK(*tree.content("/etc/x") == "new");
}

TEST_CASE_FIXTURE(Fixture, "a temporary file left by a kill is no obstacle and is not listed") {
  put(root / "etc/.x.weft-new", "half");
  CHECK(tree.list("/etc")->empty());
  REQUIRE(tree.write("/etc/x", "whole", file()).has_value());
  CHECK(read(root / "etc/x") == "whole");
  CHECK(!fs::exists(root / "etc/.x.weft-new"));
}

TEST_CASE_FIXTURE(Fixture, "a link planted in the place of the temporary file is not written through") {
  put(folder.path / "victim", "safe");
  fs::create_symlink(folder.path / "victim", root / "etc/.x.weft-new");
  REQUIRE(tree.write("/etc/x", "text", file()).has_value());
  CHECK(read(folder.path / "victim") == "safe");
}

TEST_CASE_FIXTURE(Fixture, "absolute links stay inside the root") {
  put(root / "data/x", "inside");
  fs::create_symlink("/data", root / "etc/data");
  CHECK(*tree.content("/etc/data/x") == "inside");
  REQUIRE(tree.write("/etc/data/y", "y", file()).has_value());
  CHECK(read(root / "data/y") == "y");
}

TEST_CASE_FIXTURE(Fixture, "links cannot climb out of the root") {
  put(folder.path / "outside/x", "outside");
  fs::create_symlink("../../outside", root / "etc/up");
  fs::create_symlink("../../../../../../../../outside", root / "etc/far");
  CHECK(!tree.content("/etc/up/x").has_value());
  CHECK(!tree.content("/etc/far/x").has_value());
  CHECK(!tree.write("/etc/up/x", "changed", file()).has_value());
  CHECK(read(folder.path / "outside/x") == "outside");
}

TEST_CASE_FIXTURE(Fixture, "a final link is seen as a link and replaced, not followed") {
  put(folder.path / "victim", "safe");
  fs::create_symlink(folder.path / "victim", root / "etc/x");
  CHECK(tree.image("/etc/x")->kind == plan::Kind::link);
  CHECK(!tree.content("/etc/x").has_value());
  CHECK(!tree.set_attributes("/etc/x", file(0777)).has_value());
  REQUIRE(tree.write("/etc/x", "new", file()).has_value());
  CHECK(read(folder.path / "victim") == "safe");
  CHECK(tree.image("/etc/x")->kind == plan::Kind::file);
}

TEST_CASE_FIXTURE(Fixture, "a link that another user can change is not followed") {
  put(root / "data/x", "x");
  SUBCASE("it lies in a folder that everybody can write") {
    fs::create_directories(root / "open");
    fs::permissions(root / "open", fs::perms(0777));
    fs::create_symlink("/data", root / "open/link");
  }
  SUBCASE("it lies in a folder that the group can write") {
    fs::create_directories(root / "open");
    fs::permissions(root / "open", fs::perms(0775));
    fs::create_symlink("/data", root / "open/link");
  }
  SUBCASE("it belongs to somebody else") {
    if (geteuid() != 0) return;
    fs::create_directories(root / "open");
    fs::permissions(root / "open", fs::perms(01777));
    fs::create_symlink("/data", root / "open/link");
    REQUIRE(::lchown((root / "open/link").c_str(), 4242, 4242) == 0);
  }
  SUBCASE("its folder belongs to somebody else") {
    if (geteuid() != 0) return;
    fs::create_directories(root / "open");
    fs::create_symlink("/data", root / "open/link");
    REQUIRE(::chown((root / "open").c_str(), 4242, 4242) == 0);
  }
  auto written = tree.write("/open/link/x", "evil", file());
  REQUIRE(!written.has_value());
  CHECK(written.error().code == base::Errc::denied);
  CHECK(!tree.image("/open/link/x").has_value());
  CHECK(read(root / "data/x") == "x");
}

TEST_CASE_FIXTURE(Fixture, "links in a loop end") {
  fs::create_symlink("/etc/b", root / "etc/a");
  fs::create_symlink("/etc/a", root / "etc/b");
  CHECK(!tree.write("/etc/a/x", "", file()).has_value());
}

TEST_CASE_FIXTURE(Fixture, "hard links in somebody's folder do not get new modes") {
  if (geteuid() != 0) return;
  put(root / "etc/shadow", "secret");
  fs::create_directories(root / "home");
  REQUIRE(::chown((root / "home").c_str(), 4242, 4242) == 0);
  fs::create_hard_link(root / "etc/shadow", root / "home/mine");
  auto set = tree.set_attributes("/home/mine", file(0666));
  REQUIRE(!set.has_value());
  CHECK(set.error().code == base::Errc::denied);
}

TEST_CASE_FIXTURE(Fixture, "what is missing is absent, what is in the way is an error") {
  put(root / "etc/file", "");
  CHECK(tree.image("/none/x")->kind == plan::Kind::absent);
  CHECK(tree.image("/etc/file/x")->kind == plan::Kind::absent);
  CHECK(!tree.write("/none/x", "", file()).has_value());
  CHECK(!tree.write("/etc/file/x", "", file()).has_value());
  CHECK(!tree.write("/etc/..", "", file()).has_value());
  CHECK(!tree.write("relative", "", file()).has_value());
  CHECK(!tree.list("/etc/file").has_value());
  CHECK(tree.remove("/none/x").has_value());
  put(root / "full/x", "");
  auto removed = tree.remove("/full");
  REQUIRE(!removed.has_value());
  CHECK(removed.error().code == base::Errc::conflict);
}

TEST_CASE_FIXTURE(Fixture, "a fifo is neither read nor waited for") {
  REQUIRE(::mkfifo((root / "etc/fifo").c_str(), 0600) == 0);
  CHECK(tree.image("/etc/fifo")->kind == plan::Kind::other);
  CHECK(!tree.content("/etc/fifo").has_value());
}

TEST_CASE_FIXTURE(Fixture, "names come from the tree's own passwd") {
  if (geteuid() != 0) return;
  put(root / "etc/passwd", "root:x:0:0::/:/bin/sh\nhere:x:4711:4711::/:/bin/sh\nbroken line\nbad:x:number:0\n");
  put(root / "etc/group", "root:x:0:\nhere:x:4711:\n");
  auto own = machine::Tree::open(root);
  REQUIRE(own.has_value());
  CHECK(own->user("here") == "here");
  CHECK(own->user("4711") == "here");
  CHECK(own->user("bad").empty());
  CHECK(own->user("4712") == "4712");
  REQUIRE(own->write("/etc/x", "", {plan::Kind::file, 0644, "here", "here", {}, {}}).has_value());
  CHECK(own->image("/etc/x")->owner == "here");
  CHECK(!own->write("/etc/x", "", {plan::Kind::file, 0644, "nobody-such", "here", {}, {}}).has_value());
}

TEST_CASE_FIXTURE(Fixture, "set-id bits survive the change of owner") {
  REQUIRE(tree.write("/etc/x", "", file(04755)).has_value());
  CHECK(tree.image("/etc/x")->mode == 04755);
}

TEST_CASE("a root that does not exist is an error") {
  CHECK(!machine::Tree::open("/nonexistent/root").has_value());
}
