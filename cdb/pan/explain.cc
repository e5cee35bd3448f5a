// What Provenance remembers, as plain data.
#include "cdb/pan/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/profile_value.h"
#include "cdb/pan/provenance.h"
#include "cdb/pan/stack_guard.h"

namespace cdb::pan {

namespace {

using How = Origin::How;

constexpr std::size_t kLongestValue = 200;

std::string short_text(const Value& value) {
  switch (value.tag()) {
    case Tag::none:
    case Tag::null: return "nothing";
    case Tag::undef: return "undef";
    case Tag::dict: return value.node()->size == 0 ? "{}" : fmt::format("dict of {}", value.node()->size);
    case Tag::list: return value.node()->size == 0 ? "[]" : fmt::format("list of {}", value.node()->size);
    case Tag::string: {
      std::string_view text = value.as_string();
      if (text.size() <= kLongestValue) return base::profile::to_json(std::string(text));
      std::size_t cut = kLongestValue;
      while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
      return fmt::format("{}... ({} bytes)", base::profile::to_json(std::string(text.substr(0, cut))), text.size());
    }
    default: return text_of(value);
  }
}

std::string type_text(const Value& value) {
  return value.is_dict() ? "dict" : std::string(tag_name(value.tag()));
}

base::profile::Value leaf(const Value& value) {
  return value.is_property() ? to_profile(value) : base::profile::Value();
}

std::string path_text(std::span<const std::string> terms) {
  return terms.empty() ? "/" : "/" + fmt::format("{}", fmt::join(terms, "/"));
}

// A pattern's terms: "/a/{b.c}/*"; braces hold raw text.
std::vector<std::string> pattern_terms(std::string_view pattern) {
  std::vector<std::string> terms;
  std::string term;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '/') {
      if (!term.empty()) terms.push_back(std::exchange(term, {}));
    } else if (pattern[i] == '{' && pattern.find('}', i) != std::string_view::npos) {
      const std::size_t close = pattern.find('}', i);
      term += escape(pattern.substr(i + 1, close - i - 1));
      i = close;
    } else {
      term += pattern[i];
    }
  }
  if (!term.empty()) terms.push_back(std::move(term));
  return terms;
}

// Lists in the order of their indices.
bool path_before(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  auto is_index = [](const std::string& t) { return !t.empty() && t.find_first_not_of("0123456789") == std::string::npos; };
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (is_index(a[i]) && is_index(b[i]) && a[i].size() != b[i].size()) return a[i].size() < b[i].size();
    return a[i] < b[i];
  }
  return a.size() < b.size();
}

using Shadow = Provenance::Shadow;

struct Element {
  std::vector<std::string> terms;
  const Shadow* shadow;
  const Value* value;
};

const Value* value_of(const Value* parent, std::string_view key) {
  return parent != nullptr && parent->is_dict() ? parent->node()->find(key) : nullptr;
}

const Value* value_of(const Value* parent, std::size_t index) {
  return parent != nullptr && parent->is_list() && index < parent->node()->size ? &parent->node()->items[index] : nullptr;
}

template <class Each>
void each_child(const Element& element, const Each& each) {
  Element below{element.terms, nullptr, nullptr};
  below.terms.emplace_back();
  auto give = [&](std::string term, const Shadow& shadow, const Value* value) {
    below.terms.back() = std::move(term);
    below.shadow = &shadow;
    below.value = value;
    each(below);
  };
  for (const auto& [key, shadow] : element.shadow->fields) give(key, *shadow, value_of(element.value, key));
  for (std::size_t i = 0; i < element.shadow->items.size(); ++i)
    give(std::to_string(i), *element.shadow->items[i], value_of(element.value, i));
}

void leaves(const Element& element, std::vector<Element>& out) {
  StackGuard::check();
  if (element.value == nullptr) return;
  if (!element.value->is_resource() || element.value->node()->size == 0) out.push_back(element);
  each_child(element, [&](const Element& below) { leaves(below, out); });
}

void match(const Element& element, std::span<const std::string> pattern, std::vector<Element>& out) {
  StackGuard::check();
  if (pattern.empty()) {
    const bool inner = element.value != nullptr && element.value->is_resource() && element.value->node()->size != 0;
    if (inner || (element.value == nullptr && !element.shadow->history.empty())) out.push_back(element);
    leaves(element, out);
    return;
  }
  each_child(element, [&](const Element& below) {
    if (below.terms.back() == pattern[0] || base::text::glob_match(pattern[0], below.terms.back()))
      match(below, pattern.subspan(1), out);
  });
}

// What the person may have meant: a sibling of the first term that does not exist, else elements elsewhere with the same last
// term.
std::string unknown_hint(const Element& root, std::span<const std::string> pattern) {
  Element at = root;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    std::vector<std::string> names;
    bool found = false;
    Element next{};
    each_child(at, [&](const Element& below) {
      names.push_back(below.terms.back());
      if (below.terms.back() != pattern[i]) return;
      found = true;
      next = below;
    });
    if (found) {
      at = std::move(next);
      continue;
    }
    std::vector<std::string> similar = base::text::did_you_mean(pattern[i], names);
    for (std::string& name : similar) {
      std::vector<std::string> terms = at.terms;
      terms.push_back(name);
      terms.insert(terms.end(), pattern.begin() + static_cast<std::ptrdiff_t>(i) + 1, pattern.end());
      name = path_text(terms);
    }
    if (similar.empty()) {
      std::vector<Element> all;
      leaves(root, all);
      for (const Element& leaf : all)
        if (similar.size() < 5 && !leaf.terms.empty() && leaf.terms.back() == pattern.back())
          similar.push_back(path_text(leaf.terms));
    }
    if (!similar.empty()) return fmt::format("did you mean {}?", fmt::join(similar, ", "));
    return i == 0 ? std::string("--explain / shows everything")
                  : fmt::format("{} exists: ask for it to see what is there", path_text(at.terms));
  }
  return {};
}

}  // namespace

Origin Provenance::to_origin(const Setting& setting, const std::vector<Event>& events, const ObjectContext& context,
                             Ranges& ranges) {
  const Event& event = events[setting.event];
  Origin out;
  out.how = event.kind == Event::Kind::initial ? How::initial : setting.how;
  out.value = leaf(setting.value);
  out.text = short_text(setting.value);
  out.place = ranges.of(event.place());
  if (event.statement != nullptr) {
    out.conditional = event.statement->conditional;
    out.final = event.statement->final;
  }
  if (event.chain != nullptr) {
    for (const CallStep& step : *event.chain) {
      Origin::Step made;
      made.name = step.name;
      made.place = ranges.of({step.caller != nullptr ? step.caller->source : nullptr, step.span});
      const auto callee = context.loaded.find(std::string(step.name));
      if (step.call)
        made.kind = Origin::Step::Kind::call;
      else if (callee != context.loaded.end() && callee->second->kind == TemplateKind::structure &&
               (step.caller == nullptr || step.caller->kind != TemplateKind::structure ||
                !made.place.text.starts_with("include")))
        made.kind = Origin::Step::Kind::create;
      out.chain.push_back(std::move(made));
    }
  }
  if (setting.line && setting.line->owner != nullptr) {
    SourceRange line = ranges.of({setting.line->owner->source, setting.line->span}, true);
    if (line.file != out.place.file || line.line != out.place.line) {
      out.line = std::move(line);
      out.function = setting.line->function;
    }
  }
  if (event.owner != nullptr && event.owner->kind == TemplateKind::structure) out.structure = event.owner->name;
  for (const std::uint32_t by : setting.placed) out.placed_by.push_back(ranges.of(events[by].place()));
  if (setting.from_type != nullptr) {
    out.type = setting.from_type->type;
    out.field = setting.from_type->field;
    out.place = ranges.of(setting.from_type->place);
  }
  for (const Event::Use& use : event.uses) out.uses.push_back({use.kind, use.name, ranges.of(use.place)});
  return out;
}

void Provenance::explain(std::span<const std::string> paths, Explanation& out) const {
  if (context_ == nullptr || root_ == nullptr) return;
  const Element root{{}, root_.get(), context_->root.exists() ? &context_->root : nullptr};
  std::vector<Element> found;
  for (const std::string& path : paths) {
    std::vector<Element> some;
    const std::vector<std::string> terms = pattern_terms(path);
    match(root, terms, some);
    if (some.empty()) out.unknown.push_back({path, unknown_hint(root, terms)});
    found.insert(found.end(), some.begin(), some.end());
  }
  std::sort(found.begin(), found.end(), [](const Element& a, const Element& b) { return path_before(a.terms, b.terms); });
  found.erase(std::unique(found.begin(), found.end(), [](const Element& a, const Element& b) { return a.terms == b.terms; }),
              found.end());
  Ranges ranges;
  for (const Element& element : found) {
    Explained made;
    made.path = path_text(element.terms);
    const Value value = element.value == nullptr ? Value() : *element.value;
    made.value = leaf(value);
    made.type = type_text(value);
    made.text = short_text(value);
    for (auto setting = element.shadow->history.rbegin(); setting != element.shadow->history.rend(); ++setting)
      made.history.push_back(to_origin(*setting, events_, *context_, ranges));
    made.types = bound_types(*context_, element.terms, ranges);
    out.elements.push_back(std::move(made));
  }
}

const Origin* Explained::origin() const {
  for (const Origin& origin : history)
    if (origin.how != How::kept) return &origin;
  return nullptr;
}

}  // namespace cdb::pan
