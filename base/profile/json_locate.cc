#include "base/profile/json_locate.h"

#include <simdjson.h>

#include <optional>
#include <set>

#include "base/text/text.h"

namespace base::profile {
namespace {

namespace ondemand = simdjson::ondemand;

std::size_t bad_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (!text::valid_utf8(text.substr(i, size))) return i;
    i += size;
  }
  return i;
}

// Strings are what the first stage of the parser checks, without positions: an unescaped control character or the quote of a
// string that never closes.
std::optional<std::size_t> bad_string(std::string_view text) {
  bool inside = false;
  std::size_t opened = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!inside) {
      inside = text[i] == '"';
      opened = i;
    } else if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      inside = false;
    } else if (static_cast<unsigned char>(text[i]) < 0x20) {
      return i;
    }
  }
  return inside ? std::optional(opened) : std::nullopt;
}

// Walks the document with simdjson's lazy parser, which knows where it stands, and stops at the first defect.
class Walk {
 public:
  Walk(std::string_view text, int depth, Defect::Kind wanted) : text_(text), limit_(depth), wanted_(wanted) {}

  std::optional<std::size_t> run() {
    const simdjson::padded_string padded(text_);
    ondemand::parser parser;
    if (parser.allocate(text_.size(), static_cast<std::size_t>(limit_) + 2)) return std::nullopt;
    ondemand::document document;
    if (parser.iterate(padded).get(document)) return std::nullopt;
    document_ = &document;
    begin_ = padded.data();
    here();
    ondemand::json_type type;
    bool good = !document.type().get(type);
    if (good && (type == ondemand::json_type::array || type == ondemand::json_type::object)) {
      ondemand::value value;
      good = !document.get_value().get(value) && visit(value, 1);
      const char* rest = nullptr;  // there is no location left at the end
      if (good && !document.current_location().get(rest)) {
        here();
        good = false;
      }
    } else if (good) {
      good = root_scalar(document, type);
    }
    return good ? std::nullopt : std::optional(at_);
  }

 private:
  void here() {
    const char* location = nullptr;
    if (!document_->current_location().get(location)) at_ = static_cast<std::size_t>(location - begin_);
  }

  // A lone scalar cannot be taken as a value by simdjson; anything wrong with it is wrong at its beginning.
  static bool root_scalar(ondemand::document& document, ondemand::json_type type) {
    if (type != ondemand::json_type::number) return true;
    ondemand::number number;
    return !document.get_number().get(number) && !number.is_uint64();
  }

  bool visit(ondemand::value value, int depth) {
    here();
    ondemand::json_type type;
    if (value.type().get(type)) return false;
    switch (type) {
      case ondemand::json_type::array: return depth <= limit_ && list(value, depth);
      case ondemand::json_type::object: return depth <= limit_ && dict(value, depth);
      case ondemand::json_type::string: {
        std::string_view text;
        return !value.get_string().get(text);
      }
      case ondemand::json_type::number: {
        ondemand::number number;
        return !value.get_number().get(number) && !(wanted_ == Defect::big_integer && number.is_uint64());
      }
      case ondemand::json_type::boolean: {
        bool truth = false;
        return !value.get_bool().get(truth);
      }
      case ondemand::json_type::null: {
        bool null = false;
        return !value.is_null().get(null) && null;
      }
    }
    return false;
  }

  bool list(ondemand::value& value, int depth) {
    ondemand::array array;
    if (value.get_array().get(array)) return false;
    for (auto item : array) {
      here();
      ondemand::value child;
      if (std::move(item).get(child) || !visit(child, depth + 1)) return false;
      here();
    }
    return true;
  }

  bool dict(ondemand::value& value, int depth) {
    ondemand::object object;
    if (value.get_object().get(object)) return false;
    std::set<std::string, std::less<>> keys;
    for (auto item : object) {
      ondemand::field field;
      if (std::move(item).get(field)) return here(), false;
      const auto* raw = field.key().raw();
      const auto start = static_cast<std::size_t>(raw - 1 - begin_);
      std::string_view key;
      if (field.unescaped_key().get(key) || (!keys.emplace(key).second && wanted_ == Defect::duplicate))
        return at_ = start, false;
      if (!visit(field.value(), depth + 1)) return false;
      here();
    }
    return true;
  }

  const std::string_view text_;
  const int limit_;
  const Defect::Kind wanted_;
  ondemand::document* document_ = nullptr;
  const char* begin_ = nullptr;
  std::size_t at_ = 0;
};

std::size_t offset_of(std::string_view text, int depth, const Defect& defect) {
  if (!text::valid_utf8(text)) return bad_utf8(text);
  if (const auto at = bad_string(text)) return *at;
  return Walk(text, depth, defect.kind).run().value_or(text.size());
}

}  // namespace

std::pair<int, int> locate(std::string_view text, int depth, const Defect& defect) {
  const auto offset = std::min(offset_of(text, depth, defect), text.size());
  int line = 1, column = 1;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      ++column;
    }
  }
  return {line, column};
}

}  // namespace base::profile
