#include "monitor/rule/actuate.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "base/file/file.h"
#include "tests/unit/monitor/support.h"

using namespace monitor;
using tests::monitor_support::killed_at;
using tests::monitor_support::Scratch;

namespace {

constexpr std::int64_t start = 1700000000000;

struct Machine {
  Scratch scratch;
  std::vector<std::string> restarted;
  bool fails = false;
  rule::ActuateOptions options() {
    return {scratch.path / "current.json", scratch.path / "runs.json",
            [this](const std::string& unit, std::chrono::seconds) -> base::Result<> {
              restarted.push_back(unit);
              if (fails) return base::fail(base::Errc::unavailable, "job failed");
              return {};
            }};
  }
  void profile(const std::string& rules) {
    std::ofstream(scratch.path / "current.json") << "{\"system\":{\"monitoring\":{\"rules\":" << rules << "}}}";
  }
};

const char* const rules =
    R"({"sshd":{"condition":"a > 1","text":"t","actuator":{"kind":"restart-unit","unit":"sshd.service","max_runs":2,"window":600}},)"
    R"("off":{"condition":"a > 1","text":"t","active":false,"actuator":{"kind":"restart-unit","unit":"x.service"}},)"
    R"("plain":{"condition":"a > 1","text":"t"},)"
    R"("broken":{"condition":"a >","text":"t","actuator":{"kind":"restart-unit","unit":"x.service"}}})";

}  // namespace

TEST_CASE("actuate: restarts the unit that the profile's rule names, max_runs per window") {
  Machine machine;
  machine.profile(rules);
  auto options = machine.options();
  CHECK(rule::serve("restart sshd\n", options, start).outcome == "ok");
  machine.fails = true;
  auto failed = rule::serve("restart sshd", options, start + 1000);
  CHECK(failed.outcome == "failed");
  CHECK(failed.message == "job failed");
  auto third = rule::serve("restart sshd", options, start + 2000);
  CHECK(third.outcome == "refused");
  CHECK(third.message == "2 of 2 runs within 600 s are used up");
  CHECK(machine.restarted == std::vector<std::string>{"sshd.service", "sshd.service"});
  machine.fails = false;
  CHECK(rule::serve("restart sshd", options, start + 700000).outcome == "ok");
  CHECK(rule::serve("restart sshd", options, start - 90000000).outcome == "ok");  // a clock set back by a day does not block
}

TEST_CASE("actuate: everything else is refused and nothing runs") {
  Machine machine;
  auto options = machine.options();
  CHECK(rule::serve("restart sshd", options, start).message.find("profile cannot be read") != std::string::npos);
  machine.profile(rules);
  for (const char* request : {"", "restart", "restart ", "stop sshd", "restart sshd.service; reboot", "restart ../sshd",
                              "restart no-such-rule", "restart off", "restart plain", "restart broken"}) {
    CAPTURE(request);
    CHECK(rule::serve(request, options, start).outcome == "refused");
  }
  machine.profile("{}");
  CHECK(rule::serve("restart sshd", options, start).outcome == "refused");
  machine.profile(rules);
  std::ofstream(options.runs) << "not json";
  CHECK(rule::serve("restart sshd", options, start).message.find("no limit could be kept") != std::string::npos);
  CHECK(machine.restarted.empty());
}

TEST_CASE("child: actuate" * doctest::skip()) {
  std::filesystem::path folder = std::getenv("WEFT_CHILD");
  rule::ActuateOptions options{folder / "current.json", folder / "runs.json",
                               [](const std::string&, std::chrono::seconds) { return base::Result<>(); }};
  (void)rule::serve("restart sshd", options, start);
}

TEST_CASE("actuate: a run that cannot be recorded does not happen; a kill behind the record costs the run") {
  Machine machine;
  machine.profile(rules);
  auto options = machine.options();
  options.runs = machine.scratch.path / "no-folder" / "runs.json";
  CHECK(rule::serve("restart sshd", options, start).message.find("could not be recorded") != std::string::npos);
  CHECK(machine.restarted.empty());
  options = machine.options();
  for (int i = 0; i < 2; ++i) CHECK(killed_at("monitor.actuate.recorded=kill", "child: actuate", machine.scratch.path));
  CHECK(rule::serve("restart sshd", options, start + 5).outcome == "refused");
}

TEST_CASE("actuate: answers survive the wire, other lines are refused") {
  auto back = rule::from_line(rule::to_line({"failed", "a \"quoted\"\nline"}));
  REQUIRE(back);
  CHECK(back->outcome == "failed");
  CHECK(back->message == "a \"quoted\"\nline");
  CHECK_FALSE(rule::from_line(""));
  CHECK_FALSE(rule::from_line("{\"outcome\":\"granted\"}"));
  CHECK_FALSE(rule::from_line("{}"));
}

TEST_CASE("actuate: the asking end") {
  Scratch scratch;
  auto path = scratch.path / "s";
  CHECK(rule::ask(path, "sshd", std::chrono::seconds(5)).message.find("weft-sensord-actuate.socket") != std::string::npos);
  CHECK(rule::ask("/" + std::string(200, 'x'), "sshd", std::chrono::seconds(5)).message.find("too long") != std::string::npos);
  base::file::Fd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener.get(), 4) == 0);
  std::vector<std::string> heard;
  std::thread server([&] {
    for (const char* answer : {"{\"outcome\":\"ok\",\"message\":\"done\"}\n", "{\"outc", ""}) {
      base::file::Fd peer(accept(listener.get(), nullptr, nullptr));
      char buffer[100];
      std::string line;
      for (ssize_t n; (n = recv(peer.get(), buffer, sizeof buffer, 0)) > 0;) line.append(buffer, static_cast<std::size_t>(n));
      heard.push_back(line);
      if (*answer) (void)!send(peer.get(), answer, std::strlen(answer), MSG_NOSIGNAL);
    }
  });
  auto ok = rule::ask(path, "sshd", std::chrono::seconds(20));
  CHECK(ok.outcome == "ok");
  CHECK(ok.message == "done");
  CHECK(rule::ask(path, "sshd", std::chrono::seconds(20)).message.find("cut off") != std::string::npos);
  CHECK(rule::ask(path, "sshd", std::chrono::seconds(20)).outcome == "failed");
  server.join();
  CHECK(heard[0] == "restart sshd\n");
}
