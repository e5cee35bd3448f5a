#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <fmt/format.h>

#include "cdb/pan/java/java.h"
#include "cdb/pan/java/regex_translate.h"
#include "cdb/pan/java/utf.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan::java {

struct Regex::Impl {
  std::string source;
  pcre2_code* code = nullptr;
  int groups = 0;
  std::map<std::string, int, std::less<>> names;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { pcre2_code_free(code); }
};

namespace {

// About a quarter of a second of backtracking: no honest pattern on a profile's short strings comes near it.
constexpr std::uint32_t kMatchLimit = 5'000'000;
constexpr std::size_t kMaxPattern = 1 << 20;
constexpr std::size_t kMaxResult = 64 << 20;
constexpr std::size_t kMaxPieces = 4'000'000;

// What a match needs apart from the compiled pattern; kept per thread because making it costs more than a short match.
class Scratch {
 public:
  Scratch() : context_(pcre2_match_context_create(nullptr)), stack_(pcre2_jit_stack_create(32 * 1024, 4 * 1024 * 1024, nullptr)) {
    pcre2_set_match_limit(context_, kMatchLimit);
    pcre2_set_heap_limit(context_, 64 * 1024);  // KiB
    pcre2_jit_stack_assign(context_, nullptr, stack_);
  }
  ~Scratch() {
    pcre2_match_data_free(data_);
    pcre2_jit_stack_free(stack_);
    pcre2_match_context_free(context_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  pcre2_match_data* data(int groups) {
    auto pairs = static_cast<std::uint32_t>(groups + 1);
    if (pairs > pairs_) {
      pcre2_match_data_free(data_);
      pairs_ = std::max(pairs, 16U);
      data_ = pcre2_match_data_create(pairs_, nullptr);
    }
    return data_;
  }
  pcre2_match_context* context() { return context_; }

 private:
  pcre2_match_context* context_;
  pcre2_jit_stack* stack_;
  pcre2_match_data* data_ = nullptr;
  std::uint32_t pairs_ = 0;
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

std::string pcre2_message(int code) {
  unsigned char buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

constexpr std::size_t kNone = PCRE2_UNSET;

// Runs the pattern from `offset`; the positions stay valid until the thread's next match. Null pointer: no match.
base::Result<const std::size_t*> run(const Regex::Impl& impl, std::string_view subject, std::size_t offset,
                                     std::uint32_t options) {
  pcre2_match_data* data = scratch().data(impl.groups);
  auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data() ? subject.data() : "");
  int result = pcre2_match(impl.code, text, subject.size(), offset, options, data, scratch().context());
  if (result == PCRE2_ERROR_NOMATCH) return nullptr;
  if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_JIT_STACKLIMIT || result == PCRE2_ERROR_HEAPLIMIT ||
      result == PCRE2_ERROR_DEPTHLIMIT)
    return base::fail(
        base::Errc::exhausted,
        fmt::format("regular expression '{}' takes too many steps on a string of {} bytes", impl.source, subject.size()),
        "avoid nested repetitions such as (a+)+, or make the inner one possessive: (a++)+");
  if (result < 0 && result >= PCRE2_ERROR_UTF8_ERR21 && result <= PCRE2_ERROR_UTF8_ERR1)
    return base::fail(base::Errc::invalid, fmt::format("a string matched against '{}' is not UTF-8 text", impl.source));
  if (result < 0)
    return base::fail(base::Errc::internal, fmt::format("regular expression '{}': {}", impl.source, pcre2_message(result)));
  const std::size_t* positions = pcre2_get_ovector_pointer(data);
  // Groups behind the last one that took part are not written.
  auto* writable = pcre2_get_ovector_pointer(data);
  for (int group = result; group <= impl.groups; ++group) writable[2 * group] = writable[2 * group + 1] = kNone;
  return positions;
}

std::string_view group_text(std::string_view subject, const std::size_t* positions, int group) {
  std::size_t begin = positions[2 * group], end = positions[2 * group + 1];
  return begin == kNone || end < begin ? std::string_view() : subject.substr(begin, end - begin);
}

// Calls visit(positions) for each match in turn as Matcher.find() does, until it returns false.
template <class Visit>
base::Result<> each_match(const Regex::Impl& impl, std::string_view subject, Visit visit) {
  std::uint32_t options = 0;
  for (std::size_t offset = 0; offset <= subject.size();) {
    // Each search may look at the whole rest of the subject.
    TimeGuard::check();
    const std::size_t* positions = WEFT_TRY(run(impl, subject, offset, options));
    if (!positions) break;
    options = PCRE2_NO_UTF_CHECK;  // checked by the first call
    std::size_t begin = positions[0], end = positions[1];
    if (!WEFT_TRY(visit(positions))) break;
    offset = end;
    if (begin == end) {
      if (offset == subject.size()) break;
      next_code(subject, offset);
    }
  }
  return {};
}

struct Piece {
  std::string literal;
  int group = -1;
};

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

base::Result<std::vector<Piece>> parse_replacement(const Regex::Impl& impl, std::string_view text) {
  auto bad = [&](std::string what) {
    return base::fail(base::Errc::invalid, what + " in replacement '" + std::string(text) + "'",
                      "write \\$ for a dollar sign and \\\\ for a backslash");
  };
  std::vector<Piece> pieces(1);
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at++];
    if (c != '\\' && c != '$') {
      pieces.back().literal += c;
      continue;
    }
    if (c == '\\') {
      if (at == text.size()) return bad("character to be escaped is missing");
      pieces.back().literal += text[at++];
      continue;
    }
    if (at == text.size()) return bad("Illegal group reference: group index is missing");
    int group = 0;
    if (text[at] == '{') {
      std::size_t begin = ++at;
      while (at < text.size() && is_name(text[at])) ++at;
      std::string_view name = text.substr(begin, at - begin);
      if (name.empty() || at == text.size() || text[at] != '}') return bad("named capturing group is missing trailing '}'");
      ++at;
      auto found = impl.names.find(name);
      if (found == impl.names.end()) return bad("No group with name {" + std::string(name) + "}");
      group = found->second;
    } else if (text[at] >= '0' && text[at] <= '9') {
      group = text[at++] - '0';
      if (group > impl.groups) return bad("No group " + std::to_string(group));
      // Further digits count as long as there are that many groups.
      for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && group * 10 + (text[at] - '0') <= impl.groups; ++at)
        group = group * 10 + (text[at] - '0');
    } else {
      return bad("Illegal group reference");
    }
    pieces.back().group = group;
    pieces.emplace_back();
  }
  return pieces;
}

}  // namespace

base::Result<Regex> Regex::compile(std::string_view pattern, std::string_view flags) {
  if (pattern.size() > kMaxPattern)
    return base::fail(base::Errc::exhausted, fmt::format("a regular expression of {} bytes is too long", pattern.size()),
                      "keep it below 1 MiB");
  Translated translated = WEFT_TRY(translate_regex(pattern, flags));
  auto impl = std::make_shared<Impl>();
  impl->source = std::string(pattern);
  impl->groups = translated.groups;
  impl->names = std::move(translated.names);
  int error = 0;
  std::size_t offset = 0;
  constexpr std::uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C;
  impl->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.pattern.data()), translated.pattern.size(), options, &error,
                             &offset, nullptr);
  if (!impl->code) {
    bool behind = error == 125;  // "lookbehind assertion is not fixed length"
    return base::fail(base::Errc::invalid,
                      fmt::format("regular expression '{}' is not supported: {}", pattern, pcre2_message(error)),
                      behind ? "write a look-behind whose alternatives each have a fixed length" : "");
  }
  // Without JIT (some hardened kernels) matching is slower but the same.
  pcre2_jit_compile(impl->code, PCRE2_JIT_COMPLETE);
  return Regex(std::move(impl));
}

base::Result<bool> Regex::find(std::string_view subject) const {
  return WEFT_TRY(run(*impl_, subject, 0, 0)) != nullptr;
}

base::Result<bool> Regex::full_match(std::string_view subject) const {
  return WEFT_TRY(run(*impl_, subject, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED)) != nullptr;
}

base::Result<std::optional<std::vector<std::string_view>>> Regex::groups(std::string_view subject) const {
  const std::size_t* positions = WEFT_TRY(run(*impl_, subject, 0, 0));
  if (!positions) return std::nullopt;
  std::vector<std::string_view> texts;
  for (int group = 0; group <= impl_->groups; ++group) texts.push_back(group_text(subject, positions, group));
  return texts;
}

base::Result<std::string> Regex::replace_all(std::string_view subject, std::string_view replacement) const {
  std::string out;
  std::size_t copied = 0;
  std::vector<Piece> pieces;
  WEFT_TRY(each_match(*impl_, subject, [&](const std::size_t* positions) -> base::Result<bool> {
    // Parsed at the first match only: Java does not look at the replacement otherwise.
    if (pieces.empty()) pieces = WEFT_TRY(parse_replacement(*impl_, replacement));
    out += subject.substr(copied, positions[0] - copied);
    for (const Piece& piece : pieces) {
      out += piece.literal;
      if (piece.group >= 0) out += group_text(subject, positions, piece.group);
    }
    copied = positions[1];
    if (out.size() > kMaxResult)
      return base::fail(base::Errc::exhausted,
                        fmt::format("the result of replacing '{}' is larger than {} bytes", impl_->source, kMaxResult),
                        "replace by something shorter");
    return true;
  }));
  out += subject.substr(copied);
  return out;
}

base::Result<std::vector<std::string>> Regex::split(std::string_view subject, std::int64_t limit) const {
  std::vector<std::string> pieces;
  std::size_t begin = 0;
  auto most = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
  bool limited = limit > 0;
  WEFT_TRY(each_match(*impl_, subject, [&](const std::size_t* positions) -> base::Result<bool> {
    if (limited && pieces.size() + 1 >= most) return false;
    // A match of no width at the beginning gives no empty first piece.
    if (begin == 0 && positions[0] == 0 && positions[1] == 0) return true;
    pieces.emplace_back(subject.substr(begin, positions[0] - begin));
    begin = positions[1];
    if (pieces.size() > kMaxPieces)
      return base::fail(base::Errc::exhausted,
                        fmt::format("splitting at '{}' gives more than {} pieces", impl_->source, kMaxPieces),
                        "give the largest number of pieces, or split something shorter");
    return true;
  }));
  if (begin == 0) return std::vector<std::string>{std::string(subject)};
  pieces.emplace_back(subject.substr(begin));
  if (limit == 0)
    while (!pieces.empty() && pieces.back().empty()) pieces.pop_back();
  return pieces;
}

}  // namespace cdb::pan::java
