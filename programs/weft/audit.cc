// `weft audit`: who did what; is the record whole.
#include <algorithm>

#include <fmt/format.h>

#include "base/profile/json.h"
#include "programs/weft/output.h"
#include "programs/weft/selection.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;

base::Result<int> list(const Arguments& arguments) {
  std::string ask;
  for (const auto* name : {"actor", "action"}) {
    if (arguments.has(name)) ask += fmt::format("&{}={}", name, url_encode(arguments.get(name)));
  }
  if (arguments.has("since")) {
    const auto since = WEFT_TRY(moment(arguments.get("since"), std::chrono::system_clock::now()));
    ask += "&since=" + url_encode(since);
  }
  const std::string count(arguments.get("limit"));
  if (count.empty() || count.size() > 9 || count.find_first_not_of("0123456789") != std::string::npos || std::stol(count) == 0)
    return fail(Errc::invalid, fmt::format("--limit {}: not a number of records", count), "for example --limit 500");
  auto left = static_cast<std::size_t>(std::stol(count));
  auto client = WEFT_TRY(connect(arguments));
  List records;
  std::int64_t before = 0;
  while (left > 0) {
    const auto answer = WEFT_TRY(
        call(client, "GET", fmt::format("/v1/audit?limit={}&before={}{}", std::min<std::size_t>(left, 1000), before, ask)));
    for (const auto& record : list_of(answer, "audit")) records.push_back(record);
    left = static_cast<std::size_t>(std::stol(count)) - records.size();
    before = answer.get_integer("next");
    if (before == 0) break;
  }
  if (arguments.has("json")) {
    print_json(Dict{{"audit", std::move(records)}});
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& record : records) {
    std::string detail;
    if (const auto* more = record.get("detail"); more && more->dict()) {
      for (const auto& [key, value] : *more->dict()) {
        if (key == "tree" || key == "message") continue;
        detail += fmt::format("{}{}={}", detail.empty() ? "" : " ", key,
                              value.is_string() ? *value.string() : base::profile::to_json(value));
      }
      const auto message = more->get_string("message");
      if (!message.empty()) detail += fmt::format("{}{}", detail.empty() ? "" : ": ", message.substr(0, message.find('\n')));
    }
    rows.push_back({std::to_string(record.get_integer("id")), std::string(record.get_string("time").substr(0, 19)),
                    fmt::format("{} {}", record.get_string("actor_kind"), record.get_string("actor")),
                    std::string(record.get_string("action")), std::string(record.get_string("subject")), detail});
  }
  if (rows.empty()) {
    fmt::print("no record matches\n");
  } else {
    fmt::print("{}", base::cli::table({"RECORD", "TIME (UTC)", "WHO", "ACTION", "SUBJECT", "DETAIL"}, rows));
  }
  return 0;
}

base::Result<int> verify(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto answer = WEFT_TRY(
      call(client, "GET",
           "/v1/audit/verify" + (arguments.has("known") ? "?known=" + url_encode(arguments.get("known")) : std::string())));
  const bool good = answer.get_boolean("verified");
  if (arguments.has("json")) {
    print_json(answer);
  } else if (good) {
    fmt::print("{} records, each follows from the one before\n", answer.get_integer("records"));
    if (answer.get_integer("records") > 0) {
      fmt::print("keep this outside of the server and check against it later:\n  weft audit verify --known {}:{}\n",
                 answer.get_integer("records"), answer.get_string("head"));
    }
  } else {
    fmt::print("{}\n", paint(Colour::red, answer.get_string("what")));
    fmt::print("  {}; records 1 to {} are whole\n", answer.get_string("meaning"), answer.get_integer("records"));
    fmt::print("  compare with an earlier weft audit export, and find out who has access to the database\n");
  }
  return good ? 0 : 1;
}

// One line of JSON for each record.
base::Result<int> write_out(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  for (std::int64_t after = 0;;) {
    const auto answer = WEFT_TRY(call(client, "GET", fmt::format("/v1/audit/export?limit=10000&after={}", after)));
    for (const auto& record : list_of(answer, "records")) fmt::print("{}\n", base::profile::to_json(record));
    after = answer.get_integer("next");
    if (after == 0) return 0;
  }
}

}  // namespace

base::cli::Command audit_command() {
  base::cli::Command out;
  out.name = "audit";
  out.summary = "who did what; is the record whole";
  out.description = "Every change, revert, token and certificate is a record; each holds the hash of the one before it.";
  out.examples = {{"weft audit list --action 'template.*' --since '2 days ago'", "who changed templates lately?"}};
  auto export_command =
      verb("export", "all records as lines of JSON: id, record, previous, hash", {},
           {{"weft audit export > audit.jsonl", "to keep outside of the server; docs/administrator.md checks it"}}, write_out);
  out.commands = {verb("list", "records, newest first",
                       {{.name = "--actor", .value = "NAME", .help = "only of this person, service or node"},
                        {.name = "--action", .value = "PATTERN", .help = "only these, for example template.commit or 'token*'"},
                        {.name = "--since", .value = "TIME", .help = "not older: 2026-11-23, '2 days ago'"},
                        {.name = "--limit", .value = "N", .help = "the newest N", .default_value = "50"}},
                       {{"weft audit list --actor alice", "what did she do?"}}, list),
                  verb("verify", "check the whole chain; exit status 1 when it is broken",
                       {{.name = "--known",
                         .value = "RECORD:HASH",
                         .help = "this record must have this hash, as printed by an earlier check"}},
                       {{"weft audit verify", "was anything changed or removed?"}}, verify),
                  std::move(export_command)};
  return out;
}

}  // namespace programs::weft
