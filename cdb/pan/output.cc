#include "cdb/pan/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/compress/compress.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/json_text.h"
#include "cdb/pan/source_path.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

struct Row {
  std::string_view name;
  Format format;
  std::string_view suffix;
  bool may_gzip;
};
constexpr Row kRows[] = {{"pan", Format::pan, ".xml", true},     {"xml", Format::xml, ".xml", true},
                         {"json", Format::json, ".json", true},  {"text", Format::text, ".txt", false},
                         {"dot", Format::dot, ".dot", false},    {"dep", Format::dep, ".dep", true},
                         {"null", Format::null, ".null", false}, {"none", Format::none, "", false}};

// ---- XML

// Printable ASCII without markup stands for itself.
bool plain_xml(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&'; });
}

void xml_value(TextBuffer& out, const Value& value) {
  if (value.is_string())
    out.append(value.as_string());
  else if (value.is_integer())
    out.append(fmt::format_int(value.as_integer()).c_str());
  else
    out.append(text_of(value));
}

void xml(TextBuffer& out, const Value& value, std::size_t depth, std::string_view key, bool has_key) {
  const std::string_view tag = tag_name(value.tag());
  if (depth == 0) {
    out.append("<nlist format=\"pan\" name=\"profile\"");
  } else {
    out.append(depth * 4, ' ');
    out.append('<');
    out.append(tag);
    if (has_key) {
      out.append(" name=\"");
      out.append(key);
      out.append('"');
    }
  }
  if (value.is_resource()) {
    StackGuard::check();
    const Node* node = value.node();
    if (node->size == 0) return out.append("/>\n");
    out.append(">\n");
    for (std::uint32_t i = 0; i < node->size; ++i) {
      if (node->dict)
        xml(out, node->entries[i].value, depth + 1, node->entries[i].key->view(), true);
      else
        xml(out, node->items[i], depth + 1, {}, false);
    }
    out.append(depth * 4, ' ');
  } else if (value.is_string() && value.as_string().empty()) {
    return out.append("/>\n");
  } else if (!value.is_string() || plain_xml(value.as_string())) {
    out.append('>');
    xml_value(out, value);
  } else if (java::xml_representable(value.as_string())) {
    out.append('>');
    out.append(java::xml_text(value.as_string()));
  } else {
    out.append(" encoding=\"base64\">");
    out.append(java::xml_text(java::base64_encode(value.as_string())));
  }
  out.append("</");
  out.append(tag);
  out.append(">\n");
}

// ---- text and dot

void text(std::string& out, const Value& value, std::size_t depth, std::string_view key) {
  if (out.size() > TextBuffer::kMost) throw std::bad_alloc();
  out.append(depth * 2, ' ');
  if (!value.is_resource()) {
    out += fmt::format("$ {} : ({}) '", key, tag_name(value.tag()));
    append_text(out, value);
    out += "'\n";
    return;
  }
  StackGuard::check();
  out += fmt::format("+-{}\n", key);
  const Node* node = value.node();
  for (std::uint32_t i = 0; i < node->size; ++i) {
    if (node->dict)
      text(out, node->entries[i].value, depth + 1, node->entries[i].key->view());
    else
      text(out, node->items[i], depth + 1, std::to_string(i));
  }
}

// At most 15 characters, on one line.
std::string dot_label(const Value& value) {
  const std::string quote = value.is_string() ? "'" : "";
  std::string out = quote;
  bool in_break = false;
  for (char c : text_of(value)) {
    const bool is_break = c == '\n' || c == '\r';
    if (!is_break)
      out += c;
    else if (!in_break)
      out += ' ';
    in_break = is_break;
  }
  if (java::utf16_length(out) > 15) out = java::utf16_substr(out, 0, 12) + "...";
  return out + quote;
}

void dot(std::string& out, const Value& value, const std::string& path, std::string_view key, const std::string* parent) {
  if (parent == nullptr) {
    out += fmt::format("\"{}\" [ label = \"{}\"]\n", path, key);
  } else {
    if (value.is_resource())
      out += fmt::format("\"{}\" [ label = \"{}\" ]\n", path, key);
    else
      out += fmt::format("\"{}\" [ label = \"{}\\n{}\" ]\n", path, key, dot_label(value));
    out += fmt::format("\"{}\" -> \"{}\"\n", *parent, path);
  }
  if (!value.is_resource()) return;
  if (out.size() > TextBuffer::kMost) throw std::bad_alloc();
  StackGuard::check();
  const Node* node = value.node();
  for (std::uint32_t i = 0; i < node->size; ++i) {
    const std::string name = node->dict ? std::string(node->entries[i].key->view()) : std::to_string(i);
    dot(out, node->dict ? node->entries[i].value : node->items[i], path + "/" + name, name, &path);
  }
}

// ---- dep

std::string dep(const Finished& object, const std::vector<std::string>& root_paths) {
  // A file URI of a folder ends in a slash; other characters than these are escaped.
  auto uri = [](std::string_view path) {
    std::string out = "file:";
    for (unsigned char c : path) {
      if (c > 0x20 && c < 0x7f && std::string_view("\"%<>\\^`{|}#?[];").find(static_cast<char>(c)) == std::string_view::npos)
        out += static_cast<char>(c);
      else
        out += fmt::format("%{:02X}", c);
    }
    if (out.back() != '/') out += '/';
    return out;
  };
  struct Line {
    std::string_view name;
    int type;
    std::string text;
    auto operator<=>(const Line&) const = default;
  };
  static constexpr std::string_view types[] = {"PAN", "TPL", "TEXT", "ABSENT_SOURCE", "ABSENT_TEXT"};
  std::vector<Line> lines;
  for (const Lookup& lookup : object.lookups) {
    const bool absent = lookup.root < 0;
    // What was only asked for, and found, is no dependency of the output.
    if (lookup.only && !absent) continue;
    const int type = lookup.text ? (absent ? 4 : 2) : (absent ? 3 : lookup.tpl ? 1 : 0);
    std::string folder;
    if (!absent) folder = uri(join_path(root_paths[static_cast<std::size_t>(lookup.root)], lookup.prefix));
    lines.push_back({lookup.name, type, std::move(folder)});
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  std::string out;
  for (const Line& line : lines) out += fmt::format("{} {} {}\n", line.name, types[line.type], line.text);
  return out;
}

void plain(Format format, const Finished& object, const std::vector<std::string>& root_paths, TextBuffer& out) {
  std::string whole;
  switch (format) {
    case Format::json: write_json(out, *object.root); break;
    case Format::pan:
    case Format::xml:
      out.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
      xml(out, *object.root, 0, {}, false);
      break;
    case Format::text: text(whole, *object.root, 0, "profile"); break;
    case Format::dot:
      whole =
          "digraph \"profile\" {\nbgcolor = beige\nnode [ color = black, shape = box, fontname=Helvetica ]\nedge [ color = black "
          "]\n";
      dot(whole, *object.root, "/profile", "profile", nullptr);
      whole += "}\n";
      break;
    case Format::dep: whole = dep(object, root_paths); break;
    case Format::null:
    case Format::none: break;
  }
  out.append(whole);
}

}  // namespace

std::string OutputFormat::suffix() const {
  for (const Row& row : kRows)
    if (row.format == format) return std::string(row.suffix) + (gzip ? ".gz" : "");
  return {};
}

std::optional<OutputFormat> parse_format(std::string_view name) {
  for (const Row& row : kRows) {
    if (name == row.name) return OutputFormat{row.format, false};
    if (row.may_gzip && name == std::string(row.name) + ".gz") return OutputFormat{row.format, true};
  }
  return std::nullopt;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const Row& row : kRows) {
    names.emplace_back(row.name);
    if (row.may_gzip) names.push_back(std::string(row.name) + ".gz");
  }
  return names;
}

std::string_view render(const OutputFormat& format, const Finished& object, const std::vector<std::string>& root_paths,
                        TextBuffer& out) {
  out.clear();
  try {
    plain(format.format, object, root_paths, out);
    if (format.gzip) {
      const std::string packed = base::compress::gzip(out.view());
      out.clear();
      out.append(packed);
    }
  } catch (const std::bad_alloc&) {
    raise(Problem::Kind::system, fmt::format("the output of '{}' is too large for memory", object.object));
  } catch (const StackExhausted&) {
    raise(Problem::Kind::system, fmt::format("the profile of '{}' is nested too deeply to be written", object.object));
  }
  return out.view();
}

}  // namespace cdb::pan
