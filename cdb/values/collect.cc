#include "cdb/values/collect.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "base/compress/compress.h"
#include "base/profile/canonical_diff.h"
#include "base/profile/json.h"
#include "cdb/build/parallel.h"

namespace cdb::values {
namespace {

using base::profile::Path;
using base::profile::Value;
using store::Leaf;
using store::ValueId;

// Profiles taken apart at once; bounds the memory of an import of a whole fabric.
constexpr std::size_t batch_size = 128;

constexpr std::size_t none = static_cast<std::size_t>(-1);

struct Side {
  Leaf leaf;
  ValueId id;
};
struct Difference {
  std::optional<Side> before, after;
};

struct IdHash {
  std::size_t operator()(const ValueId& id) const {
    std::size_t out;
    std::memcpy(&out, id.data(), sizeof out);
    return out;
  }
};
struct PairHash {
  std::size_t operator()(const std::pair<std::size_t, std::size_t>& pair) const {
    return (pair.first * 0x9e3779b97f4a7c15ULL) ^ pair.second;
  }
};

void add_text(Leaf& leaf, const Value& value) {
  if (!value.is_string()) {
    leaf.text = base::profile::to_json(value);
    return;
  }
  leaf.text = *value.string();
  // PostgreSQL's text holds no NUL.
  for (auto at = leaf.text.find('\0'); at != std::string::npos; at = leaf.text.find('\0', at)) leaf.text.replace(at, 1, "\u2400");
}

void walk(std::string& path, const Value& value, std::vector<Leaf>& out) {
  const auto size = path.size();
  if (const auto* dict = value.dict(); dict && !dict->empty()) {
    for (const auto& [key, child] : *dict) {
      path.append(1, '/').append(key);
      walk(path, child, out);
      path.resize(size);
    }
  } else if (const auto* list = value.list(); list && !list->empty()) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      path.append(1, '/').append(std::to_string(i));
      walk(path, (*list)[i], out);
      path.resize(size);
    }
  } else {
    out.push_back({path.empty() ? "/" : path, base::profile::type_name(value.type()), {}});
    add_text(out.back(), value);
  }
}

// End of the value that begins at `at` in canonical JSON.
std::size_t end_of(std::string_view json, std::size_t at) {
  int depth = 0;
  for (; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      for (++at; at < json.size() && json[at] != '"'; ++at) at += json[at] == '\\';
    } else if (c == '{' || c == '[') {
      ++depth;
      continue;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;  // of the container around a bare number or word
      --depth;
    } else if (depth > 0 || (c != ',')) {
      continue;
    } else {
      return at;
    }
    if (depth == 0) return at + 1;
  }
  return json.size();
}

// "{}" or "[]" when that is all that stands at the path, else "".
std::string_view empty_container(std::string_view json, const Path& path) {
  std::size_t at = 0;
  for (const auto& part : path.parts()) {
    if (at >= json.size() || (json[at] != '{' && json[at] != '[')) return {};
    const bool dict = json[at] == '{';
    const auto key = dict ? base::profile::to_json(Value(part)) : part;
    for (std::size_t index = 0;; ++index) {
      if (++at >= json.size() || json[at] == '}' || json[at] == ']') return {};
      const auto end = dict ? end_of(json, at) : at;
      const bool found = dict ? json.substr(at, end - at) == key : std::to_string(index) == key;
      if (dict) at = end + 1;  // behind the colon
      if (found) break;
      at = end_of(json, at);
      if (at >= json.size() || json[at] != ',') return {};
    }
  }
  const auto text = json.substr(std::min(at, json.size()), 2);
  return text == "{}" || text == "[]" ? text : std::string_view();
}

Side side(Leaf leaf) {
  const auto id = store::value_id(leaf);
  return {std::move(leaf), id};
}

// A subtree against another one at the same place, leaf by leaf.
void pair(const Path& path, const Value* before, const Value* after, std::vector<Difference>& out) {
  std::vector<Leaf> old, fresh;
  if (before) flatten(path, *before, old);
  if (after) flatten(path, *after, fresh);
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < old.size(); ++i) places.emplace(old[i].path, i);
  std::vector<bool> met(old.size());
  std::vector<Difference> found;
  for (auto& leaf : fresh) {
    const auto place = places.find(leaf.path);
    Difference difference;
    if (place != places.end()) {
      met[place->second] = true;
      if (old[place->second] == leaf) continue;
      difference.before = side(old[place->second]);
    }
    difference.after = side(std::move(leaf));
    found.push_back(std::move(difference));
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (!met[i]) found.push_back({side(std::move(old[i])), std::nullopt});
  }
  std::move(found.begin(), found.end(), std::back_inserter(out));
}

base::Result<std::vector<Difference>> take_apart(const std::string* before, const std::string* after) {
  std::vector<Difference> out;
  if (before && after) {
    const auto old = WEFT_TRY(base::compress::unzstd(*before)), fresh = WEFT_TRY(base::compress::unzstd(*after));
    const auto diff = WEFT_TRY(base::profile::diff_canonical(old, fresh));
    std::optional<Path> looked_at;
    for (const auto& change : diff.changes) {
      pair(change.path, change.before, change.after, out);
      // What comes into an empty list or dict, or was the last in it, changes that one too: empty ones are values.
      if ((change.before && change.after) || change.path.parts().empty()) continue;
      const auto parent = change.path.parent();
      if (looked_at == parent) continue;
      looked_at = parent;
      const auto was = empty_container(old, parent), is = empty_container(fresh, parent);
      if (was == is) continue;
      Difference difference;
      const auto leaf = [&](std::string_view text) {
        return side({parent.parts().empty() ? "/" : parent.text(), text == "{}" ? "dict" : "list", std::string(text)});
      };
      if (!was.empty()) difference.before = leaf(was);
      if (!is.empty()) difference.after = leaf(is);
      out.push_back(std::move(difference));
    }
    return out;
  }
  const auto* whole = after ? after : before;
  if (!whole) return out;
  std::vector<Leaf> leaves;
  flatten(Path(), WEFT_TRY(base::profile::parse_json(WEFT_TRY(base::compress::unzstd(*whole)))), leaves);
  out.resize(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) (after ? out[i].after : out[i].before) = side(std::move(leaves[i]));
  return out;
}

// Puts equal changes of many nodes together.
class Gatherer {
 public:
  void add(std::int32_t number, std::vector<Difference> differences) {
    for (auto& difference : differences) {
      const auto before = difference.before ? leaf(*difference.before) : none;
      const auto after = difference.after ? leaf(*difference.after) : none;
      const auto [place, fresh] = groups_.emplace(std::pair(before, after), out_.changes.size());
      if (fresh) {
        store::ValueChanges::Change change;
        change.path = path_of_[after == none ? before : after];
        if (before != none) change.before = before;
        if (after != none) change.after = after;
        out_.changes.push_back(std::move(change));
      }
      out_.changes[place->second].nodes.add(number);
    }
  }
  store::ValueChanges take() { return std::move(out_); }

 private:
  std::size_t leaf(Side& side) {
    const auto [place, fresh] = leaves_.emplace(side.id, out_.leaves.size());
    if (fresh) {
      const auto [path, first] = paths_.emplace(side.leaf.path, out_.paths.size());
      if (first) out_.paths.push_back(side.leaf.path);
      path_of_.push_back(path->second);
      side.leaf.path.clear();  // it stands in `paths`
      out_.leaves.push_back({side.id, std::move(side.leaf)});
    }
    return place->second;
  }

  store::ValueChanges out_;
  std::vector<std::size_t> path_of_;
  std::unordered_map<std::string, std::size_t> paths_;
  std::unordered_map<ValueId, std::size_t, IdHash> leaves_;
  std::unordered_map<std::pair<std::size_t, std::size_t>, std::size_t, PairHash> groups_;
};

}  // namespace

void flatten(const Path& path, const Value& value, std::vector<Leaf>& out) {
  auto text = path.parts().empty() ? std::string() : path.text();
  walk(text, value, out);
}

base::Result<store::ValueChanges> collect(std::span<const store::ValueStep::Move> moves, const Fetch& fetch) {
  Gatherer gatherer;
  for (std::size_t start = 0; start < moves.size(); start += batch_size) {
    const auto some = moves.subspan(start, std::min(batch_size, moves.size() - start));
    std::vector<store::Digest> roots;
    for (const auto& move : some) {
      if (move.before) roots.push_back(*move.before);
      if (move.after) roots.push_back(*move.after);
    }
    const auto data = WEFT_TRY(fetch(roots));
    std::vector<std::pair<const std::string*, const std::string*>> pairs;
    std::size_t next = 0;
    for (const auto& move : some) {
      const auto* before = move.before ? &data[next++] : nullptr;
      const auto* after = move.after ? &data[next++] : nullptr;
      pairs.emplace_back(before, after);
    }
    std::vector<base::Result<std::vector<Difference>>> apart(some.size());
    build::parallel_for(some.size(), [&](std::size_t i) { apart[i] = take_apart(pairs[i].first, pairs[i].second); });
    for (std::size_t i = 0; i < some.size(); ++i) gatherer.add(some[i].number, WEFT_TRY(std::move(apart[i])));
  }
  return gatherer.take();
}

}  // namespace cdb::values
