#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/compress/compress.h"
#include "base/text/text.h"
#include "cdb/store/sql.h"
#include "cdb/store/store.h"
#include "schemas/migrations.h"

namespace cdb::store {
namespace {

base::Result<std::int64_t> branch_head(base::pg::Transaction& transaction, std::string_view branch) {
  const auto rows = WEFT_TRY(transaction.exec("select head from cdb.branch where name = $1 and deleted is null", {branch}));
  if (!rows.empty()) return rows.integer(0, 0);
  return base::fail(WEFT_TRY(unknown_branch(transaction, branch)));
}

base::Result<std::string> unpack(const base::pg::Rows& rows, std::size_t row, std::size_t column, std::string_view what) {
  auto content = base::compress::unzstd(rows.bytes(row, column));
  if (!content) return base::fail(std::move(content.error()).during(fmt::format("reading {} from the database", what)));
  return content;
}

Revision revision_at(const base::pg::Rows& rows, std::size_t i) {
  Revision r;
  r.number = rows.integer(i, 0);
  r.branch = rows.text(i, 1);
  r.parent = rows.integer(i, 2);
  r.author = {std::string(rows.text(i, 3)), std::string(rows.text(i, 4))};
  r.message = rows.text(i, 5);
  r.time = rows.text(i, 6);
  r.tree = digest_at(rows, i, 7);
  if (!rows.is_null(i, 8)) r.reverts = rows.integer(i, 8);
  r.compiled = static_cast<int>(rows.integer(i, 9));
  r.changed = static_cast<int>(rows.integer(i, 10));
  if (!rows.is_null(i, 11)) r.merged = rows.text(i, 11);
  r.merged_revision = rows.integer(i, 12);
  return r;
}

base::Error no_revision(std::int64_t number) {
  return {base::Errc::not_found, fmt::format("no revision {}", number), "weft template log shows the revisions", {}};
}

base::Result<> load_files(base::pg::Transaction& transaction, std::string_view branch, std::int64_t since, BranchState& state) {
  const auto rows = since == 0
                        ? WEFT_TRY(transaction.exec("select t.path, t.blob, t.revision, b.data from cdb.tree t join cdb.blob b "
                                                    "on b.hash = t.blob where t.branch = $1 order by t.path",
                                                    {branch}))
                        : WEFT_TRY(transaction.exec(
                              "select e.path, e.after, e.revision, b.data from (select distinct on (path) path, after, revision "
                              "from cdb.edit where branch = $1 and revision > $2 order by path, revision desc) e "
                              "left join cdb.blob b on b.hash = e.after order by e.path",
                              {branch, since}));
  state.files.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string path(rows.text(i, 0));
    if (rows.is_null(i, 1)) {
      state.removed.push_back(std::move(path));
      continue;
    }
    auto content = WEFT_TRY(unpack(rows, i, 3, path));
    const auto size = static_cast<std::int64_t>(content.size());
    state.files.push_back({std::move(path), digest_at(rows, i, 1), rows.integer(i, 2), size, std::move(content)});
  }
  return {};
}

}  // namespace

base::Result<std::shared_ptr<Store>> Store::open(std::shared_ptr<base::pg::Pool> pool) {
  WEFT_TRY(base::pg::migrate(*pool, "cdb", schemas::cdb_migrations()));
  return std::make_shared<Store>(std::move(pool));
}

base::Result<std::int64_t> Store::head(std::string_view branch) const {
  auto transaction = WEFT_TRY(pool_->begin());
  return branch_head(transaction, branch);
}

base::Result<BranchState> Store::load(std::string_view branch, std::int64_t since, std::int32_t known_reads) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  BranchState state;
  state.head = WEFT_TRY(branch_head(transaction, branch));
  const auto kind = WEFT_TRY(transaction.exec("select kind = 'sandbox' from cdb.branch where name = $1", {branch}));
  state.sandbox = kind.boolean(0, 0);
  if (state.head != since) {
    WEFT_TRY(load_files(transaction, branch, since, state));
    const auto rows =
        WEFT_TRY(transaction.exec("select name, path, root, revision, reads, attributes->>'role', attributes->>'cluster', "
                                  "attributes->>'rack' from cdb.object where branch = $1 and touched > $2 "
                                  "and ($2 > 0 or root is not null) order by name",
                                  {branch, since}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      state.objects.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), optional_digest_at(rows, i, 2),
                               rows.integer(i, 3), rows.bytes(i, 4), std::string(rows.text(i, 5)), std::string(rows.text(i, 6)),
                               std::string(rows.text(i, 7))});
    }
  }
  const auto rows = WEFT_TRY(
      transaction.exec("select kind, root, name, path from cdb.read where id > $1 order by id", {static_cast<int>(known_reads)}));
  state.first_read = known_reads + 1;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    state.reads.push_back({static_cast<int>(rows.integer(i, 0)), static_cast<int>(rows.integer(i, 1)),
                           std::string(rows.text(i, 2)), std::string(rows.text(i, 3))});
  }
  return state;
}

base::Result<std::vector<File>> Store::files(std::string_view branch, std::int64_t revision, std::string_view prefix,
                                             bool content) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  const auto head = WEFT_TRY(branch_head(transaction, branch));
  if (revision < 0) return base::fail(no_revision(revision));
  const auto at = revision == 0 ? head : revision;
  // A number of another branch shows this branch as it was then; one in the future is an error.
  const auto newest = WEFT_TRY(transaction.exec("select revision from cdb.counter"));
  if (at > newest.integer(0, 0)) return base::fail(no_revision(at));
  const std::string below = prefix.empty() ? "%" : like(prefix) + "/%";
  const auto rows =
      at >= head
          ? WEFT_TRY(transaction.exec("select t.path, t.blob, t.revision, b.size, case when $4 then b.data end from cdb.tree t "
                                      "join cdb.blob b on b.hash = t.blob "
                                      "where t.branch = $1 and (t.path like $2 or t.path = $3) order by t.path",
                                      {branch, below, prefix, content}))
          : WEFT_TRY(transaction.exec("select e.path, e.after, e.revision, b.size, case when $4 then b.data end from "
                                      "(select distinct on (path) path, after, revision from cdb.edit where branch = $1 and "
                                      "(path like $2 or path = $3) and revision <= $5 order by path, revision desc) e "
                                      "join cdb.blob b on b.hash = e.after order by e.path",
                                      {branch, below, prefix, content, at}));
  std::vector<File> out;
  out.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    File file{std::string(rows.text(i, 0)), digest_at(rows, i, 1), rows.integer(i, 2), rows.integer(i, 3), std::nullopt};
    if (content) file.content = WEFT_TRY(unpack(rows, i, 4, file.path));
    out.push_back(std::move(file));
  }
  return out;
}

base::Result<File> Store::file(std::string_view branch, std::int64_t revision, std::string_view path) const {
  auto found = WEFT_TRY(files(branch, revision, path, true));
  for (auto& file : found) {
    if (file.path == path) return std::move(file);
  }
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select path from cdb.tree where branch = $1 order by path limit 50000", {branch}));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.size(); ++i) names.emplace_back(rows.text(i, 0));
  const auto shown = std::string(path.substr(0, 200));
  return base::fail(
      base::Errc::not_found,
      fmt::format("branch {} has no file '{}'{}{}", branch, shown, revision > 0 ? fmt::format(" at revision {}", revision) : "",
                  base::text::did_you_mean_suffix(shown, names)),
      "weft template list shows the files");
}

base::Result<std::vector<std::string>> Store::blobs(std::span<const Digest> hashes) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select hash, data from cdb.blob where hash = any($1::bytea[])", {bytea_array(hashes)}));
  std::map<Digest, std::string> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    found.emplace(digest_at(rows, i, 0), WEFT_TRY(unpack(rows, i, 1, "a template")));
  }
  std::vector<std::string> out;
  for (const auto& hash : hashes) {
    const auto place = found.find(hash);
    if (place == found.end())
      return base::fail(base::Errc::corrupt, "template content " + hash.hex() + " is missing in the database");
    out.push_back(place->second);
  }
  return out;
}

base::Result<std::vector<Store::FileRevision>> Store::file_history(std::string_view branch, std::int64_t revision,
                                                                   std::string_view path, int limit) const {
  auto transaction = WEFT_TRY(pool_->begin(base::pg::Isolation::repeatable_read));
  WEFT_TRY(branch_head(transaction, branch));
  std::vector<FileRevision> out;
  std::string at(branch);
  auto newest = revision == 0 ? std::int64_t{1} << 53 : revision;
  for (;;) {
    const auto fork =
        WEFT_TRY(transaction.exec("select source, source_revision, created_in from cdb.branch where name = $1", {at}));
    const bool forked = !fork.empty() && !fork.is_null(0, 0);
    const auto rows = WEFT_TRY(transaction.exec(
        "select number, r.branch, parent, author_kind, author, message, cdb.rfc3339(time), tree, reverts, compiled, changed, "
        "merged, "
        "merged_revision, before, after from cdb.edit e join cdb.revision r on r.number = e.revision "
        "where e.branch = $1 and e.path = $2 and e.revision <= $3 and e.revision <> $4 order by e.revision desc limit $5",
        {at, path, newest, forked ? fork.integer(0, 2) : std::int64_t{0}, limit - static_cast<int>(out.size())}));
    for (std::size_t i = 0; i < rows.size(); ++i)
      out.push_back({revision_at(rows, i), optional_digest_at(rows, i, 13), optional_digest_at(rows, i, 14)});
    if (!forked || static_cast<int>(out.size()) >= limit) return out;
    newest = std::min(newest, fork.integer(0, 1));
    at = fork.text(0, 0);
  }
}

base::Result<std::vector<Edit>> Store::moved_since(std::string_view branch, std::int64_t base_revision,
                                                   std::span<const std::string> paths) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select path, (array_agg(before order by revision))[1], (array_agg(after order by revision "
                                "desc))[1], max(revision) from cdb.edit "
                                "where branch = $1 and path = any($2::text[]) and revision > $3 group by path order by path",
                                {branch, text_array(paths), base_revision}));
  std::vector<Edit> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Edit edit{std::string(rows.text(i, 0)), optional_digest_at(rows, i, 1), optional_digest_at(rows, i, 2), rows.integer(i, 3)};
    if (edit.before != edit.after) out.push_back(std::move(edit));
  }
  return out;
}

base::Result<std::vector<Revision>> Store::revisions(const RevisionFilter& filter) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select number, branch, parent, author_kind, author, message, cdb.rfc3339(time), tree, reverts, compiled, changed, merged, "
      "merged_revision "
      "from cdb.revision r where ($1::text is null or branch = $1) and ($2::bigint = 0 or number < $2) "
      "and ($3::text is null or exists (select from cdb.edit e where e.revision = r.number and e.path = $3)) "
      "and ($4::text is null or exists (select from cdb.node_root n where n.node = $4 and n.revision = r.number)) "
      "order by number desc limit $5",
      {filter.branch, filter.before, filter.path, filter.node, filter.limit}));
  std::vector<Revision> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(revision_at(rows, i));
  return out;
}

base::Result<Revision> Store::revision(std::int64_t number) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec(
      "select number, branch, parent, author_kind, author, message, cdb.rfc3339(time), tree, reverts, compiled, changed, merged, "
      "merged_revision "
      "from cdb.revision where number = $1",
      {number}));
  if (rows.empty()) return base::fail(no_revision(number));
  return revision_at(rows, 0);
}

base::Result<std::string> Store::plan(std::int64_t number) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows = WEFT_TRY(transaction.exec("select plan from cdb.revision where number = $1", {number}));
  if (rows.empty()) return base::fail(no_revision(number));
  return unpack(rows, 0, 0, fmt::format("the plan of revision {}", number));
}

base::Result<std::vector<Edit>> Store::edits(std::int64_t number) const {
  auto transaction = WEFT_TRY(pool_->begin());
  const auto rows =
      WEFT_TRY(transaction.exec("select path, before, after from cdb.edit where revision = $1 order by path", {number}));
  std::vector<Edit> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back({std::string(rows.text(i, 0)), optional_digest_at(rows, i, 1), optional_digest_at(rows, i, 2), number});
  }
  return out;
}

}  // namespace cdb::store
