// The configuration database over its HTTP API.
#include <fmt/format.h>

#include <ctime>
#include <iomanip>
#include <sstream>

#include "base/profile/json.h"
#include "base/profile/path.h"
#include "leaf/fabric/fabric.h"

namespace leaf::fabric {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

std::string encode(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

// Seconds since an RFC 3339 UTC time, never negative: a clock ahead of ours is no proof of age.
Result<std::chrono::seconds> age(std::string_view text) {
  std::tm parts{};
  std::istringstream in{std::string(text)};
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
  if (in.fail()) return fail(Errc::corrupt, fmt::format("'{}' is no RFC 3339 time", text));
  auto then = std::chrono::system_clock::from_time_t(timegm(&parts));
  auto passed = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - then);
  return std::max(passed, std::chrono::seconds(0));
}

Result<Node> node_of(const Value& value) {
  Node node;
  node.name = value.get_string("name");
  if (node.name.empty()) return fail(Errc::corrupt, "the configuration database sent a node without a name");
  node.desired_root = value.get_string("desired_root");
  node.applied_root = value.get_string("applied_root");
  std::string_view seen = value.get_string("last_seen");
  if (const Value* report = value.get("last_report"); report && report->is_dict()) {
    node.last_outcome = report->get_string("outcome");
    if (seen.empty()) seen = report->get_string("at");
  }
  if (!seen.empty()) node.seen_ago = WEFT_TRY(age(seen));
  const Value* attributes = value.get("attributes");
  if (!attributes || !attributes->is_dict())
    return fail(Errc::corrupt, fmt::format("the configuration database sent node {} without attributes", node.name));
  auto text = [&](std::string_view key) {
    const Value* item = attributes->get(key);
    if (item && item->is_integer()) return std::to_string(*item->integer());
    return std::string(attributes->get_string(key));
  };
  node.role = text("role");
  node.cluster = text("cluster");
  node.state = text("state");
  node.rack = text("rack");
  node.power_feed = text("power_feed");
  node.unit = text("unit");
  node.room = text("room");
  node.serial = text("serial");
  node.model = text("model");
  node.ip = text("ip");
  if (const Value* storage = attributes->get("storage")) node.storage = *storage;
  return node;
}

}  // namespace

Result<Value> HttpFabric::call(std::string method, std::string path, const Value& body) {
  base::http::Client client(options_);
  base::http::ClientRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  if (!body.is_null()) request.body = base::profile::to_json(body);
  request.timeout = std::chrono::seconds(60);
  auto response = base::http::expect_ok(client.send(request));
  if (!response)
    return fail(std::move(response.error())
                    .during(fmt::format("asking the configuration database for {} {}", request.method, request.path)));
  auto parsed = base::profile::parse_json(response->body);
  if (!parsed)
    return fail(std::move(parsed.error()).during(fmt::format("reading the configuration database's answer to {}", request.path)));
  return parsed;
}

Result<std::vector<Node>> HttpFabric::nodes() {
  std::vector<Node> out;
  std::string after;
  do {
    Value page = WEFT_TRY(call("GET", "/v1/node?limit=1000" + (after.empty() ? std::string() : "&after=" + encode(after))));
    const Value* list = page.get("nodes");
    if (!list || !list->is_list()) return fail(Errc::corrupt, "the configuration database's list of nodes has no 'nodes'");
    for (const Value& item : *list->list()) out.push_back(WEFT_TRY(node_of(item)));
    std::string next(page.get_string("next"));
    if (!next.empty() && next <= after) return fail(Errc::corrupt, "the configuration database's list of nodes does not advance");
    after = next;
  } while (!after.empty());
  return out;
}

Result<Node> HttpFabric::node(std::string_view name) {
  Node node = WEFT_TRY(node_of(WEFT_TRY(call("GET", "/v1/node/" + encode(name)))));
  if (node.model.empty()) {
    // The model is no attribute; the work order wants it, nothing depends on it.
    if (auto tree = profile(name)) {
      for (std::string_view path : {"/hardware/model", "/hardware/template", "/hardware/type"}) {
        const Value* model = base::profile::find(*tree, path);
        if (model && model->is_string() && node.model.empty()) node.model = *model->string();
      }
    }
  }
  return node;
}

Result<Value> HttpFabric::profile(std::string_view node) {
  return call("GET", "/v1/profile/" + encode(node));
}

// Claims go where the node finds its profile: to the branch that it follows.
Result<std::string> HttpFabric::branch_of(std::string_view path) {
  const auto begin = path.rfind('/') + 1;
  auto row = call("GET", "/v1/node/" + encode(path.substr(begin, path.rfind('.') - begin)));
  if (!row && row.error().code == Errc::not_found) return std::string("main");  // the node left
  return std::string(WEFT_TRY(std::move(row)).get_string("branch", "main"));
}

Result<TemplateFile> HttpFabric::read_template(std::string_view path) {
  // The listing tells absent from unreadable, and gives the revision in both cases.
  Value list = WEFT_TRY(
      call("GET", fmt::format("/v1/template?content=true&branch={}&prefix={}", encode(WEFT_TRY(branch_of(path))), encode(path))));
  const Value* files = list.get("files");
  const Value* revision = list.get("revision");
  if (!files || !files->is_list() || !revision || !revision->is_integer()) {
    return fail(Errc::corrupt, "the configuration database's list of templates has no 'files' or 'revision'");
  }
  TemplateFile out;
  out.revision = *revision->integer();
  for (const Value& file : *files->list()) {
    if (file.get_string("path") != path) continue;
    const Value* content = file.get("content");
    if (!content || !content->is_string())
      return fail(Errc::corrupt, fmt::format("the configuration database sent {} without its content", path));
    out.content = *content->string();
  }
  return out;
}

Result<std::int64_t> HttpFabric::change(std::string_view path, const std::optional<std::string>& content, std::int64_t base,
                                        std::string_view message) {
  if (!path.starts_with("sms/")) return fail(Errc::internal, fmt::format("LEAF must not write {}", path));
  Value edit = Dict{{"path", path}, {"content", content ? Value(*content) : Value()}};
  Value body = Dict{{"branch", WEFT_TRY(branch_of(path))}, {"base", base}, {"message", message}, {"edits", List{edit}}};
  Value answer = WEFT_TRY(call("POST", "/v1/change", body));
  const Value* revision = answer.get("revision");
  if (!revision || !revision->is_integer())
    return fail(Errc::corrupt, "the configuration database's answer to a change has no revision");
  return *revision->integer();
}

}  // namespace leaf::fabric
