#include "cdb/pan/depend_check.h"

#include <fmt/format.h>

#include <cstring>

#include "base/crypto/crypto.h"
#include "cdb/pan/source_path.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

void append_number(std::string& out, std::uint64_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}

// Type, then content; texts and containers with their size, so that no two values look alike.
void append_value(std::string& out, const Value& value) {
  StackGuard::check();
  out += static_cast<char>('0' + static_cast<int>(value.tag()));
  switch (value.tag()) {
    case Tag::none:
    case Tag::undef:
    case Tag::null: return;
    case Tag::boolean: out += value.as_boolean() ? '1' : '0'; return;
    case Tag::integer: append_number(out, static_cast<std::uint64_t>(value.as_integer())); return;
    case Tag::real: {
      std::uint64_t bits = 0;
      const double v = value.as_real();
      std::memcpy(&bits, &v, sizeof bits);
      append_number(out, bits);
      return;
    }
    case Tag::string:
      append_number(out, value.as_string().size());
      out += value.as_string();
      return;
    case Tag::list:
    case Tag::dict: break;
  }
  const Node* node = value.node();
  append_number(out, node->size);
  for (std::uint32_t i = 0; i < node->size; ++i) {
    if (node->dict) {
      append_number(out, node->entries[i].key->size);
      out += node->entries[i].key->view();
    }
    append_value(out, node->dict ? node->entries[i].value : node->items[i]);
  }
}

}  // namespace

Digest digest_of(const Value* value) {
  if (value == nullptr || !value->exists()) return {};
  std::string bytes;
  append_value(bytes, *value);
  return base::crypto::sha256(bytes);
}

DependCheck::DependCheck(DependDb& db, FileStates& states, std::vector<std::string> include_path,
                         const std::map<std::string, std::string, std::less<>>& given)
    : db_(db),
      states_(states),
      include_path_(std::move(include_path)),
      given_(given),
      files_(db.files.size(), -1),
      lookups_(db.lookups.size()) {}

std::string DependCheck::resolve(Read::Kind kind, const std::string& name, std::int32_t root) {
  const bool text = kind == Read::Kind::text_file;
  if (!text)
    if (const auto found = given_.find(name); found != given_.end()) return found->second;
  const std::size_t last = root < 0 ? include_path_.size() : static_cast<std::size_t>(root) + 1;
  for (std::size_t i = 0; i < last && i < include_path_.size(); ++i) {
    std::string base = join_path(include_path_[i], name);
    if (text) {
      if (states_.stamp(base).exists()) return base;
      continue;
    }
    for (const char* suffix : {".pan", ".tpl"})
      if (states_.stamp(base + suffix).exists()) return base + suffix;
  }
  return {};
}

bool DependCheck::same(std::uint32_t file) {
  signed char& known = files_[file];
  if (known >= 0) return known == 1;
  DependDb::File& entry = db_.files[file];
  const FileStamp now = states_.stamp(entry.path);
  bool equal = now.exists() && entry.settled && now == entry.stamp;
  if (!equal && now.exists()) {
    const auto digest = states_.digest(entry.path);
    equal = digest && *digest == entry.digest;
    if (equal) {
      const bool settled = states_.settled(now);
      refreshed_ = refreshed_ || settled || now != entry.stamp;
      entry.stamp = now;
      entry.settled = settled;
    }
  }
  known = equal ? 1 : 0;
  return equal;
}

// "roles/disk.pan": the name as templates write it, with the suffix of the file.
std::string DependCheck::shown(const DependDb::Lookup& lookup, const std::string& path) const {
  if (lookup.kind == Read::Kind::text_file) return lookup.name;
  return lookup.name + (path.ends_with(".tpl") ? ".tpl" : ".pan");
}

const std::string& DependCheck::lookup(std::uint32_t index) {
  std::optional<std::string>& reason = lookups_[index];
  if (reason) return *reason;
  const DependDb::Lookup& entry = db_.lookups[index];
  const std::string before = entry.file == DependDb::kAbsent ? std::string() : db_.files[entry.file].path;
  const std::string now = resolve(entry.kind, entry.name, entry.root);
  if (now != before) {
    if (before.empty())
      reason = fmt::format("{} appeared ({})", shown(entry, now), now);
    else if (now.empty())
      reason = fmt::format("{} is gone ({})", shown(entry, before), before);
    else
      reason = fmt::format("{} is now found earlier ({})", shown(entry, now), now);
    if (!before.empty() && !now.empty() && !states_.stamp(before).exists())
      reason = fmt::format("{} is now another file ({})", shown(entry, now), now);
  } else if (!before.empty() && entry.content && !same(entry.file)) {
    reason = fmt::format("{} changed", shown(entry, before));
  } else {
    reason = std::string();
  }
  return *reason;
}

std::string DependCheck::why(const DependDb::Object& object) {
  for (const std::uint32_t index : object.lookups)
    if (const std::string& reason = lookup(index); !reason.empty()) return reason;
  for (const DependDb::Output& output : object.outputs) {
    const FileStamp now = states_.stamp(output.path);
    if (now == output.stamp) continue;
    if (!now.exists()) return fmt::format("the output {} is gone", output.path);
    const auto digest = states_.digest(output.path);
    if (!digest || *digest != output.digest) return fmt::format("the output {} was changed", output.path);
  }
  return {};
}

}  // namespace cdb::pan
