// Helpers of cdb/store for SQL values; not for other rooms. Pure but for audit(). Any thread, within the caller's transaction.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/pg/pg.h"
#include "cdb/store/types.h"

namespace cdb::store {

std::string text_array(std::span<const std::string> values);  // {"a","b"}
std::string bytea_array(std::span<const Digest> values);      // {"\\x..."}
std::string bytea_array(std::span<const std::string> values);
base::pg::Bytes bytes(const Digest& digest);
base::pg::Param bytes(const std::optional<Digest>& digest);
Digest digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column);
std::optional<Digest> optional_digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column);
// LIKE pattern of a shell pattern.
std::string like(std::string_view pattern);

// "no branch 'mian' (did you mean main?)"; a deleted one is named as such.
base::Result<base::Error> unknown_branch(base::pg::Transaction& transaction, std::string_view name);
// Locks the counter; every write that takes a number begins with it. Returns the next number.
base::Result<std::int64_t> next_number(base::pg::Transaction& transaction);
// A revision's row: branch.head and the counter's number move with it.
struct RevisionRow {
  std::int64_t number = 0, parent = 0;
  std::string_view branch, message;
  const Actor& author;
  Digest tree;
  std::optional<std::int64_t> reverts;
  std::optional<std::string> merged;
  std::int64_t merged_revision = 0;
  std::int64_t compiled = 0, changed = 0;
  std::string_view plan;
};
base::Result<> insert_revision(base::pg::Transaction& transaction, const RevisionRow& row);
// Errc::invalid, conflict or exhausted when no such branch can be made. Inserts it with head 0.
base::Result<> insert_branch(base::pg::Transaction& transaction, const NewBranch& branch, const Actor& author,
                             std::int64_t number);

// Appends a row to the chain; holds the chain's lock until the transaction ends, so call it last.
base::Result<> append_audit(base::pg::Transaction& transaction, const Actor& actor, std::string_view action,
                            std::string_view subject, base::profile::Value detail);
// Errc::conflict when another policy than this is in force. Under the lock of next_number().
base::Result<> check_policy(base::pg::Transaction& transaction, std::int64_t policy);
// "no node 'disk1' (did you mean disk01?)"
base::Result<base::Error> unknown_node(base::pg::Transaction& transaction, std::string_view name);

}  // namespace cdb::store
