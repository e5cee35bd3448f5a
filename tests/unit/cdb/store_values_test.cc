#include <doctest/doctest.h>

#include "base/compress/compress.h"
#include "cdb/store/reads.h"
#include "cdb/store/template_path.h"

using namespace cdb::store;

TEST_CASE("template names: what is refused, and what not") {
  for (const auto* good : {"weft.yaml", "cfg/site/network.pan", "a", "sms/disk01.example.org.pan", "x/y-z_1+2@3,4=5:6~7.pan"}) {
    CAPTURE(good);
    CHECK(valid_template_path(good));
  }
  for (const std::string& bad :
       {std::string(), std::string("/etc/passwd"), std::string("../x.pan"), std::string("a/../b.pan"), std::string("a/.."),
        std::string("./a.pan"), std::string("a//b.pan"), std::string("a/"), std::string(".git/config"), std::string("a/.hidden"),
        std::string("a b.pan"), std::string("a\\b.pan"), std::string("a\0b.pan", 7), std::string("a\nb.pan"),
        std::string("caf\xc3\xa9.pan"), std::string("a;b"), std::string("a%2e.pan"), std::string("$x"), std::string(513, 'a')}) {
    CAPTURE(bad);
    const auto result = valid_template_path(bad);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == base::Errc::invalid);
    CHECK(result.error().message.find('\0') == std::string::npos);
  }
  CHECK(valid_template_path(std::string(512, 'a')));
}

TEST_CASE("recorded reads survive packing; damage is found") {
  for (const std::vector<std::uint32_t>& ids :
       {std::vector<std::uint32_t>{}, {1}, {1, 2, 3}, {127, 128, 16384, 2097152, 4294967295u}, {4294967295u}}) {
    CHECK(decode_reads(encode_reads(ids)) == ids);
  }
  const auto packed = encode_reads({5, 300, 70000});
  CHECK_FALSE(decode_reads("nonsense"));
  CHECK_FALSE(decode_reads(packed.substr(0, packed.size() - 2)));
  CHECK(decode_reads(base::compress::zstd(std::string("\x80", 1))).error().code == base::Errc::corrupt);      // cut off
  CHECK(decode_reads(base::compress::zstd(std::string("\x05\x00", 2))).error().code == base::Errc::corrupt);  // does not grow
  CHECK(decode_reads(base::compress::zstd(std::string("\xff\xff\xff\xff\xff\x7f", 6))).error().code ==
        base::Errc::corrupt);  // too long
}
