#include "base/compress/compress.h"

#include <doctest/doctest.h>

#include "base/file/file.h"
#include "base/process/process.h"
#include "tests/unit/base/temporary_folder.h"

using namespace base::compress;

namespace {

std::string profile_like(int leaves) {
  std::string text = "{";
  for (int i = 0; i < leaves; ++i) text += "\"/software/components/part" + std::to_string(i) + "/active\":true,";
  return text + "\"end\":null}";
}

template <class F>
std::string code(F&& result) {
  return result ? "accepted" : std::string(base::errc_name(result.error().code));
}

}  // namespace

TEST_CASE("compress: everything comes back") {
  std::string noise;
  unsigned state = 1;
  for (int i = 0; i < 300000; ++i) noise += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const auto dictionary = profile_like(500);
  for (const std::string& data : {std::string(), std::string("x"), std::string(1 << 20, 'a'), noise, profile_like(2000)}) {
    CHECK(*unzstd(zstd(data)) == data);
    CHECK(*gunzip(gzip(data)) == data);
    CHECK(*undcz(dcz(data, dictionary), dictionary) == data);
    CHECK(*undcz(dcz(data, ""), "") == data);
    CHECK(*undcz(dcz(data, data), data) == data);
  }
}

TEST_CASE("compress: equal data give equal bytes") {
  CHECK(gzip("hello") == gzip("hello"));
  CHECK(gzip("hello").substr(4, 4) == std::string(4, '\0'));
  CHECK(gzip("hello")[9] == '\xff');
  CHECK(zstd("hello") == zstd("hello"));
}

TEST_CASE("compress: a dictionary makes a small change small") {
  const auto before = profile_like(2000);
  auto after = before;
  after.replace(after.find("part1000/active\":true"), 21, "part1000/active\":null");
  CHECK(dcz(after, before).size() < 500);
  CHECK(dcz(after, before).size() * 5 < zstd(after).size());
}

TEST_CASE("compress: limits hold whatever the data announce") {
  const std::string zeros(1 << 20, '\0');
  CHECK(code(unzstd(zstd(zeros), (1 << 20) - 1)) == "exhausted");
  CHECK(code(gunzip(gzip(zeros), (1 << 20) - 1)) == "exhausted");
  CHECK(code(undcz(dcz(zeros, "d"), "d", 1000)) == "exhausted");
  CHECK(code(unzstd(zstd(zeros), 1 << 20)) == "accepted");
  CHECK(code(gunzip(gzip(zeros), 1 << 20)) == "accepted");
}

TEST_CASE("compress: every truncation, every flipped byte and trailing bytes are noticed") {
  const auto data = profile_like(20);
  const auto check = [&](const std::string& packed, auto unpack) {
    for (std::size_t size = 0; size < packed.size(); ++size) CHECK(code(unpack(packed.substr(0, size))) == "corrupt");
    CHECK(code(unpack(packed + "x")) == "corrupt");
    CHECK(code(unpack("")) == "corrupt");
    CHECK(code(unpack("this is not compressed")) == "corrupt");
    for (std::size_t i = 0; i < packed.size(); ++i) {
      auto bad = packed;
      bad[i] = static_cast<char>(bad[i] ^ 0x10);
      const auto unpacked = unpack(bad);
      if (unpacked) CHECK(*unpacked == data);  // a header byte without meaning (gzip's time and system)
    }
  };
  check(zstd(data), [](const std::string& packed) { return unzstd(packed, 1 << 20); });
  check(gzip(data), [](const std::string& packed) { return gunzip(packed, 1 << 20); });
  check(dcz(data, "dictionary"), [](const std::string& packed) { return undcz(packed, "dictionary", 1 << 20); });
}

TEST_CASE("compress: another dictionary is refused, not tried") {
  const auto packed = dcz("content", "right");
  CHECK(code(undcz(packed, "wrong")) == "corrupt");
  CHECK(undcz(packed, "wrong").error().message.find("another dictionary") != std::string::npos);
}

TEST_CASE("compress: dcz begins as RFC 9842 says") {
  const auto packed = dcz("content", "abc");
  CHECK(packed.substr(0, 8) == std::string("\x5e\x2a\x4d\x18\x20\0\0\0", 8));
  CHECK(packed.substr(8, 4) == "\xba\x78\x16\xbf");
}

TEST_CASE("compress: gzip with several members is read whole") {
  CHECK(*gunzip(gzip("one ") + gzip("two")) == "one two");
}

TEST_CASE("compress: the system's gzip reads what we write and the other way round") {
  const auto theirs = base::process::run({.argv = {"gzip", "-dc"}, .input = gzip(profile_like(100)), .output_limit = 1 << 24});
  REQUIRE(theirs);
  CHECK(theirs->out == profile_like(100));
  const auto packed = base::process::run({.argv = {"gzip", "-c"}, .input = profile_like(100), .output_limit = 1 << 24});
  REQUIRE(packed);
  CHECK(*gunzip(packed->out) == profile_like(100));
}
