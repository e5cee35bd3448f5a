// `weft profile`: what a node is to be.
#include <fmt/format.h>

#include "base/file/file.h"
#include "base/profile/hash.h"
#include "base/profile/json.h"
#include "base/profile/path.h"
#include "base/text/text.h"
#include "cdb/build/plan.h"
#include "cdb/pan/explain.h"
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
using base::profile::Value;

base::Result<Value> fetch(base::http::Client& client, std::string_view node, std::string_view revision,
                          std::string_view at = {}) {
  auto path = "/v1/profile/" + url_encode(node);
  if (!revision.empty()) path += "?revision=" + url_encode(revision);
  if (!at.empty()) path += (revision.empty() ? "?at=" : "&at=") + url_encode(at);
  return call(client, "GET", path);
}

// The value at a path, or an error that names the nearest existing place.
base::Result<const Value*> part(const Value& profile, std::string_view text) {
  auto path = WEFT_TRY(base::profile::Path::parse(text));
  if (const auto* found = base::profile::find(profile, path)) return found;
  const auto wanted = path;
  std::string missing;
  while (!path.parts().empty()) {
    missing = path.parts().back();
    path = path.parent();
    if (base::profile::find(profile, path)) break;
  }
  std::vector<std::string> names;
  const auto* parent = base::profile::find(profile, path);
  if (parent && parent->dict()) {
    for (const auto& [name, value] : *parent->dict()) names.push_back(name);
  }
  return fail(Errc::not_found, fmt::format("the profile has no {}: '{}' is not in {}{}", wanted.display(), missing,
                                           path.display(), base::text::did_you_mean_suffix(missing, names)));
}

base::Result<int> show(const Arguments& arguments) {
  auto client = WEFT_TRY(connect(arguments));
  const auto node = WEFT_TRY(resolve_node(client, arguments.get("NODE")));
  const auto profile = WEFT_TRY(fetch(client, node, arguments.get("revision"), WEFT_TRY(at_of(arguments))));
  const auto* value = &profile;
  if (arguments.has("PATH")) value = WEFT_TRY(part(profile, arguments.get("PATH")));
  if (!arguments.has("json") && value->is_string()) {
    fmt::print("{}\n", *value->string());
  } else {
    print_json(*value);
  }
  return 0;
}

List changes_json(const std::vector<base::profile::Change>& changes) {
  List out;
  for (const auto& change : changes) {
    out.emplace_back(Dict{{"path", change.path.text()},
                          {"before", change.before ? *change.before : Value()},
                          {"after", change.after ? *change.after : Value()},
                          {"change", !change.before  ? "added"
                                     : !change.after ? "removed"
                                                     : "changed"}});
  }
  return out;
}

void print_changes(const std::vector<base::profile::Change>& changes) {
  for (const auto& change : changes) {
    const auto line = cdb::build::plan_line(change);
    Dict shown{{"path", line.path}, {"diff", line.diff}};
    if (change.before) shown["before"] = line.before;
    if (change.after) shown["after"] = line.after;
    fmt::print("{}", change_text(shown, 0));
  }
}

base::Result<int> diff(const Arguments& arguments) {
  // With --select the first word is a revision too.
  auto revisions = arguments.all("REV");
  if (arguments.has("select") && arguments.has("NODE")) revisions.insert(revisions.begin(), std::string(arguments.get("NODE")));
  if (!arguments.has("select") && !arguments.has("NODE"))
    return fail(Errc::invalid, "no node is named", "weft profile diff disk01 12 15, or --select EXPRESSION 12 15");
  if (arguments.has("to") ? revisions.size() > 1 : revisions.size() != 2) {
    return fail(Errc::invalid, "give two revisions, or --to FILE", "weft profile diff disk01 12 15");
  }
  auto client = WEFT_TRY(connect(arguments));
  std::vector<std::string> nodes;
  if (arguments.has("select")) {
    nodes = WEFT_TRY(chosen_nodes(client, arguments, {}, true));
  } else {
    nodes.push_back(WEFT_TRY(resolve_node(client, arguments.get("NODE"))));
  }
  List list;
  std::size_t different = 0;
  for (const auto& node : nodes) {
    const auto before = WEFT_TRY(fetch(client, node, revisions.empty() ? std::string_view{} : std::string_view(revisions[0])));
    const auto after = arguments.has("to") ? WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::file::read(arguments.get("to")))))
                                           : WEFT_TRY(fetch(client, node, revisions[1]));
    const auto changes = base::profile::diff(before, after);
    different += !changes.empty();
    if (arguments.has("json")) {
      list.emplace_back(Dict{{"node", node}, {"changes", changes_json(changes)}});
    } else if (!changes.empty()) {
      if (arguments.has("select")) fmt::print("{}\n", paint(Colour::bold, node));
      print_changes(changes);
    }
  }
  if (arguments.has("json")) {
    if (arguments.has("select")) {
      print_json(Dict{{"nodes", std::move(list)}});
    } else {
      print_json(list.front());
    }
  } else if (different == 0) {
    fmt::print("no difference\n");
  }
  return 0;
}

base::Result<int> explain(const Arguments& arguments) {
  const auto path = arguments.get("PATH");
  if (!path.starts_with('/')) {
    return fail(Errc::invalid, fmt::format("'{}' is no path", path), "a path begins with /, for example /system/network");
  }
  auto client = WEFT_TRY(connect(arguments));
  const auto node = WEFT_TRY(resolve_node(client, arguments.get("NODE")));
  const auto answer =
      WEFT_TRY(call(client, "GET", fmt::format("/v1/profile/{}/explain?path={}", url_encode(node), url_encode(path))));
  if (arguments.has("json")) {
    print_json(answer);
  } else {
    fmt::print("{}", cdb::pan::explain_text(answer));
  }
  if (answer.get_boolean("complete")) return 0;
  const auto* diagnostics = answer.get("diagnostics");
  for (const auto& d : diagnostics != nullptr && diagnostics->list() != nullptr ? *diagnostics->list() : List()) {
    fmt::print(stderr, "weft: {}:{}.{}: {}\n", d.get_string("file"), d.get_integer("line"), d.get_integer("column"),
               d.get_string("message"));
  }
  return 1;
}

}  // namespace

base::cli::Command profile_command() {
  base::cli::Command show_command{
      .name = "show",
      .summary = "the profile of a node, or the part below a path",
      .description = "A string is printed bare, everything else as JSON.",
      .options = with_common({{.name = "NODE", .help = "node, or the beginning of its name up to a dot"},
                              {.name = "[PATH]", .help = "for example /system/network or /software/components/filecopy"},
                              {.name = "--revision", .value = "REV", .help = "as of this revision (default: now)"},
                              at_option("as of this revision or moment: 12, 2026-11-23T14:00:00Z, '2 days ago'")}),
      .examples = {{"weft profile show disk01 /system/state", "one value"},
                   {"weft profile show disk01 /system/state --at '2 days ago'", "and as it was"}},
      .run = [](const Arguments& arguments) { return run([&] { return show(arguments); }); },
      .commands = {}};
  base::cli::Command diff_command{
      .name = "diff",
      .summary = "what differs between two revisions of a node's profile, or a profile on disk",
      .description = "",
      .options = with_common(
          {{.name = "[NODE]", .help = "node, or the beginning of its name up to a dot; not with --select"},
           {.name = "[REV...]", .help = "two revisions; with --to one or none"},
           select_option(),
           {.name = "--to", .value = "FILE", .help = "a profile as JSON, for example /var/lib/weft-agent/profile/current.json"}}),
      .examples = {{"weft profile diff disk01 12 15", "between two revisions"},
                   {"weft profile diff --select 'role=disk' 12 15", "of all disk servers"},
                   {"weft profile diff disk01 --to current.json", "against a file"}},
      .run = [](const Arguments& arguments) { return run([&] { return diff(arguments); }); },
      .commands = {}};
  base::cli::Command explain_command{
      .name = "explain",
      .summary = "where the values below a path come from",
      .description =
          "For each value: the line that set it, the includes that led there, what it overrode, which default or structure "
          "template it came from, and the types it must have. * and ? match names.",
      .options = with_common({{.name = "NODE", .help = "node, or the beginning of its name up to a dot"},
                              {.name = "PATH", .help = "for example /system/network or '/software/components/*/active'"}}),
      .examples = {{"weft profile explain disk01 /system/state", "one value"}},
      .run = [](const Arguments& arguments) { return run([&] { return explain(arguments); }); },
      .commands = {}};
  return {.name = "profile",
          .summary = "what a node is to be",
          .description = "",
          .options = {},
          .examples = {{"weft profile show disk01", "everything"}},
          .run = {},
          .commands = {std::move(show_command), std::move(diff_command), std::move(explain_command)}};
}

}  // namespace programs::weft
