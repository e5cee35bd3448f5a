#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "base/text/text.h"
#include "base/yaml/scalar.h"
#include "base/yaml/yaml.h"

namespace base::yaml {
namespace {

using profile::Dict;
using profile::List;
using profile::Value;

constexpr std::size_t deepest = 100;
// What aliases may add to a document. Without a bound ten lines of YAML expand to gigabytes ("billion laughs").
constexpr std::size_t most_alias_bytes = 16u << 20;

std::size_t weight(const Value& value) {
  std::size_t sum = sizeof(Value);
  if (const auto* text = value.string()) sum += text->size();
  if (const auto* items = value.list())
    for (const auto& item : *items) sum += weight(item);
  if (const auto* children = value.dict())
    for (const auto& [key, child] : *children) sum += 64 + key.size() + weight(child);
  return sum;
}

// Builds the value from yaml-cpp's events; the document's nodes would lose whether a scalar was quoted, and where it stood.
// Stops by exception (yaml-cpp offers no other way), which parse() turns into the error.
class Builder : public YAML::EventHandler {
 public:
  struct Stop {
    Error error;
    YAML::Mark mark;
  };

  Value root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, anchor, Value(), false); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text) override {
    // yaml-cpp turns the escapes \N and \_ into single bytes above 0x7f.
    if (!text::valid_utf8(text))
      stop(mark, "an escape in this text makes it bad UTF-8", "write \\u0085 for \\N and \\u00a0 for \\_");
    if (expects_key()) return add(mark, anchor, Value(text), tag == "?");
    // yaml-cpp's tags: "?" for a plain scalar, "!" for a quoted one or the explicit "this is text".
    if (tag == "!") return add(mark, anchor, Value(text), false);
    check_tag(mark, tag);
    auto value = plain_scalar(text);
    if (!value) throw Stop{std::move(value.error()), mark};
    add(mark, anchor, std::move(*value), false);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      stop(mark, "an alias stands inside the element it names", "write the element without going in circles");
    if (expects_key()) stop(mark, "an alias cannot be a key");
    alias_bytes_ += found->second.weight;
    if (alias_bytes_ > most_alias_bytes)
      throw Stop{
          Error{Errc::exhausted, "the aliases expand to more than 16 MiB", "write the document without so many aliases", {}},
          mark};
    // A copy: the stored value must survive the next alias.
    add(mark, 0, Value(found->second.value), false);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value(List()));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Value(Dict()));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Value value;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    bool has_key = false;
    std::string key;
  };
  struct Anchored {
    Value value;
    std::size_t weight;
  };

  [[noreturn]] static void stop(const YAML::Mark& mark, std::string why, std::string hint = {}) {
    throw Stop{Error{Errc::invalid, std::move(why), std::move(hint), {}}, mark};
  }

  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      stop(mark, fmt::format("the tag '{}' is not supported", tag.substr(0, 60)), "remove the tag");
  }

  bool expects_key() const { return !levels_.empty() && levels_.back().value.is_dict() && !levels_.back().has_key; }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value empty) {
    check_tag(mark, tag);
    if (expects_key()) stop(mark, "a key must be a scalar", "did a value beginning with { or [ lose its quotes?");
    if (levels_.size() >= deepest) stop(mark, fmt::format("it is nested more than {} levels deep", deepest));
    levels_.push_back({std::move(empty), anchor, mark, false, {}});
  }

  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    add(level.mark, level.anchor, std::move(level.value), false);
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Value value, bool plain) {
    if (anchor && !expects_key()) anchors_[anchor] = {value, weight(value)};
    if (levels_.empty()) {
      root = std::move(value);
      return;
    }
    Level& level = levels_.back();
    if (List* items = level.value.list()) {
      items->push_back(std::move(value));
    } else if (level.has_key) {
      level.has_key = false;
      level.value[level.key] = std::move(value);
    } else {
      const std::string* key = value.string();
      if (!key) stop(mark, "a key is missing or null");
      if (anchor) stop(mark, "a key cannot have an anchor");
      if (plain && *key == "<<") stop(mark, "merge keys (<<) are not supported: YAML 1.2 has none", "write the keys out");
      if (level.value.get(*key)) stop(mark, fmt::format("the key '{}' stands twice in one mapping", key->substr(0, 100)));
      level.has_key = true;
      level.key = *key;
    }
  }

  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t alias_bytes_ = 0;
};

// A second document is refused, so its events need no meaning.
class Ignore : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

Result<> check_bytes(std::string_view text, std::string_view name) {
  int line = 1;
  std::size_t begin = 0;
  const auto bad = [&](std::size_t at, std::string_view why) {
    return fail(Errc::invalid, fmt::format("{}:{}:{}: {}", name, line, at - begin + 1, why));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // yaml-cpp would take NUL bytes for UTF-16 and replace what it cannot read; both would change content silently.
    if (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') return bad(i, "a control character stands here");
    if (byte == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))
      return bad(i, "a carriage return stands without its line feed");
    if (byte != '\n' && i + 1 < text.size()) continue;
    if (!text::valid_utf8(text.substr(begin, i + 1 - begin))) return bad(begin, "this line is not UTF-8");
    begin = i + 1;
    ++line;
  }
  return {};
}

}  // namespace

Result<Value> parse(std::string_view text, std::string_view name, std::size_t limit) {
  if (text.size() > limit)
    return fail(Errc::exhausted, fmt::format("{} has {} bytes, more than the {} allowed here", name, text.size(), limit));
  WEFT_TRY(check_bytes(text, name));
  const auto placed = [&](const YAML::Mark& mark, std::string_view why) {
    if (mark.is_null()) return fmt::format("{}: {}", name, why);
    return fmt::format("{}:{}:{}: {}", name, mark.line + 1, mark.column + 1, why);
  };
  Builder builder;
  try {
    // yaml-cpp takes a quoted text that the end of the file cuts off after a line break as complete. The document's end mark,
    // which must not stand inside a text, makes it notice.
    std::istringstream stream(std::string(text) + (text.ends_with('\n') ? "...\n" : ""));
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return Value();
    Ignore ignore;
    if (parser.HandleNextDocument(ignore))
      return fail(Errc::invalid, fmt::format("{}: it holds more than one document", name), "keep one document per file");
  } catch (Builder::Stop& stop) {
    stop.error.message = placed(stop.mark, stop.error.message);
    return fail(std::move(stop.error));
  } catch (const YAML::Exception& error) {
    return fail(Errc::invalid, placed(error.mark, error.msg));
  } catch (const std::exception& error) {
    return fail(Errc::invalid, fmt::format("{}: {}", name, error.what()));
  }
  return std::move(builder.root);
}

}  // namespace base::yaml
