// weft-sensord: the node's sensors, local rules and sample spool.
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>

#include "base/bus/bus.h"
#include "base/cli/cli.h"
#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/log/log.h"
#include "base/yaml/yaml.h"
#include "monitor/metric/text.h"
#include "monitor/rule/actuate.h"
#include "monitor/sensord/config.h"
#include "monitor/sensord/daemon.h"

namespace {

using base::cli::Arguments;
using base::cli::Command;
using base::cli::Option;
namespace sensord = monitor::sensord;

const std::vector<Option> place_options = {
    {"--profile", "FILE", "the node's current profile", "/var/lib/weft-agent/profile/current.json"},
    {"--root", "DIR", "where the machine's files are", "/"},
    {"--proc", "DIR", "the proc file system; default ROOT/proc"},
};

std::vector<Option> with_places(std::vector<Option> more) {
  more.insert(more.begin(), place_options.begin(), place_options.end());
  return more;
}

monitor::sensor::Environment environment(const Arguments& arguments) {
  monitor::sensor::Environment out;
  out.root = arguments.get("root");
  out.proc = arguments.has("proc") ? std::filesystem::path(arguments.get("proc")) : out.root / "proc";
  out.sys = out.root / "sys";
  if (out.root != "/") out.bus_address = "unix:path=" + (out.root / "run/dbus/system_bus_socket").string();
  return out;
}

// Node and server: from the certificate and the agent's settings, so that nothing is configured twice.
struct Settings {
  std::string node, server;
};
base::Result<Settings> settings(const Arguments& arguments) {
  Settings out;
  std::filesystem::path file(arguments.get("agent-config"));
  auto text = base::file::read(file, 1u << 20);
  if (text) {
    auto value = WEFT_TRY(base::yaml::parse(*text, file.string()));
    out.node = value.get_string("node");
    out.server = value.get_string("server");
  } else if (text.error().code != base::Errc::not_found) {
    return base::fail(std::move(text).error());
  }
  auto certificate = base::file::read(std::filesystem::path(arguments.get("identity")) / "node.crt", 1u << 20);
  if (certificate) {
    auto subject = WEFT_TRY(base::crypto::certificate_subject(*certificate));
    // The server believes the certificate only; another name would have every sample refused.
    if (subject.kind == "node") out.node = subject.name;
  }
  if (arguments.has("node")) out.node = arguments.get("node");
  if (arguments.has("server")) out.server = arguments.get("server");
  if (out.node.empty())
    return base::fail(base::Errc::invalid,
                      fmt::format("this node has no name: {} has no `node` and there is no certificate", file.string()),
                      "enrol the node with weft-agent first, or give --node");
  if (out.server.empty())
    return base::fail(base::Errc::invalid, fmt::format("{} names no `server`", file.string()),
                      "write `server: https://HOST:8443` there");
  return out;
}

sensord::Daemon* running = nullptr;
void on_signal(int signal) {
  if (!running) return;
  if (signal == SIGHUP)
    running->reload();
  else
    running->stop();
}

void log_line(bool important, const std::string& message) {
  base::log::write(important ? base::log::Level::warning : base::log::Level::info, message);
}

int run(const Arguments& arguments) {
  // One arena and early trimming: two threads that allocate little do not need eight heaps.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 256 << 10);
  auto known = settings(arguments);
  if (!known) return base::cli::report("weft-sensord", known.error());
  sensord::DaemonOptions options;
  options.node = known->node;
  options.server = known->server;
  options.profile = arguments.get("profile");
  options.identity = arguments.get("identity");
  options.state = arguments.get("state");
  options.actuator_socket = arguments.get("actuator");
  options.environment = environment(arguments);
  options.notify = [](std::string_view text) { base::bus::notify(text); };
  options.report = log_line;
  if (auto made = base::file::make_folders(options.state, 0750); !made) return base::cli::report("weft-sensord", made.error());
  auto lock = base::file::lock(options.state / "lock");
  if (!lock) return base::cli::report("weft-sensord", lock.error());
  auto daemon = sensord::Daemon::open(std::move(options));
  if (!daemon) return base::cli::report("weft-sensord", daemon.error());
  running = daemon->get();
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaction(signal, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  base::log::notice("weft-sensord runs", {{"node", known->node}, {"server", known->server}, {"version", WEFT_VERSION}});
  auto result = (*daemon)->run();
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
  running = nullptr;
  return result ? 0 : base::cli::report("weft-sensord", result.error());
}

int complain(const sensord::Config& config) {
  for (const auto& error : config.errors) std::cerr << "weft-sensord: " << error << "\n";
  return config.errors.empty() ? 0 : 1;
}

int once(const Arguments& arguments) {
  auto place = environment(arguments);
  auto tree = sensord::read_profile(arguments.get("profile"));
  if (!tree) return base::cli::report("weft-sensord", tree.error());
  auto config = sensord::read_config(tree->monitoring.is_null() ? nullptr : &tree->monitoring, place);
  auto wanted = arguments.all("SENSOR");
  int status = complain(config);
  monitor::sensor::Output all;
  for (const auto& name : wanted) {
    if (std::none_of(config.sensors.begin(), config.sensors.end(), [&](const auto& s) { return s.spec->name == name; })) {
      std::cerr << "weft-sensord: there is no active sensor " << name << "; weft-sensord list names them\n";
      return 2;
    }
  }
  for (const auto& one : config.sensors) {
    std::string name(one.spec->name);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    auto made = monitor::sensor::make(*one.spec, one.options, place);
    monitor::sensor::Output out;
    auto begin = std::chrono::steady_clock::now();
    auto result = made ? (*made)->sample(out) : base::Result<>(base::fail(made.error()));
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (!result) {
      std::cerr << fmt::format("weft-sensord: sensor {}: {}\n", name, result.error().text());
      status = 1;
    } else {
      for (auto& sample : out.samples()) all.put(std::move(sample));
    }
    all.put("node_scrape_collector_duration_seconds", monitor::metric::Kind::gauge, seconds.count(), {{"collector", name}});
    all.put("node_scrape_collector_success", monitor::metric::Kind::gauge, result.has_value(), {{"collector", name}});
  }
  std::cout << monitor::metric::to_text(all.samples(), monitor::sensor::help);
  return status;
}

int check_config(const Arguments& arguments) {
  auto place = environment(arguments);
  auto tree = sensord::read_profile(arguments.get("profile"));
  if (!tree) return base::cli::report("weft-sensord", tree.error());
  auto config = sensord::read_config(tree->monitoring.is_null() ? nullptr : &tree->monitoring, place);
  if (!tree->present) std::cerr << "weft-sensord: " << arguments.get("profile") << " does not exist; the defaults apply\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : config.sensors) rows.push_back({std::string(one.spec->name), fmt::format("{} s", one.period.count())});
  std::cout << base::cli::table({"SENSOR", "PERIOD"}, rows);
  rows.clear();
  for (const auto& rule : config.rules)
    rows.push_back({rule.name, rule.severity, rule.active ? "" : "off", rule.condition.text(),
                    rule.actuator ? "restart " + rule.actuator->unit : ""});
  if (!rows.empty()) std::cout << "\n" << base::cli::table({"RULE", "SEVERITY", "", "CONDITION", "ACTUATOR"}, rows);
  return complain(config);
}

int list(const Arguments&) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& spec : monitor::sensor::catalogue())
    for (const auto& field : spec.fields)
      rows.push_back({std::string(spec.name), std::string(field.name), std::string(monitor::metric::kind_name(field.kind)),
                      std::string(field.labels), std::string(field.help)});
  std::cout << base::cli::table({"SENSOR", "METRIC", "TYPE", "LABELS", "HELP"}, rows);
  return 0;
}

// Started by weft-sensord-actuate.socket as root, one connection on stdin and stdout.
int actuate(const Arguments& arguments) {
  monitor::rule::ActuateOptions options;
  options.profile = arguments.get("profile");
  options.runs = arguments.get("runs");
  options.restart = [](const std::string& unit, std::chrono::seconds timeout) -> base::Result<> {
    auto bus = WEFT_TRY(base::bus::Bus::open());
    // A unit that failed too often is refused by systemd until its counter is reset; our own window is the limit here.
    WEFT_TRY(bus.reset_failed(unit));
    return bus.restart(unit, timeout);
  };
  alarm(10);  // the asker has that long to say what it wants
  std::string request;
  for (char c; request.size() < 256 && ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) request += c;
  alarm(0);
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto result = monitor::rule::serve(request, options, now);
  base::log::notice("actuator", {{"request", request}, {"outcome", result.outcome}, {"message", result.message}});
  std::string line = monitor::rule::to_line(result);
  return ::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && result.outcome == "ok" ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  base::log::set_program("weft-sensord");
  Command tool{"weft-sensord",
               "sensors, local rules and sample spool of a Weft node",
               "Measures this machine under node_exporter's names, evaluates the rules of the node's profile, keeps samples on "
               "disk until the "
               "server has them. What it does is configured below /system/monitoring of the profile.",
               {},
               {{"weft-sensord once | grep node_load", "what would be sent, now"},
                {"weft-sensord check-config", "which sensors and rules the current profile gives"}},
               {},
               {}};
  tool.commands.push_back({"run",
                           "measure and send until stopped (what the service does)",
                           "",
                           with_places({{"--state", "DIR", "spool and rule state", "/var/lib/weft-sensord"},
                                        {"--identity", "DIR", "node.crt, node.key, ca.crt", "/var/lib/weft-agent/identity"},
                                        {"--agent-config", "FILE", "the agent's settings", "/etc/weft/agent.yaml"},
                                        {"--node", "NAME", "this node's name; default from the certificate"},
                                        {"--server", "URL", "the server; default from the agent's settings"},
                                        {"--actuator", "SOCKET", "where restarts are asked for", "/run/weft/actuate.sock"}}),
                           {{"systemctl start weft-sensord", "how it is usually run"}},
                           run,
                           {}});
  tool.commands.push_back({"once",
                           "sample every active sensor once and print Prometheus text",
                           "",
                           with_places({{"[SENSOR...]", "", "only these"}}),
                           {{"weft-sensord once cpu load", "only what these two give"}},
                           once,
                           {}});
  tool.commands.push_back({"check-config",
                           "check the profile's monitoring tree; exit 1 when something is wrong",
                           "",
                           place_options,
                           {{"weft-sensord check-config --profile new.json", "before the profile goes out"}},
                           check_config,
                           {}});
  tool.commands.push_back({"list",
                           "all metrics that the sensors can give",
                           "",
                           {},
                           {{"weft-sensord list | grep disk", "what is measured of disks"}},
                           list,
                           {}});
  tool.commands.push_back(
      {"actuate",
       "restart the unit of one rule (internal: started by systemd as root)",
       "Reads 'restart RULE' from stdin, restarts the unit that this rule of the profile names, answers on stdout.",
       {{"--profile", "FILE", "the node's current profile", "/var/lib/weft-agent/profile/current.json"},
        {"--runs", "FILE", "record of runs", "/var/lib/weft-actuate/runs.json"}},
       {{"systemctl status weft-sensord-actuate.socket", "where requests come in"}},
       actuate,
       {}});
  tool.manual_section = 8;
  return base::cli::main(tool, argc, argv);
}
