#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>

#include "base/diag/fail_point.h"
#include "base/diag/result.h"

using base::Errc;
using base::Result;

namespace {

Result<int> number(bool good) {
  if (!good) return base::fail(Errc::invalid, "no number", "give one");
  return 7;
}

Result<std::string> text(bool good) {
  const int value = WEFT_TRY(number(good));
  return std::to_string(value);
}

Result<> nothing(bool good) {
  WEFT_TRY(number(good));
  return {};
}

int in_child(const char* specification, int passages) {
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);  // doctest's handler would report the child's end as a failed case
    base::set_fail_points(specification);
    for (int i = 0; i < passages; ++i)
      if (!base::fail_point("a.b")) _exit(1);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("result: WEFT_TRY gives the value or hands the error on") {
  CHECK(*text(true) == "7");
  CHECK(nothing(true));
  REQUIRE_FALSE(text(false));
  CHECK(text(false).error().code == Errc::invalid);
  CHECK(nothing(false).error().message == "no number");
}

TEST_CASE("result: WEFT_TRY moves what cannot be copied") {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(3); };
  const auto use = [&]() -> Result<int> {
    const auto pointer = WEFT_TRY(make());
    return *pointer;
  };
  CHECK(*use() == 3);
}

TEST_CASE("error: text shows message, circumstances from the inside out, hint") {
  auto error = number(false).error();
  CHECK(error.text() == "no number\n  hint: give one");
  const base::Error outer = std::move(error).during("reading a").during("starting");
  CHECK(outer.text() == "no number\n  while reading a\n  while starting\n  hint: give one");
  CHECK(base::Error{Errc::internal, "x", {}, {}}.text() == "x");
}

TEST_CASE("errc: every code has its name") {
  for (int code = 0; code < static_cast<int>(Errc::internal); ++code)
    CHECK(base::errc_name(static_cast<Errc>(code)) != "internal");
  CHECK(base::errc_name(Errc::internal) == "internal");
}

TEST_CASE("fail points: act where and when they are told") {
  CHECK(in_child("", 3) == 0);
  CHECK(in_child("a.b=error", 1) == 1);
  CHECK(in_child("a.b=kill", 1) == 128 + SIGKILL);
  CHECK(in_child("a.c=kill", 3) == 0);
  CHECK(in_child("a.b=kill@3", 2) == 0);
  CHECK(in_child("a.b=kill@3", 3) == 128 + SIGKILL);
  CHECK(in_child("x=error;a.b=error@2", 1) == 0);
  CHECK(in_child("x=error;a.b=error@2", 2) == 1);
  CHECK(in_child("a.b=delay:1", 2) == 0);
}

TEST_CASE("fail points: a specification that cannot be read ends the program") {
  for (const auto* bad : {"a.b", "a.b=", "=kill", "a.b=kil", "a.b=kill@", "a.b=kill@0", "a.b=kill@x", "a.b=delay",
                          "a.b=delay:", "a.b=delay:-1", ";"})
    CHECK_MESSAGE(in_child(bad, 0) == 128 + SIGABRT, bad);
}

TEST_CASE("fail points: the error names the place") {
  base::set_fail_points("a.b=error");
  const auto result = base::fail_point("a.b");
  base::set_fail_points("");
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::unavailable);
  CHECK(result.error().message == "fail point a.b");
  CHECK(base::fail_point("a.b"));
}
