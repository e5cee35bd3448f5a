#include "base/profile/canonical_diff.h"

#include <optional>

#include "base/profile/json.h"

namespace base::profile {
namespace {

// Where one of the texts is read.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void take(char c) {
    if (peek() == c) {
      ++at_;
    } else {
      bad = true;
    }
  }
  bool done() const { return at_ == text_.size(); }

  // The value, or the key, that begins here, as text; goes behind it.
  std::string_view value() {
    const auto begin = at_;
    int depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
      } else if (c == '}' || c == ']') {
        --depth;
        ++at_;
      } else if (depth > 0 && (c == ',' || c == ':')) {
        ++at_;
      } else {
        scalar();
      }
    } while (depth > 0 && !bad);
    return text_.substr(begin, at_ - begin);
  }
  // Goes behind `same` when exactly this leaf or key is here.
  bool skip(std::string_view same) {
    if (text_.substr(at_, same.size()) != same || (same.back() != '"' && !ends_scalar(at_ + same.size()))) return false;
    at_ += same.size();
    return true;
  }

  bool bad = false;

 private:
  bool ends_scalar(std::size_t at) const {
    return at >= text_.size() || text_[at] == ',' || text_[at] == '}' || text_[at] == ']' || text_[at] == ':';
  }
  void scalar() {
    const auto begin = at_;
    while (!ends_scalar(at_)) ++at_;
    if (at_ == begin) bad = true;
  }
  void string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    if (at_ >= text_.size()) {
      bad = true;
      at_ = text_.size();
    } else {
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Differ {
 public:
  Differ(std::string_view before, std::string_view after) : before_(before), after_(after) {}

  Result<TextDiff> run() {
    compare();
    if (too_deep_) return fail(Errc::exhausted, "the profile is nested too deeply to be compared");
    if (bad() || !before_.done() || !after_.done())
      return fail(Errc::corrupt, "the profile to be compared is not canonical JSON");
    return std::move(out_);
  }

 private:
  bool bad() const { return before_.bad || after_.bad; }

  // Equal parts are read once: what the older text has here is either here in the newer one too, or it is a difference.
  void compare() {
    const char b = before_.peek(), a = after_.peek();
    if (b == a && (b == '{' || b == '[')) {
      if (parts_.size() >= static_cast<std::size_t>(JsonLimits{}.depth)) {
        too_deep_ = before_.bad = true;
        return;
      }
      before_.take(b);
      after_.take(b);
      if (b == '{') {
        dicts();
      } else {
        lists();
      }
      return;
    }
    const auto old_text = before_.value();
    if (bad() || after_.skip(old_text)) return;
    note(old_text, after_.value());
  }

  void dicts() {
    while (!bad() && (before_.peek() == '"' || after_.peek() == '"')) {
      const bool has_before = before_.peek() == '"', has_after = after_.peek() == '"';
      auto ahead = before_;
      const auto key = has_before ? ahead.value() : std::string_view{};
      if (has_before && has_after && after_.skip(key)) {
        before_ = ahead;
        inside(key, [&] {
          before_.take(':');
          after_.take(':');
          if (!bad()) compare();
        });
        comma(before_);
        comma(after_);
        continue;
      }
      auto other_ahead = after_;
      const auto other = has_after ? other_ahead.value() : std::string_view{};
      if (ahead.bad || other_ahead.bad) break;
      if (!has_after || (has_before && text(key) < text(other))) {
        before_ = ahead;
        before_.take(':');
        inside(key, [&] { note(before_.value(), {}); });
        comma(before_);
      } else {
        after_ = other_ahead;
        after_.take(':');
        inside(other, [&] { note({}, after_.value()); });
        comma(after_);
      }
    }
    before_.take('}');
    after_.take('}');
  }

  void lists() {
    for (std::size_t i = 0; !bad() && (before_.peek() != ']' || after_.peek() != ']'); ++i) {
      const std::string index = std::to_string(i);
      inside(index, [&] {
        if (before_.peek() == ']') {
          note({}, after_.value());
        } else if (after_.peek() == ']') {
          note(before_.value(), {});
        } else {
          compare();
        }
      });
      if (before_.peek() != ']') comma(before_);
      if (after_.peek() != ']') comma(after_);
    }
    before_.take(']');
    after_.take(']');
  }

  static void comma(Cursor& cursor) {
    if (cursor.peek() == ',') cursor.take(',');
  }

  // A key as its bytes; list indices stand as they are.
  static std::string text(std::string_view part) {
    if (!part.starts_with('"')) return std::string(part);
    if (part.find('\\') == std::string_view::npos) return std::string(part.substr(1, part.size() - 2));
    const auto parsed = parse_json(part);
    return parsed && parsed->is_string() ? *parsed->string() : std::string(part);
  }

  void note(std::string_view old_text, std::string_view new_text) {
    Change change{{}, nullptr, nullptr};
    for (const auto part : parts_) change.path = change.path / text(part);
    const auto parse = [&](std::string_view slice, const Value*& side, Cursor& from) {
      if (slice.empty() || bad()) return;
      auto value = parse_json(slice);
      if (!value) {
        from.bad = true;
        return;
      }
      side = &out_.values.emplace_back(std::move(*value));
    };
    parse(old_text, change.before, before_);
    parse(new_text, change.after, after_);
    out_.changes.push_back(std::move(change));
  }

  template <class F>
  void inside(std::string_view part, F&& f) {
    parts_.push_back(part);
    f();
    parts_.pop_back();
  }

  Cursor before_, after_;
  std::vector<std::string_view> parts_;
  TextDiff out_;
  bool too_deep_ = false;
};

}  // namespace

Result<TextDiff> diff_canonical(std::string_view before, std::string_view after) {
  return Differ(before, after).run();
}

}  // namespace base::profile
