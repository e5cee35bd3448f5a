#include "base/pg/connection.h"

#include <fmt/format.h>

namespace base::pg {
namespace {

// A server that does not answer must not hold a thread for the kernel's two minutes.
std::string with_connect_timeout(const std::string& url) {
  if (url.find("connect_timeout") != std::string::npos) return url;
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) return url + " connect_timeout=5";
  return url + (url.find('?') == std::string::npos ? "?" : "&") + "connect_timeout=5";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// libpq gives no SQLSTATE for a failed connect, only its text (in English: the client's LC_MESSAGES is C).
Error connect_failure(std::string_view what) {
  std::string message = "cannot connect to the database: " + server_message(what, false);
  if (contains(what, "authentication failed") || contains(what, "no pg_hba.conf entry") ||
      contains(what, "no password supplied")) {
    return {Errc::denied, std::move(message), "Check user and password of --database and the server's pg_hba.conf.", {}};
  }
  if (contains(what, "database \"") && contains(what, "does not exist")) {
    return {Errc::not_found, std::move(message), "Create the database (CREATE DATABASE ... ENCODING 'UTF8').", {}};
  }
  if (contains(what, "invalid connection option") || contains(what, "missing \"=\"") || contains(what, "invalid port number")) {
    return {Errc::invalid, std::move(message), "Write the database as postgresql://USER@HOST:PORT/NAME.", {}};
  }
  return {
      Errc::unavailable, std::move(message), "Check that PostgreSQL runs and that host, port or socket folder are right.", {}};
}

std::string statement_name(std::string_view sql) {
  std::string out;
  for (const char c : sql.substr(0, 100)) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space) out += c;
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return sql.size() > 100 ? out + "..." : out;
}

void append_copy_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += c;
    }
  }
}

}  // namespace

// libpqxx 6.4 streams tuples only, although it documents containers; this row type brings its own separated_list(), which
// stream_to::operator<< finds by argument-dependent look-up.
struct CopyRow {
  const std::vector<Param>& cells;
};

std::string separated_list(const char* separator, const CopyRow& row, pqxx::internal::TypedCopyEscaper) {
  std::string out;
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    if (i > 0) out += separator;
    const auto& text = row.cells[i].text();
    if (!text) {
      out += "\\N";
    } else if (row.cells[i].binary()) {
      out += "\\\\x";
      for (const unsigned char c : *text) {
        out += "0123456789abcdef"[c >> 4];
        out += "0123456789abcdef"[c & 15];
      }
    } else {
      append_copy_escaped(out, *text);
    }
  }
  return out;
}

std::string server_message(std::string_view what, bool with_detail) {
  std::string out;
  for (std::size_t at = 0; at < what.size();) {
    const auto end = std::min(what.find('\n', at), what.size());
    auto line = what.substr(at, end - at);
    at = end + 1;
    for (const std::string_view label : {"ERROR:", "FATAL:", "PANIC:"}) {
      if (line.starts_with(label)) line.remove_prefix(label.size());
    }
    if (line.starts_with("LINE ") || line.starts_with("CONTEXT:") || (!with_detail && line.starts_with("DETAIL:"))) continue;
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '^') continue;
    if (!out.empty()) out += "; ";
    out += line.substr(first);
  }
  return out;
}

Connection::Connection(const std::string& url)
    : connection_(with_connect_timeout(url)), quiet_(std::make_unique<pqxx::quiet_errorhandler>(connection_)) {
  // libpqxx would reconnect in the middle of our transaction, which it does not know of (see transaction.cc); it must not.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

Result<std::unique_ptr<Connection>> Connection::connect(const std::string& url) {
  try {
    auto connection = std::unique_ptr<Connection>(new Connection(url));
    WEFT_TRY(
        connection->script("SET client_encoding = 'UTF8'; SET bytea_output = 'hex'; SET timezone = 'UTC'; SET datestyle = 'ISO'; "
                           "SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = '10min'"));
    return connection;
  } catch (const pqxx::pqxx_exception& e) {
    return fail(connect_failure(e.base().what()));
  } catch (const std::exception& e) {
    return fail(connect_failure(e.what()));
  }
}

Error Connection::sql_failure(const std::string& state, const std::string& what) {
  const auto cls = state.substr(0, 2);
  const bool with_detail = state == "23505" || state == "23503" || state == "23P01";
  const auto message = server_message(what, with_detail);
  const auto error = [&](Errc code, std::string hint = {}) { return Error{code, message, std::move(hint), {}}; };

  if (state == "40001" || state == "40P01") {
    repeatable_ = true;
    return error(Errc::conflict, "Repeat the transaction.");
  }
  if (state == "0A000" && contains(what, "cached plan")) {  // the schema moved under a prepared statement
    repeatable_ = broken_ = true;
    return error(Errc::conflict, "Repeat the transaction.");
  }
  if (state == "23505" || state == "23P01" || state == "23503") return error(Errc::conflict);
  if (cls == "23" || cls == "22" || cls == "P0") return error(Errc::invalid);
  if (state == "53100") return error(Errc::exhausted, "The database server's disk is full: free space on it.");
  if (cls == "53") return error(Errc::unavailable, "The database server is short of connections or memory: try later.");
  if (cls == "54") return error(Errc::exhausted);
  if (state == "57014" || state == "55P03") return error(Errc::unavailable, "Another transaction holds a lock: try again.");
  if (cls == "57" || cls == "08") {
    broken_ = true;
    return error(Errc::unavailable, "The database server is stopping or restarting: try again.");
  }
  if (state == "25006") {  // after a fail-over we still talk to the old primary, now a standby
    broken_ = true;
    return error(Errc::unavailable, "The database server became read-only (a standby): try again.");
  }
  if (cls == "25" || cls == "58") broken_ = true;
  if (cls == "XX") return error(Errc::corrupt, "Look into the database server's log.");
  if (cls == "28" || state == "42501") return error(Errc::denied);
  return Error{Errc::internal, fmt::format("{} (SQLSTATE {})", message, state), {}, {}};
}

Result<Rows> Connection::guard(std::string_view what, const std::function<Result<Rows>()>& work) {
  repeatable_ = false;
  Error error;
  try {
    return work();
  } catch (const pqxx::serialization_failure& e) {
    error = sql_failure("40001", e.what());
  } catch (const pqxx::deadlock_detected& e) {
    error = sql_failure("40P01", e.what());
  } catch (const pqxx::broken_connection& e) {  // also too_many_connections
    broken_ = true;
    error = Error{Errc::unavailable,
                  "lost the connection to the database: " + server_message(e.what(), false),
                  "Try again; it reconnects by itself.",
                  {}};
  } catch (const pqxx::sql_error& e) {
    error = sql_failure(e.sqlstate(), e.what());
  } catch (const pqxx::pqxx_exception& e) {
    broken_ = true;  // the state of the protocol is not known
    error = Error{Errc::internal, server_message(e.base().what(), false), {}, {}};
  } catch (const std::bad_alloc&) {
    broken_ = true;
    error = Error{Errc::exhausted, "out of memory while talking to the database", {}, {}};
  } catch (const std::exception& e) {
    broken_ = true;
    error = Error{Errc::internal, e.what(), {}, {}};
  }
  if (!connection_.is_open()) {
    broken_ = true;
    if (error.code == Errc::internal) error.code = Errc::unavailable;
  }
  return fail(std::move(error).during("running SQL: " + statement_name(what)));
}

Result<Rows> Connection::exec(std::string_view sql, std::span<const Param> params) {
  // libpqxx has no public way to mix text and binary in a list whose length is known at run time only, hence internal::params.
  pqxx::internal::params values;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const auto& text = params[i].text();
    if (text && !params[i].binary() && text->find('\0') != std::string::npos) {
      // libpq takes a C string: it would store what precedes the NUL and lose the rest.
      return fail(Errc::invalid, fmt::format("parameter ${} contains a NUL byte, which a text column cannot hold", i + 1),
                  "Remove the NUL byte from the input.");
    }
    values.nonnulls.push_back(text ? 1 : 0);
    values.binaries.push_back(text && params[i].binary() ? 1 : 0);
    values.lengths.push_back(text ? static_cast<int>(text->size()) : 0);
    if (!text) continue;
    if (params[i].binary()) {
      values.bin_strings.emplace_back(*text);
    } else {
      values.strings.push_back(*text);
    }
  }
  return guard(sql, [&]() -> Result<Rows> {
    auto known = prepared_.find(sql);
    if (known == prepared_.end()) {
      const auto name = fmt::format("s{}", prepared_.size());
      connection_.prepare(name, std::string(sql));
      known = prepared_.emplace(sql, name).first;
    }
    pqxx::nontransaction transaction(connection_);
    auto result = transaction.exec_prepared(known->second, std::move(values));
    return Rows(std::make_shared<const Rows::Data>(Rows::Data{std::move(result)}));
  });
}

Result<> Connection::script(std::string_view sql) {
  WEFT_TRY(guard(sql, [&]() -> Result<Rows> {
    pqxx::nontransaction transaction(connection_);
    transaction.exec(std::string(sql));
    return Rows(std::make_shared<const Rows::Data>());
  }));
  return {};
}

Result<> Connection::copy(std::string_view table, std::span<const std::string_view> columns,
                          const std::vector<std::vector<Param>>& rows) {
  for (const auto& row : rows) {
    if (row.size() != columns.size()) {
      return fail(Errc::internal, fmt::format("copy into {}: a row has {} cells, not {}", table, row.size(), columns.size()));
    }
  }
  const auto label = fmt::format("COPY {} ({} rows)", table, rows.size());
  auto outcome = guard(label, [&]() -> Result<Rows> {
    std::vector<std::string> names;
    for (const auto column : columns) names.push_back(connection_.quote_name(std::string(column)));
    pqxx::nontransaction transaction(connection_);
    pqxx::stream_to stream(transaction, std::string(table), names);
    for (const auto& row : rows) stream << CopyRow{row};
    stream.complete();
    return Rows(std::make_shared<const Rows::Data>());
  });
  if (!outcome) {
    broken_ = true;  // libpqxx may still be inside the COPY: such a connection is not used again
    return fail(std::move(outcome).error());
  }
  return {};
}

}  // namespace base::pg
