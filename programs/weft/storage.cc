// `weft storage`: files in pools, and whether all their copies are good.
#include <fmt/format.h>

#include <filesystem>

#include "base/crypto/crypto.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "programs/weft/output.h"
#include "programs/weft/session.h"

namespace programs::weft {
namespace {

using base::Errc;
using base::fail;
using base::cli::Arguments;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

// The pool named with --pool, or the only one there is.
base::Result<std::string> pool_of(base::http::Client& client, const Arguments& arguments) {
  if (arguments.has("pool")) return std::string(arguments.get("pool"));
  Value answer = WEFT_TRY(call(client, "GET", "/v1/storage"));
  const List& pools = list_of(answer, "pools");
  if (pools.empty())
    return fail(Errc::not_found, "no node is a member of a pool", "Give nodes the role dirpool in their templates");
  if (pools.size() > 1) return fail(Errc::invalid, "there are several pools: " + some_names(pools, 10), "Name one with --pool");
  return *pools.front().string();
}

base::Result<int> put(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string pool = WEFT_TRY(pool_of(client, arguments));
  List all;
  for (const std::string& file : arguments.all("FILE")) {
    std::string name =
        arguments.has("name") ? std::string(arguments.get("name")) : std::filesystem::path(file).filename().string();
    if (arguments.has("name") && arguments.all("FILE").size() > 1) return fail(Errc::invalid, "--name goes with one file only");
    base::http::ClientRequest request;
    request.method = "PUT";
    request.path = fmt::format("/v1/storage/{}/file/{}", url_encode(pool), url_encode(name));
    request.body = WEFT_TRY(base::file::read(file));
    request.content_type = "application/octet-stream";
    request.timeout = std::chrono::minutes(5);
    auto response = base::http::expect_ok(client.send(request));
    if (!response) return fail(std::move(response.error()).during("storing " + file));
    Value answer = WEFT_TRY(base::profile::parse_json(response->body));
    if (!arguments.has("json"))
      fmt::print("{}: {} bytes on {}\n", name, answer.get_integer("size"), some_names(list_of(answer, "copies"), 10));
    all.push_back(std::move(answer));
  }
  if (arguments.has("json")) print_json(all);
  return 0;
}

base::Result<int> get(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string pool = WEFT_TRY(pool_of(client, arguments));
  base::http::ClientRequest request;
  request.path = fmt::format("/v1/storage/{}/file/{}", url_encode(pool), url_encode(arguments.get("NAME")));
  request.timeout = std::chrono::minutes(5);
  auto response = WEFT_TRY(base::http::expect_ok(client.send(request)));
  if (arguments.has("FILE")) {
    WEFT_TRY(base::file::write_atomic(std::filesystem::path(arguments.get("FILE")), response.body));
    return 0;
  }
  if (std::fwrite(response.body.data(), 1, response.body.size(), stdout) != response.body.size())
    return fail(Errc::exhausted, "cannot write to stdout");
  return 0;
}

base::Result<int> list(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string pool = WEFT_TRY(pool_of(client, arguments));
  Value answer = WEFT_TRY(call(client, "GET", "/v1/storage/" + url_encode(pool)));
  if (arguments.has("json")) {
    print_json(answer);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Value& member : list_of(answer, "members")) {
    std::int64_t used = 0;
    if (const Value* filesystems = member.get("filesystems"); filesystems && filesystems->is_dict()) {
      for (const auto& [name, fs] : *filesystems->dict()) used += fs.get_integer("used");
    }
    rows.push_back({std::string(member.get_string("node")), std::string(member.get_string("state")),
                    std::string(member.get_string("failure_domain")), std::to_string(used),
                    member.get_boolean("reachable") ? "" : std::string(member.get_string("trouble"))});
  }
  fmt::print("{}\n", base::cli::table({"MEMBER", "STATE", "FAILURE DOMAIN", "BYTES", "TROUBLE"}, rows));
  rows.clear();
  for (const Value& file : list_of(answer, "files")) {
    rows.push_back(
        {std::string(file.get_string("name")), std::to_string(file.get_integer("size")), some_names(list_of(file, "nodes"), 5)});
  }
  fmt::print("{}", base::cli::table({"FILE", "BYTES", "COPIES"}, rows));
  return list_of(answer, "unreachable").empty() ? 0 : 1;
}

base::Result<int> check(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string pool = WEFT_TRY(pool_of(client, arguments));
  Value answer =
      WEFT_TRY(call(client, "GET", fmt::format("/v1/storage/{}/check", url_encode(pool)), {}, std::chrono::minutes(30)));
  const List& problems = list_of(answer, "problems");
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    for (const Value& problem : problems) {
      fmt::print("{}: {} (copies on {})\n", problem.get_string("name"), problem.get_string("problem"),
                 some_names(list_of(problem, "copies"), 5));
    }
    for (const Value& member : list_of(answer, "unreachable"))
      fmt::print("not asked: {}: {}\n", member.get_string("node"), member.get_string("why"));
    fmt::print("{} files, {} copies read and compared, {} problems\n", answer.get_integer("files"), answer.get_integer("copies"),
               problems.size());
  }
  return problems.empty() && answer.get_boolean("complete") ? 0 : 1;
}

base::Result<int> forget(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const std::string node = WEFT_TRY(resolve_node(client, arguments.get("NODE")));
  WEFT_TRY(call(client, "DELETE", fmt::format("/v1/storage/directory/{}/{}", url_encode(node), url_encode(arguments.get("FS")))));
  fmt::print("the identity of {} on {} is forgotten: what is found there next is taken as new\n", arguments.get("FS"), node);
  return 0;
}

}  // namespace

base::cli::Command storage_command() {
  const base::cli::Option pool{.name = "--pool", .value = "POOL", .help = "which pool; not needed when there is one"};
  base::cli::Command command;
  command.name = "storage";
  command.summary = "files in pools and their copies";
  command.examples = {{"weft storage check", "is every file there as often as it must be, and whole?"}};
  command.commands = {
      verb("put", "store files, each with all its copies",
           {{.name = "FILE...", .help = "files", .required = true},
            {.name = "--name", .value = "NAME", .help = "its name in the pool"},
            pool},
           {{"weft storage put run1.root run2.root", "copies in different failure domains, read back before it returns"}}, put),
      verb("get", "fetch a file, checked",
           {{.name = "NAME", .help = "name in the pool", .required = true},
            {.name = "[FILE]", .help = "where to write it; stdout by default"},
            pool},
           {{"weft storage get run1.root /tmp/run1.root", "the first good copy"}}, get),
      verb("list", "members, files and where they are", {pool}, {{"weft storage list", "the whole pool"}}, list),
      verb("check", "read every copy and compare", {pool},
           {{"weft storage check", "exit code 1 when a copy is missing, damaged or one too many"}}, check),
      verb("forget", "take a replaced disk's directory as new",
           {{.name = "NODE", .help = "the node", .required = true},
            {.name = "FS", .help = "file system, e.g. 01", .required = true}},
           {{"weft storage forget disk01 02", "after the disk behind /data/02 was replaced"}}, forget),
  };
  return command;
}

}  // namespace programs::weft
