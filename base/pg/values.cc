#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "base/pg/connection.h"

namespace base::pg {

Param::Param(bool v) : text_(v ? "t" : "f") {}
Param::Param(int v) : text_(std::to_string(v)) {}
Param::Param(std::int64_t v) : text_(std::to_string(v)) {}
Param::Param(double v) : text_(fmt::format("{}", v)) {}  // shortest text that reads back as the same double
Param::Param(const char* v) {
  if (v) text_ = v;
}
Param::Param(std::string_view v) : text_(v) {}
Param::Param(const std::string& v) : text_(v) {}
Param::Param(const Bytes& v) : text_(v.data), binary_(true) {}

namespace {

// Out of range is a defect of the caller, like an index past the end of a vector: an exception, which handlers turn into a 500.
pqxx::field cell(const Rows::Data& data, std::size_t row, std::size_t column) {
  const auto& result = data.result;
  if (row >= result.size() || column >= result.columns()) {
    throw std::out_of_range(fmt::format("base::pg::Rows: cell {},{} of a result with {} rows and {} columns", row, column,
                                        result.size(), result.columns()));
  }
  return result[static_cast<pqxx::result::size_type>(row)][static_cast<pqxx::row::size_type>(column)];
}

template <class T>
T number(std::string_view text) {
  T out{};
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return (c | 0x20) - 'a' + 10;
}

}  // namespace

std::size_t Rows::size() const {
  return data_->result.size();
}
bool Rows::is_null(std::size_t row, std::size_t column) const {
  return cell(*data_, row, column).is_null();
}
std::string_view Rows::text(std::size_t row, std::size_t column) const {
  const auto field = cell(*data_, row, column);
  if (field.is_null()) return {};
  return {field.c_str(), field.size()};
}
std::int64_t Rows::integer(std::size_t row, std::size_t column) const {
  return number<std::int64_t>(text(row, column));
}
double Rows::real(std::size_t row, std::size_t column) const {
  const auto value = text(row, column);
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  return number<double>(value);
}
bool Rows::boolean(std::size_t row, std::size_t column) const {
  return text(row, column) == "t";
}
std::string Rows::bytes(std::size_t row, std::size_t column) const {
  auto hex = text(row, column);  // bytea_output is 'hex' by a setting of every connection
  if (!hex.starts_with("\\x")) return {};
  hex.remove_prefix(2);
  std::string out(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  }
  return out;
}
std::size_t Rows::affected() const {
  return data_->result.affected_rows();
}

}  // namespace base::pg
