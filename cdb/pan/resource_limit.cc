#include "cdb/pan/resource_limit.h"

#include <new>

#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

std::shared_ptr<Problem> exhausted_problem() {
  auto problem = std::make_shared<Problem>();
  try {
    throw;
  } catch (const StackExhausted&) {
    problem->message = "the evaluation is nested too deeply";
    problem->hint = "look for a function or data structure that contains itself";
  } catch (const TimeExhausted&) {
    problem->message = "the object takes too much processor time";
    problem->hint = "look for loops over large data, or for patterns that match slowly";
  } catch (const std::bad_alloc&) {
    problem->kind = Problem::Kind::system;
    problem->message = "the object needs too much memory";
    problem->hint = "look for a list or string that grows without end";
  }
  return problem;
}

std::string shortened(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  // Not in the middle of a character.
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  return text + "...";
}

TreeCheck::Fault TreeCheck::check(const Value& value, int depth) {
  if (value.is_undef() || value.is_null()) return Fault::undefined;
  size_ += own_weight(value);
  if (most_ > 0 && size_ > most_) return Fault::too_large;
  if (!value.is_resource()) return Fault::none;
  if (depth >= kDeepestTree) return Fault::too_deep;
  const Node* node = value.node();
  if (node->whole) {
    size_ += node->weight;
    return most_ > 0 && size_ > most_ ? Fault::too_large : Fault::none;
  }
  TimeGuard::tick();
  for (std::uint32_t i = 0; i < node->size; ++i) {
    if (node->dict) size_ += static_cast<std::int64_t>(node->entries[i].key->view().size());
    const Fault fault = check(node->dict ? node->entries[i].value : node->items[i], depth + 1);
    if (fault == Fault::none) continue;
    // The way to something that is too deep is too long to be read.
    if (fault != Fault::too_deep || depth < 10) {
      const std::string term = node->dict ? std::string(node->entries[i].key->view()) : std::to_string(i);
      path_ = path_.empty() ? term : term + "/" + path_;
    }
    return fault;
  }
  return Fault::none;
}

}  // namespace cdb::pan
