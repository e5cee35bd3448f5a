// Helpers of cdb/store for SQL values; not for other rooms. Pure but for audit(). Any thread, within the caller's transaction.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/pg/pg.h"
#include "cdb/store/types.h"

namespace cdb::store {

std::string text_array(std::span<const std::string> values);  // {"a","b"}
std::string bytea_array(std::span<const Digest> values);      // {"\\x..."}
base::pg::Bytes bytes(const Digest& digest);
base::pg::Param bytes(const std::optional<Digest>& digest);
Digest digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column);
std::optional<Digest> optional_digest_at(const base::pg::Rows& rows, std::size_t row, std::size_t column);
// LIKE pattern of a shell pattern.
std::string like(std::string_view pattern);

// Appends a row to the chain; holds the chain's lock until the transaction ends, so call it last.
base::Result<> append_audit(base::pg::Transaction& transaction, const Actor& actor, std::string_view action,
                            std::string_view subject, base::profile::Value detail);
// "no node 'disk1' (did you mean disk01?)"
base::Result<base::Error> unknown_node(base::pg::Transaction& transaction, std::string_view name);

}  // namespace cdb::store
