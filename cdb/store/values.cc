// Values of profiles as rows.
#include "cdb/store/values.h"

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"

namespace cdb::store {
namespace {

using base::pg::Transaction;
using base::profile::Value;
using Table = std::vector<std::vector<base::pg::Param>>;

std::string uuid(const ValueId& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(32);
  for (const auto byte : id) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string array(const std::vector<std::string>& plain) {
  return "{" + base::text::join(plain, ",") + "}";
}

base::Result<std::vector<std::int64_t>> number_paths(Transaction& transaction, const std::vector<std::string>& paths) {
  std::map<std::string, std::int64_t, std::less<>> known;
  const auto rows =
      WEFT_TRY(transaction.exec("select path, id from cdb.value_path where path = any($1::text[])", {text_array(paths)}));
  for (std::size_t i = 0; i < rows.size(); ++i) known.emplace(rows.text(i, 0), rows.integer(i, 1));
  auto next = WEFT_TRY(transaction.exec("select coalesce(max(id), 0) from cdb.value_path")).integer(0, 0);
  Table fresh;
  std::vector<std::int64_t> out;
  for (const auto& path : paths) {
    const auto [place, added] = known.emplace(path, next + 1);
    if (added) fresh.push_back({++next, path});
    out.push_back(place->second);
  }
  if (!fresh.empty()) WEFT_TRY(transaction.copy("cdb.value_path", {"id", "path"}, fresh));
  return out;
}

// Who has which value now: new values are loaded in bulk, of known ones the set of nodes moves.
base::Result<> move_values(Transaction& transaction, const ValueChanges& changes, const std::vector<std::int64_t>& paths) {
  struct Moved {
    NumberSet come, gone;
    std::size_t path = 0;
  };
  std::vector<Moved> moved(changes.leaves.size());
  for (const auto& change : changes.changes) {
    if (change.before) moved[*change.before].gone.add(change.nodes);
    if (change.after) moved[*change.after].come.add(change.nodes);
    for (const auto& leaf : {change.before, change.after}) {
      if (leaf) moved[*leaf].path = change.path;
    }
  }
  std::vector<std::string> ids;
  for (const auto& leaf : changes.leaves) ids.push_back(uuid(leaf.id));
  const auto rows = WEFT_TRY(transaction.exec(
      "select t.place from unnest($1::uuid[]) with ordinality t (id, place) join cdb.value v on v.id = t.id", {array(ids)}));
  std::vector<bool> known(ids.size());
  for (std::size_t i = 0; i < rows.size(); ++i) known[static_cast<std::size_t>(rows.integer(i, 0)) - 1] = true;

  Table fresh;
  constexpr std::size_t batch = 5000;
  std::vector<std::string> some, come, gone;
  const auto flush = [&]() -> base::Result<> {
    if (some.empty()) return {};
    WEFT_TRY(transaction.exec(
        "update cdb.value v set nodes = v.nodes - t.gone + t.come "
        "from unnest($1::uuid[], $2::int4multirange[], $3::int4multirange[]) t (id, come, gone) where v.id = t.id",
        {array(some), text_array(come), text_array(gone)}));
    some.clear();
    come.clear();
    gone.clear();
    return {};
  };
  for (std::size_t i = 0; i < ids.size(); ++i) {
    moved[i].come.normalise();
    moved[i].gone.normalise();
    const auto& leaf = changes.leaves[i].leaf;
    if (known[i]) {
      some.push_back(ids[i]);
      come.push_back(moved[i].come.text());
      gone.push_back(moved[i].gone.text());
      if (some.size() == batch) WEFT_TRY(flush());
    } else if (!moved[i].gone.empty()) {
      return base::fail(base::Errc::corrupt,
                        fmt::format("value {} at {} was never recorded", ids[i], changes.paths[moved[i].path]));
    } else {
      fresh.push_back({ids[i], paths[moved[i].path], leaf.type, leaf.text, moved[i].come.text()});
    }
  }
  WEFT_TRY(flush());
  return fresh.empty() ? base::Result<>{} : transaction.copy("cdb.value", {"id", "path", "type", "value", "nodes"}, fresh);
}

base::Result<Value> value_at(const base::pg::Rows& rows, std::size_t row, std::size_t type, std::size_t text) {
  if (rows.text(row, type) == "string") return Value(rows.text(row, text));
  return base::profile::parse_json(rows.text(row, text));
}

base::Result<std::optional<Value>> optional_value_at(const base::pg::Rows& rows, std::size_t row, std::size_t type,
                                                     std::size_t text) {
  if (rows.is_null(row, type)) return std::optional<Value>{};
  return std::optional(WEFT_TRY(value_at(rows, row, type, text)));
}

// Each part by itself, so that * stays within it. `below`: the path may go on.
bool path_matches(std::string_view pattern, std::string_view path, bool below = false) {
  const auto wanted = base::text::split(pattern, '/'), parts = base::text::split(path, '/');
  if (below ? parts.size() <= wanted.size() : parts.size() != wanted.size()) return false;
  return std::equal(wanted.begin(), wanted.end(), parts.begin(),
                    [](const auto& a, const auto& b) { return base::text::glob_match(a, b); });
}

}  // namespace

ValueId value_id(const Leaf& leaf) {
  std::string all;
  all.reserve(leaf.path.size() + leaf.type.size() + leaf.text.size() + 2);
  all.append(leaf.path).append(1, '\0').append(leaf.type).append(1, '\0').append(leaf.text);
  const auto hash = base::crypto::sha256(all);
  ValueId out;
  std::memcpy(out.data(), hash.data(), out.size());
  return out;
}

void NumberSet::normalise() {
  if (std::is_sorted(ranges_.begin(), ranges_.end(), [](const auto& a, const auto& b) { return a.second < b.first; })) return;
  std::sort(ranges_.begin(), ranges_.end());
  std::size_t last = 0;
  for (std::size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].first <= ranges_[last].second) {
      ranges_[last].second = std::max(ranges_[last].second, ranges_[i].second);
    } else {
      ranges_[++last] = ranges_[i];
    }
  }
  ranges_.resize(last + 1);
}

std::string NumberSet::text() const {
  std::string out = "{";
  for (const auto& [begin, end] : ranges_)
    fmt::format_to(std::back_inserter(out), "{}[{},{})", out.size() > 1 ? "," : "", begin, end);
  return out + "}";
}

base::Result<std::optional<ValueStep>> Store::next_values() {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto next = WEFT_TRY(transaction.exec(
      "select s.revision, (select min(revision) from cdb.node_root r where r.revision > s.revision) from cdb.value_state s"));
  if (next.is_null(0, 1)) return std::optional<ValueStep>{};
  ValueStep step;
  step.from = next.integer(0, 0);
  step.revision = next.integer(0, 1);
  WEFT_TRY(transaction.exec("select from cdb.value_state for update"));
  // Neighbours in a cluster have most values in common: sets of their numbers are few ranges.
  WEFT_TRY(transaction.exec(
      "insert into cdb.node_number (node, number) select r.node, (select coalesce(max(number), 0) from cdb.node_number) + "
      "row_number() over (order by n.attributes ->> 'role', n.attributes ->> 'cluster', r.node) from cdb.node_root r "
      "join cdb.node n on n.name = r.node where r.revision = $1 and "
      "not exists (select from cdb.node_number o where o.node = r.node)",
      {step.revision}));
  const auto rows = WEFT_TRY(
      transaction.exec("select n.number, (select p.root from cdb.node_root p where p.node = r.node and p.revision < r.revision "
                       "order by p.revision desc limit 1), r.root from cdb.node_root r join cdb.node_number n on n.node = r.node "
                       "where r.revision = $1 order by n.number",
                       {step.revision}));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    step.moves.push_back(
        {static_cast<std::int32_t>(rows.integer(i, 0)), optional_digest_at(rows, i, 1), optional_digest_at(rows, i, 2)});
  }
  WEFT_TRY(transaction.commit());
  return std::optional(std::move(step));
}

base::Result<bool> Store::add_values(const ValueStep& step, const ValueChanges& changes) {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto state = WEFT_TRY(transaction.exec("select revision from cdb.value_state for update"));
  if (state.integer(0, 0) != step.from) return false;
  const auto paths = WEFT_TRY(number_paths(transaction, changes.paths));
  WEFT_TRY(move_values(transaction, changes, paths));
  Table rows;
  const auto id = [&](const std::optional<std::size_t>& leaf) {
    return leaf ? base::pg::Param(uuid(changes.leaves[*leaf].id)) : base::pg::Param(nullptr);
  };
  for (const auto& change : changes.changes)
    rows.push_back({step.revision, paths[change.path], id(change.before), id(change.after), change.nodes.text()});
  if (!rows.empty()) WEFT_TRY(transaction.copy("cdb.value_change", {"revision", "path", "before", "after", "nodes"}, rows));
  WEFT_TRY(transaction.exec("update cdb.value_state set revision = $1", {step.revision}));
  WEFT_TRY(base::fail_point("cdb.values.stored"));
  WEFT_TRY(transaction.commit());
  return true;
}

base::Result<std::int64_t> Store::values_revision() const {
  auto transaction = WEFT_TRY(pool_->begin());
  return WEFT_TRY(transaction.exec("select revision from cdb.value_state")).integer(0, 0);
}

base::Result<std::vector<std::string>> Store::value_paths(std::span<const std::string> patterns) const {
  auto transaction = WEFT_TRY(pool_->begin());
  std::vector<std::string> out;
  for (const auto& pattern : patterns) {
    const auto before = out.size();
    const auto rows =
        WEFT_TRY(transaction.exec("select path from cdb.value_path where path like $1 order by path", {like(pattern)}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (path_matches(pattern, rows.text(i, 0))) out.emplace_back(rows.text(i, 0));
    }
    if (out.size() > before) continue;
    // Below it, or beside it?
    const auto slash = pattern.rfind('/');
    const auto near =
        WEFT_TRY(transaction.exec("select path from cdb.value_path where path like $1 or path like $2 order by path limit 2000",
                                  {like(pattern) + "/%", like(pattern.substr(0, slash)) + "/%"}));
    std::vector<std::string> below, beside;
    for (std::size_t i = 0; i < near.size(); ++i) {
      const auto path = near.text(i, 0);
      if (path_matches(pattern, path, true)) {
        below.emplace_back(path);
      } else {
        beside.emplace_back(path);
      }
    }
    const auto shown = pattern.substr(0, 200);
    if (!below.empty()) {
      below.resize(std::min<std::size_t>(below.size(), 3));
      return base::fail(base::Errc::not_found,
                        fmt::format("{} is no value but holds values: {}", shown, base::text::join(below, ", ")),
                        fmt::format("name one of them, or {}/* for all of this level", shown));
    }
    return base::fail(base::Errc::not_found,
                      fmt::format("no profile has or had a value at {}{}", shown, base::text::did_you_mean_suffix(shown, beside)),
                      "weft profile show NODE shows what there is");
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

base::Result<std::vector<NodeValue>> Store::values(std::span<const std::string> paths, std::int64_t revision) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto rows =
      revision == 0
          ? WEFT_TRY(transaction.exec(
                "select node, path, type, value from fabric.current_value where path = any($1::text[]) order by node, path",
                {text_array(paths)}))
          : WEFT_TRY(transaction.exec(
                "select node, path, type, value from (select distinct on (n.node, p.path) n.node, p.path, a.type, a.value "
                "from cdb.value_change c join cdb.value_path p on p.id = c.path join cdb.node_number n on c.nodes @> n.number "
                "left join cdb.value a on a.id = c.after where p.path = any($1::text[]) and c.revision <= $2 "
                "order by n.node, p.path, c.revision desc) t where type is not null order by node, path",
                {text_array(paths), revision}));
  std::vector<NodeValue> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), WEFT_TRY(value_at(rows, i, 2, 3))});
  return out;
}

base::Result<std::vector<ValueMove>> Store::value_history(std::string_view node, std::string_view path, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto rows = WEFT_TRY(transaction.exec(
      "select c.revision, p.path, cdb.rfc3339(r.time), r.author, r.message, o.type, o.value, a.type, a.value, r.reverts, "
      "(select min(number) from cdb.revision v where v.reverts = r.number) "
      "from cdb.node_number n join cdb.value_change c on c.nodes @> n.number join cdb.value_path p on p.id = c.path "
      "join cdb.revision r on r.number = c.revision left join cdb.value o on o.id = c.before left join cdb.value a on a.id = "
      "c.after "
      "where n.node = $1 and c.path = any(array(select id from cdb.value_path where path = $2 or path like $3)) "
      "order by c.revision desc, p.path limit $4",
      {node, path, like(path) + "/%", limit}));
  std::vector<ValueMove> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ValueMove move;
    move.revision = rows.integer(i, 0);
    move.path = rows.text(i, 1);
    move.time = rows.text(i, 2);
    move.author = rows.text(i, 3);
    move.message = rows.text(i, 4);
    move.before = WEFT_TRY(optional_value_at(rows, i, 5, 6));
    move.after = WEFT_TRY(optional_value_at(rows, i, 7, 8));
    if (!rows.is_null(i, 9)) move.reverts = rows.integer(i, 9);
    if (!rows.is_null(i, 10)) move.reverted_by = rows.integer(i, 10);
    out.push_back(std::move(move));
  }
  return out;
}

base::Result<std::int64_t> Store::revision_as_of(std::string_view time) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select (select max(number) from cdb.revision where time <= $1::timestamptz), (select "
                                "cdb.rfc3339(min(time)) from cdb.revision)",
                                {time}));
  if (rows.is_null(0, 0)) {
    return base::fail(
        base::Errc::not_found, fmt::format("there was no revision at {} yet", time),
        rows.is_null(0, 1) ? "nothing was committed so far" : fmt::format("the first one is of {}", rows.text(0, 1)));
  }
  return rows.integer(0, 0);
}

}  // namespace cdb::store
