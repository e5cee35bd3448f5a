// Any tree, with any bytes in its strings, can be written in every format; what is valid UTF-8 and finite comes back from JSON.
#include <cmath>
#include <cstring>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/json_text.h"
#include "cdb/pan/output.h"
#include "cdb/pan/profile_value.h"
#include "tests/fuzz/pan_support.h"
#include "tests/fuzz/xml_check.h"

namespace {

using namespace cdb::pan;

// Makes a tree out of bytes.
class Maker {
 public:
  Maker(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  bool exact = true;  // the JSON text must give the same value back

  Value make(int depth) {
    switch (byte() % (depth > 40 ? 7 : 10)) {
      case 0: exact = false; return Value::null();
      case 1: return Value::boolean(byte() & 1);
      case 2: return Value::integer(bits<std::int64_t>());
      case 3: {
        const double v = bits<double>();
        exact = exact && std::isfinite(v);
        return Value::real(v);
      }
      case 4:
      case 5:
      case 6: {
        const std::string_view text = string();
        exact = exact && base::text::valid_utf8(text);
        return Value::string(text);
      }
      case 7: {
        Value list = Value::list();
        for (int n = byte() % 8; n > 0 && at_ < end_; --n) list.node()->push_back(make(depth + 1));
        return list;
      }
      default: {
        Value dict = Value::dict();
        for (int n = byte() % 8; n > 0 && at_ < end_; --n) {
          std::string key = "k";
          for (char c : string())
            if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == '_') key += c;
          const Value text = Value::string(key);
          dict.node()->put(text.str(), make(depth + 1));
        }
        return dict;
      }
    }
  }

 private:
  std::uint8_t byte() { return at_ < end_ ? *at_++ : 0; }
  template <class T>
  T bits() {
    T out{};
    const auto n = std::min<std::size_t>(sizeof out, static_cast<std::size_t>(end_ - at_));
    std::memcpy(&out, at_, n);
    at_ += n;
    return out;
  }
  std::string_view string() {
    const auto n = std::min<std::size_t>(byte(), static_cast<std::size_t>(end_ - at_));
    const std::string_view text(reinterpret_cast<const char*>(at_), n);
    at_ += n;
    return text;
  }
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StackGuard guard(pan_fuzz::kStack);
  Heap heap;
  const HeapScope scope(heap);
  Maker maker(data, size);
  Value root = Value::dict();
  {
    const Value key = Value::string("root");
    root.node()->put(key.str(), maker.make(0));
  }
  Finished object;
  object.object = "o";
  object.root = &root;
  TextBuffer buffer;
  for (const auto& [name, gzip] : {std::pair{Format::text, false}, {Format::dot, false}, {Format::json, true}}) try {
      render({name, gzip}, object, {}, buffer);
    } catch (const Failure&) {
      PAN_PROMISE(!maker.exact);
    }
  const std::string xml(render({Format::xml}, object, {}, buffer));
  if (maker.exact) pan_fuzz::check_xml(xml);
  PAN_PROMISE(render({Format::pan}, object, {}, buffer) == xml);
  TextBuffer written;
  try {
    write_json(written, root);
  } catch (const Failure& failure) {
    PAN_PROMISE(!maker.exact && !failure.problem->message.empty());
    return 0;
  }
  if (!maker.exact) return 0;
  const std::string json(written.view());
  const auto read = base::profile::parse_json(json);
  PAN_PROMISE(read.has_value() && *read == to_profile(root));
  const Value again = read_json(json);
  PAN_PROMISE(equal(again, root));
  return 0;
}
