// How Provenance records one change in its shadow tree. Private to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/provenance.h"

namespace cdb::pan {

// One change being recorded: by which event, and how the statement relates to what it found.
struct Provenance::Update {
  std::uint32_t event = 0;
  bool overwrite = false;  // everything is set anew, equal or not
  Active* active = nullptr;
  std::string relative;  // below the statement's path
  std::function<std::shared_ptr<const DefaultSource>(const std::string&)> type_of;
  std::optional<Line> inherited;  // the function that made a node at or above this one
  std::size_t inherited_at = 0;   // how long `relative` was there
};

// A term added to a path below a statement's.
inline std::string path_below(const std::string& path, std::string_view term) {
  return path.empty() ? std::string(term) : path + "/" + std::string(term);
}

// The shadow of a list's element or a dict's field, made when it is new.
inline std::unique_ptr<Provenance::Shadow>& item_shadow(std::vector<std::unique_ptr<Provenance::Shadow>>& items,
                                                        std::size_t index) {
  while (items.size() <= index) items.push_back(std::make_unique<Provenance::Shadow>());
  return items[index];
}

inline Provenance::Shadow& field_shadow(Provenance::Shadow& shadow, std::string_view key) {
  auto at = shadow.fields.find(key);
  if (at == shadow.fields.end()) at = shadow.fields.emplace(std::string(key), std::make_unique<Provenance::Shadow>()).first;
  return *at->second;
}

}  // namespace cdb::pan
