// Java patterns, translated and run: any pattern ends in time, what it gives is text, and its functions agree with each other.
// Input: a line of flags, a line with the pattern, a line with the replacement, then the subject.
#include "base/text/text.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/repository.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cdb::pan::java::Regex;
  const std::string input = cdb::pan::clean_utf8(pan_fuzz::text_of(data, size));
  std::string_view rest = input;
  const auto line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
  };
  const std::string_view flags = line(), pattern = line(), replacement = line(), subject = rest;
  const auto regex = Regex::compile(pattern, flags);
  if (!regex) {
    PAN_PROMISE(!regex.error().message.empty() && base::text::valid_utf8(regex.error().message));
    return 0;
  }
  const auto found = regex->find(subject), whole = regex->full_match(subject);
  const auto groups = regex->groups(subject);
  if (found && groups) {
    PAN_PROMISE(*found == groups->has_value());
    if (*groups)
      for (std::string_view group : **groups)
        if (!group.empty())
          PAN_PROMISE(group.data() >= subject.data() && group.data() + group.size() <= subject.data() + subject.size());
  }
  if (found && whole && *whole) PAN_PROMISE(*found);
  if (const auto replaced = regex->replace_all(subject, replacement)) {
    PAN_PROMISE(base::text::valid_utf8(*replaced));
    if (found && !*found) PAN_PROMISE(*replaced == subject);
  }
  for (const std::int64_t limit : {0, -1, 2}) {
    const auto parts = regex->split(subject, limit);
    if (!parts) continue;
    PAN_PROMISE(limit != 2 || parts->size() <= 2);
    for (const std::string& part : *parts) PAN_PROMISE(base::text::valid_utf8(part));
  }
  return 0;
}
