// format(): the first line is the format, the other lines are arguments (a long, a double, true, false, or text).
#include "base/text/text.h"
#include "cdb/pan/java/java.h"
#include "cdb/pan/repository.h"
#include "tests/fuzz/pan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cdb::pan::java;
  const std::string input = cdb::pan::clean_utf8(pan_fuzz::text_of(data, size));
  std::string_view rest = input;
  const auto line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view out = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return out;
  };
  const std::string_view text = line();
  std::vector<FormatArg> arguments;
  while (!rest.empty() && arguments.size() < 8) {
    const std::string_view argument = line();
    if (const auto whole = decode_long(argument))
      arguments.emplace_back(*whole);
    else if (const auto real = parse_double(argument)) {
      arguments.emplace_back(*real);
      const auto again = parse_double(double_text(*real));
      PAN_PROMISE(again && (*again == *real || (*again != *again && *real != *real)));
    } else if (argument == "true" || argument == "false")
      arguments.emplace_back(argument == "true");
    else
      arguments.emplace_back(argument);
  }
  const auto result = format(text, arguments);
  if (result)
    PAN_PROMISE(base::text::valid_utf8(*result));
  else
    PAN_PROMISE(!result.error().message.empty() && base::text::valid_utf8(result.error().message));
  return 0;
}
