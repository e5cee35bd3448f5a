#include "base/git/git.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/file/file.h"
#include "base/git/repository.h"
#include "base/process/process.h"
#include "tests/unit/base/temporary_folder.h"

using base::git::changed_ranges;
using base::git::merge_texts;

TEST_CASE("both sides changed other lines: merged; the same ones: a region and git's markers") {
  const std::string base = "a\nb\nc\nd\ne\n";
  auto merged = merge_texts(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
  REQUIRE(merged);
  CHECK(merged->clean);
  CHECK(merged->text == "A\nb\nc\nd\nE\n");
  CHECK(merged->regions.empty());

  merged = merge_texts(base, "a\nb\nmine\nd\ne\n", "a\nb\ntheirs\nd\ne\n", {"then", "me", "them"});
  REQUIRE(merged);
  CHECK_FALSE(merged->clean);
  CHECK(merged->text == "a\nb\n<<<<<<< me\nmine\n||||||| then\nc\n=======\ntheirs\n>>>>>>> them\nd\ne\n");
  REQUIRE(merged->regions.size() == 1);
  CHECK(merged->regions[0].line == 3);
  CHECK(merged->regions[0].base == "c\n");
  CHECK(merged->regions[0].mine == "mine\n");
  CHECK(merged->regions[0].theirs == "theirs\n");
}

TEST_CASE("the same change on both sides is no conflict; nothing, no last newline and markers in the texts are borne") {
  CHECK(merge_texts("a\n", "b\n", "b\n")->text == "b\n");
  CHECK(merge_texts("", "", "")->clean);
  CHECK_FALSE(merge_texts("", "x\n", "y\n")->clean);
  CHECK_FALSE(merge_texts("a", "b", "c")->clean);
  const std::string marked = "<<<<<<< x\n=======\n>>>>>>> y\n";
  const auto merged = merge_texts(marked + "a\n", marked + "b\n", marked + "c\n");
  REQUIRE(merged);
  REQUIRE(merged->regions.size() == 1);
  CHECK(merged->regions[0].line == 4);
  CHECK(merged->regions[0].mine == "b\n");
  CHECK(merge_texts(std::string(17u << 20, 'x'), "", "").error().code == base::Errc::exhausted);
}

TEST_CASE("which lines are new") {
  auto ranges = changed_ranges("a\nb\nc\n", "a\nB\nc\nd\n");
  REQUIRE(ranges);
  REQUIRE(ranges->size() == 2);
  CHECK((*ranges)[0].line == 2);
  CHECK((*ranges)[0].count == 1);
  CHECK((*ranges)[0].old_line == 2);
  CHECK((*ranges)[1].line == 4);
  CHECK((*ranges)[1].old_count == 0);
  ranges = changed_ranges("a\nb\nc\n", "a\nc\n");
  REQUIRE(ranges->size() == 1);
  CHECK((*ranges)[0].count == 0);
  CHECK((*ranges)[0].line == 1);
  CHECK((*ranges)[0].old_line == 2);
  CHECK(changed_ranges("a\n", "a\n")->empty());
  CHECK(changed_ranges("", "a\n")->front().count == 1);
}

namespace {

struct Repo {
  TemporaryFolder folder;
  std::string path = folder.path.string();
  void git(std::vector<std::string> arguments, const std::string& input = {}) {
    base::process::Command command;
    command.argv = {"git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main",
                    "-C",  path};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.input = input;
    const auto done = base::process::run(command);
    REQUIRE(done);
    out = done->out;
    INFO(done->err);
    REQUIRE(done->status == 0);
  }
  void write(const std::string& name, const std::string& content) {
    std::filesystem::create_directories((folder.path / name).parent_path());
    REQUIRE(base::file::write_atomic(folder.path / name, content));
  }
  // A tree made by hand: what `git add` would refuse.
  void raw_tree(const std::string& name) {
    git({"hash-object", "-w", "--stdin"}, "x");
    const auto blob = out.substr(0, 40);
    std::string body = "100644 " + name + std::string(1, '\0');
    for (std::size_t i = 0; i < blob.size(); i += 2) body += static_cast<char>(std::stoi(blob.substr(i, 2), nullptr, 16));
    git({"hash-object", "-t", "tree", "-w", "--stdin", "--literally"}, body);
    git({"commit-tree", out.substr(0, 40), "-m", "odd"});
    git({"update-ref", "refs/heads/odd", out.substr(0, 40)});
  }
  std::string out;
};

std::string left_out(const base::git::Snapshot& snapshot) {
  std::string out;
  for (const auto& one : snapshot.left_out) out += one.path + ": " + one.why + "; ";
  return out;
}

}  // namespace

TEST_CASE("files and history of a repository; what cannot be a template is left out and named") {
  Repo repo;
  repo.git({"init", "-q"});
  repo.write("a.pan", "one\n");
  repo.write("sub/b.pan", "two\n");
  repo.write(".hidden/c", "x");
  repo.write("logo.png", std::string("\x89PNG\0", 5));
  repo.write("huge.txt", std::string(9u << 20, 'x'));
  std::filesystem::create_symlink("/etc/passwd", repo.folder.path / "link.pan");
  repo.git({"add", "-A"});
  repo.git({"update-index", "--add", "--cacheinfo", "160000,1234567890123456789012345678901234567890,module"});
  repo.git({"commit", "-q", "-m", "first\n\nbody"});
  repo.write("a.pan", "changed\n");
  repo.git({"add", "a.pan"});
  repo.git({"commit", "-q", "-m", "second"});
  repo.git({"tag", "v1", "HEAD~1"});

  const auto opened = base::git::Repository::open(repo.folder.path);
  REQUIRE(opened);
  const auto head = opened->resolve("HEAD");
  REQUIRE(head);
  const auto files = opened->files(*head);
  REQUIRE(files);
  CHECK(files->files.size() == 2);
  CHECK(files->files.at("a.pan") == "changed\n");
  CHECK(left_out(*files) ==
        ".hidden: hidden; huge.txt: larger than 8 MiB; link.pan: symbolic link; logo.png: not UTF-8 text; module: submodule; ");
  CHECK(opened->files(*opened->resolve("v1"))->files.at("a.pan") == "one\n");
  const auto history = opened->history(*head);
  REQUIRE(history);
  REQUIRE(history->size() == 2);
  CHECK(history->front().message == "first\n\nbody\n");
  CHECK(history->back().author == "Ann");

  for (const auto* wrong : {"", "-x", "--upload-pack=x", "a..b", "HEAD@{1}", "x y", "$(id)", "a\nb", ":/first"})
    CHECK(opened->resolve(wrong).error().code == base::Errc::invalid);
  CHECK(opened->resolve("nothing").error().code == base::Errc::not_found);
  CHECK(base::git::Repository::open(repo.folder.path / "sub").error().code == base::Errc::not_found);  // never looked for above
  TemporaryFolder copy;
  CHECK(base::git::Repository::clone("file://" + repo.path, copy.path / "r"));
  CHECK(base::git::Repository::clone("ext::sh -c id", copy.path / "x").has_value() == false);
  CHECK(base::git::Repository::clone("gopher://x/y", copy.path / "y").error().code == base::Errc::invalid);
  CHECK(base::git::is_remote("git@host:site.git"));
  CHECK_FALSE(base::git::is_remote("./a:b"));
}

TEST_CASE("names that lead out of a tree refuse the whole") {
  Repo repo;
  repo.git({"init", "-q"});
  for (const std::string name : {"..", ".", ".git", ".GIT", "a/b", "..\\x"}) {
    CAPTURE(name);
    repo.raw_tree(name);
    const auto opened = base::git::Repository::open(repo.folder.path);
    REQUIRE(opened);
    const auto files = opened->files(*opened->resolve("odd"));
    REQUIRE_FALSE(files);
  }
}
