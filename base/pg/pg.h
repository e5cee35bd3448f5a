// PostgreSQL: connections, transactions, statements, migrations. The only room that includes libpqxx. Used by cdb, monitor and
// leaf, never by agent. A Pool is shared by threads; a Transaction belongs to the thread that opened it. Every failure is a
// Result; a lost connection is Errc::unavailable (the transaction did not commit, or, when `commit` itself was cut,
// Errc::timeout: unknown), serialization failure and unique violation are Errc::conflict.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"

namespace base::pg {

// A statement parameter; strings are text, Bytes is bytea.
struct Bytes {
  std::string data;
};
class Param {
 public:
  Param(std::nullptr_t) {}
  Param(bool v);
  Param(int v);
  Param(std::int64_t v);
  Param(double v);
  Param(const char* v);
  Param(std::string_view v);
  Param(const std::string& v);
  Param(const Bytes& v);
  template <class T>
  Param(const std::optional<T>& v) {
    if (v) *this = Param(*v);
  }
  const std::optional<std::string>& text() const { return text_; }
  bool binary() const { return binary_; }

 private:
  std::optional<std::string> text_;
  bool binary_ = false;
};

// Text results; typed access by column index. Cheap to move, safe after the transaction ended.
class Rows {
 public:
  std::size_t size() const;
  bool empty() const { return size() == 0; }
  bool is_null(std::size_t row, std::size_t column) const;
  std::string_view text(std::size_t row, std::size_t column) const;  // "" for NULL
  std::int64_t integer(std::size_t row, std::size_t column) const;   // 0 for NULL
  double real(std::size_t row, std::size_t column) const;
  bool boolean(std::size_t row, std::size_t column) const;
  std::string bytes(std::size_t row, std::size_t column) const;  // bytea, decoded
  std::size_t affected() const;

  struct Data;
  explicit Rows(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

 private:
  std::shared_ptr<const Data> data_;
};

class Transaction {
 public:
  ~Transaction();  // rolls back when not committed
  Transaction(Transaction&&) noexcept;
  // Prepared once per connection, keyed by the text: `sql` must be a constant with $1, $2, ...
  Result<Rows> exec(std::string_view sql, std::initializer_list<Param> params = {});
  Result<Rows> exec(std::string_view sql, const std::vector<Param>& params);
  // Bulk load by COPY; each row has as many cells as columns.
  Result<> copy(std::string_view table, std::initializer_list<std::string_view> columns,
                const std::vector<std::vector<Param>>& rows);
  // NOTIFY channel, payload (sent at commit).
  Result<> notify(std::string_view channel, std::string_view payload);
  // Several statements separated by ';', without parameters: schema changes.
  Result<> script(std::string_view sql);
  // A transaction in which a statement failed does not commit: it returns that statement's error.
  Result<> commit();

  struct Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);

 private:
  friend class Pool;
  std::unique_ptr<Impl> impl_;
};

enum class Isolation { read_committed, repeatable_read, serializable };

class Pool {
 public:
  // `url` is a libpq connection string or URL; multi-host and target_session_attrs pass through. Connects lazily, at most `size`
  // connections; begin() waits for a free one up to `wait`.
  static Result<std::shared_ptr<Pool>> open(std::string url, int size = 8,
                                            std::chrono::milliseconds wait = std::chrono::seconds(5));
  Result<Transaction> begin(Isolation isolation = Isolation::read_committed);
  // Runs `body` in a transaction and commits; repeats on serialization failure (Errc::conflict from the engine) up to 5 times.
  Result<> run(const std::function<Result<>(Transaction&)>& body, Isolation isolation = Isolation::read_committed);
  const std::string& url() const;
  ~Pool();

  struct Impl;
  explicit Pool(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// A thread of its own that LISTENs and reconnects by itself; after every (re)connect the callback gets ("", "") because hints may
// have been missed. Notifications are hints, tables are the truth.
class Listener {
 public:
  using Callback = std::function<void(std::string_view channel, std::string_view payload)>;
  static Result<std::unique_ptr<Listener>> start(std::string url, std::vector<std::string> channels, Callback callback);
  ~Listener();

  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// One ordered, forward-only line per area ("cdb", "monitor", "leaf"), embedded from schemas/sql/<area>/NNNN_name.sql.
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};
// Each in one transaction under an advisory lock, recorded in weft_migration. Refuses (Errc::conflict, both numbers in the
// message) a database that is newer than the list.
Result<> migrate(Pool& pool, std::string_view area, std::span<const Migration> migrations);

}  // namespace base::pg
