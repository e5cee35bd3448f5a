#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "base/diag/fail_point.h"
#include "base/pg/connection.h"

// BEGIN and COMMIT are sent by us instead of by pqxx::transaction: its BEGIN is lazy (a connection that died while idle would
// surface in the caller's first statement) and it has one type per isolation level.
namespace base::pg {
namespace {

// The part of a Pool that open transactions keep alive.
struct Shared {
  std::string url;
  int size = 1;
  std::chrono::milliseconds wait{};
  std::mutex mutex;
  std::condition_variable freed;
  std::vector<std::unique_ptr<Connection>> idle;
  int used = 0;

  void release(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex);
      --used;
      if (connection && connection->broken()) idle.clear();  // a server that went away took the others with it
      if (connection && !connection->broken()) idle.push_back(std::move(connection));
    }
    freed.notify_one();
  }
};

std::string_view begin_statement(Isolation isolation) {
  switch (isolation) {
    case Isolation::read_committed: return "BEGIN ISOLATION LEVEL READ COMMITTED";
    case Isolation::repeatable_read: return "BEGIN ISOLATION LEVEL REPEATABLE READ";
    case Isolation::serializable: return "BEGIN ISOLATION LEVEL SERIALIZABLE";
  }
  return "BEGIN";
}

}  // namespace

struct Transaction::Impl {
  std::shared_ptr<Shared> shared;
  std::unique_ptr<Connection> connection;
  std::optional<Error> failed;  // the first error: the engine refuses everything after it, and so does commit()
  bool done = false;
  bool repeatable = false;

  template <class T>
  Result<T> note(Result<T> result) {
    if (result) {
      failed.reset();  // the engine took a statement, so the transaction lives (ROLLBACK TO SAVEPOINT)
    } else {
      repeatable = repeatable || connection->repeatable();
      if (!failed) failed = result.error();
    }
    return result;
  }

  Result<> usable() const {
    if (done) return fail(Errc::internal, "the transaction is already finished");
    if (failed) {
      if (connection->broken()) return fail(*failed);
    }
    return {};
  }

  Result<Rows> exec(std::string_view sql, std::span<const Param> params) {
    WEFT_TRY(usable());
    const auto earlier = failed;
    auto result = note(connection->exec(sql, params));
    if (!result && earlier) return fail(*earlier);
    return result;
  }

  ~Impl() {
    if (!connection) return;
    if (!done && !connection->broken()) (void)connection->script("ROLLBACK");
    shared->release(std::move(connection));
  }
};

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::~Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;

Result<Rows> Transaction::exec(std::string_view sql, std::initializer_list<Param> params) {
  return impl_->exec(sql, {params.begin(), params.size()});
}

Result<Rows> Transaction::exec(std::string_view sql, const std::vector<Param>& params) {
  return impl_->exec(sql, params);
}

Result<> Transaction::copy(std::string_view table, std::initializer_list<std::string_view> columns,
                           const std::vector<std::vector<Param>>& rows) {
  WEFT_TRY(impl_->usable());
  if (impl_->failed) return fail(*impl_->failed);
  return impl_->note(impl_->connection->copy(table, {columns.begin(), columns.size()}, rows));
}

Result<> Transaction::notify(std::string_view channel, std::string_view payload) {
  WEFT_TRY(exec("SELECT pg_notify($1, $2)", {channel, payload}));
  return {};
}

Result<> Transaction::script(std::string_view sql) {
  WEFT_TRY(impl_->usable());
  if (impl_->failed) return fail(*impl_->failed);
  return impl_->note(impl_->connection->script(sql));
}

Result<> Transaction::commit() {
  WEFT_TRY(impl_->usable());
  if (impl_->failed) {  // COMMIT of an aborted transaction "succeeds" as a rollback: it must not look like a commit
    return fail(Error(*impl_->failed).during("committing: a statement of this transaction had failed"));
  }
  if (auto point = fail_point("pg.commit"); !point) return point;
  auto result = impl_->connection->script("COMMIT");
  impl_->done = true;
  if (result) return {};
  impl_->repeatable = impl_->connection->repeatable();
  auto error = std::move(result).error();
  if (impl_->connection->broken()) {
    error.code = Errc::timeout;
    error.message =
        "the connection was lost during COMMIT, so it is unknown whether the transaction took effect: " + error.message;
    error.hint = "Read the state back before you repeat the change.";
  }
  return fail(std::move(error));
}

struct Pool::Impl {
  std::shared_ptr<Shared> shared;
};

Pool::Pool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pool::~Pool() = default;
const std::string& Pool::url() const {
  return impl_->shared->url;
}

Result<std::shared_ptr<Pool>> Pool::open(std::string url, int size, std::chrono::milliseconds wait) {
  if (url.empty()) return fail(Errc::invalid, "the database URL is empty", "Write postgresql://USER@HOST:PORT/NAME.");
  if (size < 1) return fail(Errc::invalid, fmt::format("a pool of {} connections cannot work", size));
  auto impl = std::make_unique<Impl>();
  impl->shared = std::make_shared<Shared>();
  impl->shared->url = std::move(url);
  impl->shared->size = size;
  impl->shared->wait = wait;
  return std::make_shared<Pool>(std::move(impl));
}

Result<Transaction> Pool::begin(Isolation isolation) {
  const auto& shared = impl_->shared;
  auto impl = std::make_unique<Transaction::Impl>();
  impl->shared = shared;
  {
    std::unique_lock lock(shared->mutex);
    if (!shared->freed.wait_for(lock, shared->wait, [&] { return shared->used < shared->size; })) {
      return fail(Errc::unavailable,
                  fmt::format("all {} database connections were busy for {} ms", shared->size, shared->wait.count()),
                  "Try again; if this lasts, look for long transactions in pg_stat_activity.");
    }
    ++shared->used;
    if (!shared->idle.empty()) {
      impl->connection = std::move(shared->idle.back());
      shared->idle.pop_back();
    }
  }
  if (impl->connection) {
    if (impl->connection->script(begin_statement(isolation))) return Transaction(std::move(impl));
    // It died while idle; nothing was done on it yet, so a new one may take over.
    impl->connection.reset();
    const std::lock_guard lock(shared->mutex);
    shared->idle.clear();
  }
  auto fresh = Connection::connect(shared->url);
  if (fresh) {
    impl->connection = std::move(*fresh);
    auto begun = impl->connection->script(begin_statement(isolation));
    if (begun) return Transaction(std::move(impl));
    impl->done = true;
    return fail(std::move(begun).error());  // ~Impl gives the slot back
  }
  shared->release(nullptr);
  return fail(std::move(fresh).error());
}

Result<> Pool::run(const std::function<Result<>(Transaction&)>& body, Isolation isolation) {
  constexpr int attempts = 5;
  thread_local std::minstd_rand random{std::random_device{}()};
  for (int attempt = 1;; ++attempt) {
    Transaction transaction = WEFT_TRY(begin(isolation));
    Result<> result = body(transaction);
    if (result && !transaction.impl_->done) result = transaction.commit();
    if (result) return {};
    if (!transaction.impl_->repeatable || result.error().code != Errc::conflict) return result;
    if (attempt == attempts) {
      return fail(std::move(result).error().during(fmt::format("trying the transaction {} times", attempts)));
    }
    // Two that collided would collide again if both waited equally long.
    std::this_thread::sleep_for(std::chrono::milliseconds((2 << attempt) + static_cast<int>(random() % (4u << attempt))));
  }
}

}  // namespace base::pg
