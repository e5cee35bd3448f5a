#include "cdb/pan/names.h"

namespace cdb::pan {

Names::Names() {
  for (std::string_view name : {"SELF", "ARGV", "ARGC", "OBJECT", "TEMPLATE", "FUNCTION", "LOADPATH"}) intern(name);
}

Symbol Names::intern(std::string_view name) {
  std::lock_guard lock(mutex_);
  if (auto found = symbols_.find(name); found != symbols_.end()) return found->second;
  const auto symbol = static_cast<Symbol>(texts_.size());
  texts_.emplace_back(name);
  symbols_.emplace(texts_.back(), symbol);
  return symbol;
}

std::string_view Names::text(Symbol symbol) const {
  std::lock_guard lock(mutex_);
  return texts_[symbol];
}

std::size_t Names::size() const {
  std::lock_guard lock(mutex_);
  return texts_.size();
}

}  // namespace cdb::pan
