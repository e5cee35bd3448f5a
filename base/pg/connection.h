// Inside base/pg only: one libpqxx connection and the translation of its exceptions. Owned by a Pool or a Listener; one thread at
// a time. Failures are Results; whether the connection may be used again is told by `broken()`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <pqxx/pqxx>
#include <span>
#include <string>

#include "base/pg/pg.h"

namespace base::pg {

struct Rows::Data {
  pqxx::result result;
};

class Connection {
 public:
  static Result<std::unique_ptr<Connection>> connect(const std::string& url);

  // One statement with parameters, prepared under its text.
  Result<Rows> exec(std::string_view sql, std::span<const Param> params);
  // Several statements separated by ';', no parameters, no result.
  Result<> script(std::string_view sql);
  Result<> copy(std::string_view table, std::span<const std::string_view> columns, const std::vector<std::vector<Param>>& rows);

  bool broken() const { return broken_; }
  // The last failure was a serialization failure, a deadlock or a stale plan: the same transaction may succeed when repeated.
  bool repeatable() const { return repeatable_; }
  pqxx::connection& raw() { return connection_; }

 private:
  explicit Connection(const std::string& url);
  Result<Rows> guard(std::string_view what, const std::function<Result<Rows>()>& work);
  Error sql_failure(const std::string& sqlstate, const std::string& what);

  pqxx::connection connection_;
  std::unique_ptr<pqxx::quiet_errorhandler> quiet_;  // the server's notices would go to stderr otherwise
  std::map<std::string, std::string, std::less<>> prepared_;
  bool broken_ = false;
  bool repeatable_ = false;
};

// First line of the server's message without "ERROR:", then its HINT or DETAIL where that cannot contain row values.
std::string server_message(std::string_view what, bool with_detail);

}  // namespace base::pg
