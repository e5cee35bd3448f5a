#include "base/log/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

#include "base/file/file.h"
#include "base/text/text.h"
#include "tests/unit/base/temporary_folder.h"

namespace log = base::log;

namespace {

// Runs f in a child whose stderr is a file, because whether that is the journal is decided once per process.
std::string logged(const std::function<void()>& f, bool journal = false) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    const int file = open((folder.path / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    dup2(file, STDERR_FILENO);
    struct stat status {};
    fstat(STDERR_FILENO, &status);
    unsetenv("JOURNAL_STREAM");
    if (journal) setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)).c_str(), 1);
    f();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  return base::file::read(folder.path / "log").value_or("none");
}

std::string without_time(const std::string& line) {
  return line.size() > 25 ? line.substr(25) : line;
}

}  // namespace

TEST_CASE("log: time, program, level, message, fields") {
  const auto text = logged([] {
    log::set_program("weftd");
    log::info("started", {{"port", "8443"}, {"state", "/var/lib/weft"}});
  });
  CHECK(without_time(text) == "weftd info: started port=8443 state=/var/lib/weft\n");
  CHECK(text[4] == '-');
  CHECK(text[10] == 'T');
  CHECK(text[23] == 'Z');
}

TEST_CASE("log: priorities for the journal, only when stderr is its stream") {
  const auto all = [] {
    log::set_level(log::Level::debug);
    log::debug("d");
    log::info("i");
    log::notice("n");
    log::warning("w");
    log::error("e", {{"k", "v"}});
  };
  CHECK(logged(all, true) == "<7>d\n<6>i\n<5>n\n<4>w\n<3>e k=v\n");
  CHECK(logged([&] {
          setenv("JOURNAL_STREAM", "1:1", 1);
          log::info("i");
        }).find("<6>") == std::string::npos);
  for (const auto* strange : {"", "x", "1", ":", "1:x"})
    CHECK(logged([&] {
            setenv("JOURNAL_STREAM", strange, 1);
            log::info("i");
          }).find("info: i\n") != std::string::npos);
}

TEST_CASE("log: levels below the threshold are silent") {
  CHECK(logged([] { log::debug("hidden"); }, true) == "");
  CHECK(logged(
            [] {
              log::set_level(log::Level::error);
              log::warning("hidden");
              log::error("shown");
            },
            true) == "<3>shown\n");
}

TEST_CASE("log: foreign text can forge neither lines nor fields") {
  const auto text = logged(
      [] {
        log::info("two\nlines \x1b[31m\t", {{"a", "x y"},
                                            {"b", ""},
                                            {"c", "q\"q"},
                                            {"d", "k=v"},
                                            {"e", "l\n<3>forged"},
                                            {"f", "back\\slash"},
                                            {"g", "\x7f"},
                                            {"h", "é"}});
      },
      true);
  CHECK(text ==
        "<6>two\\nlines \\x1b[31m\\t a=\"x y\" b=\"\" c=\"q\\\"q\" d=\"k=v\" e=\"l\\n<3>forged\" f=\"back\\\\slash\" g=\"\\x7f\" "
        "h=é\n");
}

TEST_CASE("log: lines of several threads do not mix") {
  const auto text = logged(
      [] {
        std::vector<std::jthread> threads;
        for (char t = 'a'; t < 'e'; ++t)
          threads.emplace_back([t] {
            for (int i = 0; i < 500; ++i) log::info(std::string(200, t));
          });
      },
      true);
  int lines = 0;
  for (const auto& line : base::text::split(text, '\n')) {
    if (line.empty()) continue;
    ++lines;
    CHECK(line == "<6>" + std::string(200, line[3]));
  }
  CHECK(lines == 2000);
}

TEST_CASE("log: a closed stderr does no harm") {
  CHECK(logged([] {
          close(STDERR_FILENO);
          log::error("nobody hears");
        }) == "");
}
