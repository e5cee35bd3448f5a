#include "base/profile/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text/text.h"

namespace base::profile {
namespace {

constexpr std::size_t longest_path = 64u << 10;
constexpr std::size_t most_parts = 256;

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

const Value* child_of(const Value* value, std::string_view part) {
  if (value->is_dict()) return value->get(part);
  const List* items = value->list();
  if (!items) return nullptr;
  const auto index = list_index(part);
  return index && *index < items->size() ? &(*items)[*index] : nullptr;
}

}  // namespace

std::optional<std::size_t> list_index(std::string_view part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  // "01" is a dict key, not an index: an element has one name only.
  if (error != std::errc{} || end != part.data() + part.size() || (part.size() > 1 && part[0] == '0')) return std::nullopt;
  return index;
}

std::string escape(std::string_view raw) {
  static constexpr char hex[] = "0123456789abcdef";
  if (raw.empty()) return "_";
  std::string out;
  out.reserve(raw.size() + 8);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (is_alpha(c) || (is_digit(c) && i > 0)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '_';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

std::string unescape(std::string_view escaped) {
  if (escaped == "_") return {};
  std::string out;
  out.reserve(escaped.size());
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] == '_' && i + 2 < escaped.size() && hex_value(escaped[i + 1]) >= 0 && hex_value(escaped[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(escaped[i + 1]) * 16 + hex_value(escaped[i + 2]));
      i += 2;
    } else {
      out += escaped[i];
    }
  }
  return out;
}

Result<Path> Path::parse(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(Errc::invalid, fmt::format("'{}' is not a path: {}", text.substr(0, 200), why),
                "write for example /software/packages or /files/{/etc/motd}");
  };
  if (!text.starts_with('/')) return bad("it must begin with '/'");
  if (text.size() > longest_path) return bad("it is too long");
  Path path;
  std::string_view rest = text.substr(1);
  if (rest.empty()) return path;
  for (;;) {
    if (rest.starts_with('{')) {
      const auto close = rest.find('}');
      if (close == std::string_view::npos) return bad("a '{' is not closed");
      path.parts_.push_back(escape(rest.substr(1, close - 1)));
      rest.remove_prefix(close + 1);
      if (!rest.empty() && rest.front() != '/') return bad("after '}' comes '/' or the end");
    } else {
      const auto end = std::min(rest.find('/'), rest.size());
      const auto part = rest.substr(0, end);
      if (part.empty()) return bad("a part is empty");
      if (part.find_first_of("{}") != std::string_view::npos) return bad("braces enclose a whole part");
      path.parts_.emplace_back(part);
      rest.remove_prefix(end);
    }
    if (path.parts_.size() > most_parts) return bad("it has too many parts");
    if (rest.empty()) return path;
    rest.remove_prefix(1);
  }
}

Path Path::operator/(std::string_view part) const {
  Path longer = *this;
  longer.parts_.emplace_back(part);
  return longer;
}

Path Path::parent() const {
  Path shorter = *this;
  if (!shorter.parts_.empty()) shorter.parts_.pop_back();
  return shorter;
}

bool Path::starts_with(const Path& prefix) const {
  return parts_.size() >= prefix.parts_.size() && std::equal(prefix.parts_.begin(), prefix.parts_.end(), parts_.begin());
}

std::string Path::text() const {
  if (parts_.empty()) return "/";
  std::string out;
  for (const auto& part : parts_) {
    out += '/';
    out += part;
  }
  return out;
}

std::string Path::display() const {
  if (parts_.empty()) return "/";
  std::string out;
  for (const auto& part : parts_) {
    const auto raw = unescape(part);
    out += '/';
    // Only when the braces read back as the same part: "_41" also unescapes, but nobody's escape() wrote it. And only text:
    // "of_a1" is a name, and what is shown to people goes into JSON.
    if (raw != part && escape(raw) == part && raw.find('}') == std::string::npos && text::valid_utf8(raw)) {
      out.append("{").append(raw).append("}");
    } else {
      out += part;
    }
  }
  return out;
}

const Value* find(const Value& root, const Path& path) {
  const Value* value = &root;
  for (const auto& part : path.parts()) {
    value = child_of(value, part);
    if (!value) return nullptr;
  }
  return value;
}

const Value* find(const Value& root, std::string_view path) {
  const auto parsed = Path::parse(path);
  return parsed ? find(root, *parsed) : nullptr;
}

Result<> set(Value& root, const Path& path, Value value) {
  // First look, then change: a refused call leaves no half-made dicts behind.
  const Value* look = &root;
  for (std::size_t i = 0; look && i < path.parts().size(); ++i) {
    const auto& part = path.parts()[i];
    const auto refuse = [&](std::string_view why) {
      return fail(Errc::invalid, fmt::format("cannot set {}: {}", path.display(), why));
    };
    if (look->is_dict()) {
      look = look->get(part);
    } else if (const List* items = look->list()) {
      const auto index = list_index(part);
      if (!index || *index > items->size()) return refuse(fmt::format("'{}' is no index of a list of {}", part, items->size()));
      look = *index < items->size() ? &(*items)[*index] : nullptr;
    } else if (!look->is_null()) {
      return refuse(fmt::format("a {} stands in the way before '{}'", type_name(look->type()), part));
    } else {
      look = nullptr;
    }
  }
  Value* place = &root;
  for (const auto& part : path.parts()) {
    if (List* items = place->list()) {
      const auto index = *list_index(part);
      if (index == items->size()) items->emplace_back();
      place = &(*items)[index];
    } else {
      place = &(*place)[part];
    }
  }
  *place = std::move(value);
  return {};
}

bool erase(Value& root, const Path& path) {
  if (path.parts().empty()) {
    const bool something = !root.is_null();
    root = Value();
    return something;
  }
  auto* holder = const_cast<Value*>(find(root, path.parent()));
  if (!holder) return false;
  const auto& last = path.parts().back();
  if (Dict* children = holder->dict()) {
    const auto found = children->find(last);
    if (found == children->end()) return false;
    children->erase(found);
    return true;
  }
  if (List* items = holder->list()) {
    const auto index = list_index(last);
    if (!index || *index >= items->size()) return false;
    items->erase(items->begin() + static_cast<std::ptrdiff_t>(*index));
    return true;
  }
  return false;
}

}  // namespace base::profile
