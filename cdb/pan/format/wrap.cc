// Lines that are too long are opened up at their outermost place that helps; lines that cannot be broken stay.
#include <algorithm>

#include "cdb/pan/format/format.h"
#include "cdb/pan/format/layout.h"

namespace cdb::pan::format {

using syntax::kNone;
using syntax::TokenId;

// Without a comment at its end, which has to stay.
std::uint32_t Layout::width_of(std::uint32_t begin, std::uint32_t end, std::uint32_t indent) const {
  std::uint32_t at = indent, most = 0;
  for (std::uint32_t i = begin; i < end; ++i) {
    const Element& e = elements_.list[i];
    if (e.kind == Element::Kind::comment) break;
    at += (i > begin && e.space ? 1 : 0) + e.width;
    most = std::max(most, at);
    if (!e.one_line) at = e.last_line;
  }
  return most;
}

// Before the annotations that stand before it.
bool Layout::break_before(TokenId t) {
  const std::uint32_t first = elements_.first_of_gap[t];
  for (std::uint32_t i = first; i <= elements_.of_token[t]; ++i)
    if (elements_.list[i].breaks > 0) return false;
  elements_.list[first].breaks = 1;
  return true;
}

// A literal or a variable with at most an index.
bool Layout::simple(TokenId first, TokenId end) const {
  return end - first <= 4 && std::none_of(tree_.tokens().begin() + first, tree_.tokens().begin() + end, [](const auto& token) {
           return token.kind == Lex::lparen || token.kind == Lex::lbrace;
         });
}

void Layout::open_up(GroupId id) {
  const Group& group = structure_.groups[id];
  const bool all = group.kind == Group::Kind::block || group.kind == Group::Kind::record;
  bool fill = group.kind == Group::Kind::call;
  if (group.kind == Group::Kind::data && !group.pairs) {
    fill = true;
    for (std::size_t i = 0; i < group.items.size(); ++i)
      fill = fill && simple(group.items[i], i + 1 < group.items.size() ? group.items[i + 1] - 1 : group.close);
  }
  const std::size_t step = group.pairs ? 2 : 1;
  for (std::size_t i = 0; i < group.items.size(); i += step)
    if (all || !fill || i == 0) break_before(group.items[i]);
  break_before(group.close);
}

TokenId Layout::last_fitting(const std::vector<TokenId>& tokens, std::uint32_t begin, std::uint32_t indent) const {
  TokenId best = tokens.front();
  for (const TokenId t : tokens)
    if (width_of(begin, elements_.of_token[t] + 1, indent) <= kWidth) best = t;
  return best;
}

bool Layout::wrap(std::uint32_t begin, std::uint32_t end, std::uint32_t indent) {
  if (width_of(begin, end, indent) <= kWidth) return false;
  // What the outermost places offer, in the order of preference.
  GroupId braces = kNone, list = kNone, call = kNone;
  TokenId with = kNone, value = kNone, body = kNone;
  std::uint32_t call_size = 0;
  syntax::NodeId chain = kNone;
  std::vector<TokenId> commas, operators;
  int depth = 0, best = INT32_MAX;
  std::vector<bool> open;  // does the bracket count as a level?
  const auto offer = [&] {
    if (depth > best) return false;
    if (depth < best) {
      braces = list = call = kNone;
      chain = kNone;
      call_size = 0;
      commas.clear();
      operators.clear();
      best = depth;
    }
    return true;
  };
  const std::uint32_t last = [&] {
    std::uint32_t i = end - 1;
    while (i > begin && elements_.list[i].kind != Element::Kind::token) --i;
    return i;
  }();
  for (std::uint32_t i = begin; i <= last; ++i) {
    const Element& e = elements_.list[i];
    if (e.kind != Element::Kind::token) continue;
    const TokenId t = e.token;
    const Place& place = structure_.places[t];
    if (lex(t) == Lex::heredoc) return false;  // its body follows this line: no line end may come before
    if (place.closes != kNone) {
      if (!open.empty()) {
        depth -= open.back() ? 1 : 0;
        open.pop_back();
      }
    }
    if (i > begin && depth == 0 && place.item == t && place.group != kNone &&
        structure_.groups[place.group].kind == Group::Kind::body)
      body = t;
    if (lex(t) == Lex::with && i > begin && depth == 0) with = t;
    if (place.aligns && depth == 0 && i < last && value == kNone) value = t + 1;
    if (lex(t) == Lex::comma && i < last && place.group != kNone && place.item == kNone) {
      const Group& group = structure_.groups[place.group];
      const auto next = std::find(group.items.begin(), group.items.end(), t + 1);
      const bool pair = group.pairs && (next - group.items.begin()) % 2 != 0;
      const bool broken = !group.items.empty() && element(group.items[0]).breaks > 0;
      if (broken && open.empty() && next != group.items.end() && !pair && offer()) commas.push_back(t);
    }
    if (place.chain != kNone && i < last && offer()) {
      // Of chains in chains the outer one; it was made later.
      if (chain == kNone || place.chain > chain) {
        chain = place.chain;
        operators.clear();
      }
      if (chain == place.chain) operators.push_back(t);
    }
    if (place.opens != kNone) {
      const Group& group = structure_.groups[place.opens];
      bool level = false;
      if (i < last && !group.items.empty()) {
        switch (group.kind) {
          case Group::Kind::block:
          case Group::Kind::record:
            level = true;
            if (offer() && braces == kNone) braces = place.opens;
            break;
          case Group::Kind::data:
          case Group::Kind::call: {
            // A call with nothing but another call or list in it: the inner one is opened.
            const bool hugs =
                group.items.size() == 1 && lex(group.items[0]) == Lex::identifier && lex(group.items[0] + 1) == Lex::lparen;
            level = !hugs;
            if (hugs || !offer()) break;
            const std::uint32_t size = element(group.close).begin - e.begin;
            if (group.kind == Group::Kind::data) {
              if (list == kNone || structure_.groups[list].items.size() < group.items.size()) list = place.opens;
            } else if (size > call_size) {
              call = place.opens;
              call_size = size;
            }
            break;
          }
          default: break;
        }
      }
      open.push_back(level);
      depth += level ? 1 : 0;
    }
  }
  if (braces != kNone) {
    // All branches of an if have the same form.
    const TokenId anchor = structure_.groups[braces].anchor, behind = elements_.list[last].token;
    for (GroupId i = braces; i < structure_.groups.size() && structure_.groups[i].open <= behind; ++i)
      if (i == braces || (structure_.groups[i].anchor == anchor && structure_.groups[i].kind == Group::Kind::block)) open_up(i);
    return element(structure_.groups[braces].items[0]).breaks > 0 && line_end(begin) < end;
  }
  if (body != kNone && break_before(body)) return true;
  const auto break_after = [&](const std::vector<TokenId>& tokens) {
    return break_before(last_fitting(tokens, begin, indent) + 1);
  };
  if (!commas.empty() && break_after(commas)) return true;
  if (!operators.empty() && break_after(operators)) return true;
  if (with != kNone && break_before(with)) return true;
  for (const GroupId group : {list, call}) {
    if (group == kNone) continue;
    // A single long text does not get shorter on a line of its own.
    const Group& g = structure_.groups[group];
    if (g.items.size() == 1 && width_of(elements_.of_token[g.items[0]], elements_.of_token[g.close], indent + kIndent) > kWidth &&
        simple(g.items[0], g.close))
      continue;
    open_up(group);
    if (line_end(begin) < end) return true;
  }
  // Nothing inside: the value alone on the next line, if it fits there.
  if (value != kNone && structure_.places[value].rule == Rule::free &&
      width_of(elements_.of_token[value], end, indent + kIndent) <= kWidth)
    return break_before(value);
  return false;
}

}  // namespace cdb::pan::format
