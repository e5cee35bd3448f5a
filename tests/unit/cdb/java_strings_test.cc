#include <doctest/doctest.h>

#include "cdb/pan/java/java.h"

using namespace cdb::pan::java;

TEST_CASE("lengths and positions count UTF-16 units") {
  CHECK(utf16_length("") == 0);
  CHECK(utf16_length("aé") == 2);
  CHECK(utf16_length("😀") == 2);
  CHECK(utf16_substr("abc", 1, 1) == "b");
  CHECK(utf16_substr("aéb", 1, 1) == "é");
  CHECK(utf16_substr("a😀b", 1, 2) == "😀");
  CHECK(utf16_substr("a😀b", 0, 2) == "a?");
  CHECK(utf16_substr("a😀b", 2, 2) == "?b");
  CHECK(utf16_substr("a😀b", 2, 0) == "");
  CHECK(utf16_substr("a😀b", 3, 1) == "b");
  CHECK(utf16_index("a😀b", "b") == 3);
  CHECK(utf16_index("abab", "ab", 1) == 2);
  CHECK(utf16_index("abc", "x") == std::string::npos);
  CHECK(utf16_compare("a", "b") < 0);
  CHECK(utf16_compare("ab", "a") > 0);
  CHECK(utf16_compare("é", "é") == 0);
  // A pair (D83D) sorts before U+FF41, though its bytes sort after.
  CHECK(utf16_compare("😀", "ａ") < 0);
  CHECK(utf16_compare("ａ", "😀") > 0);
  CHECK(utf16_compare("z", "😀") < 0);
}

TEST_CASE("case mappings are Java's") {
  CHECK(to_uppercase("straße é ñ ж ω") == "STRASSE É Ñ Ж Ω");
  CHECK(to_lowercase("ÀÉ ЖИ ΑΒΓ") == "àé жи αβγ");
  CHECK(to_lowercase("ΟΔΟΣ ΣΑ Σ") == "οδος σα σ");
  CHECK(to_lowercase("İ") == "i\u0307");
  CHECK(to_uppercase("ﬀ ŉ") == "FF ʼN");
  CHECK(to_uppercase("ǆ") == "Ǆ");
  CHECK(to_lowercase("Ꭰ 𐐀") == "ꭰ 𐐨");
  CHECK(to_uppercase("\xff") == "\xef\xbf\xbd");  // not UTF-8: U+FFFD, nothing read out of bounds
}

TEST_CASE("escape and unescape are each other's inverse below U+0100") {
  CHECK(escape("a b-c_d.1é").value() == "a_20b_2dc_5fd_2e1_e9");
  CHECK(escape("1abc").value() == "_31abc");
  CHECK(escape("a1").value() == "a1");
  CHECK(escape("").value() == "_");
  CHECK(unescape("_") == "");
  CHECK(unescape("a_20b_2dc_5fd_2e1_e9") == "a b-c_d.1é");
  CHECK(unescape("_2F _2 _ _zz x_") == "_2F _2 _ _zz x_");
  for (std::string_view text : {"/etc/motd", "_", "__5f", "0", "ÿ", "a/b c"}) CHECK(unescape(escape(text).value()) == text);
  CHECK(!escape("ā"));
  CHECK(!escape("😀"));
}

TEST_CASE("base64 wraps at 76 columns") {
  CHECK(base64_encode("") == "");
  CHECK(base64_encode("hello") == "aGVsbG8=");
  std::string longer = base64_encode(std::string(58, 'x'));
  CHECK(longer.find('\n') == 76);
  CHECK(longer.find('\r') == std::string::npos);
  CHECK(base64_encode(std::string(57, 'x')).back() == '\n');
  CHECK(base64_encode(std::string(56, 'x')).back() == '=');
  CHECK(base64_decode(longer).value() == std::string(58, 'x'));
  CHECK(base64_decode(" aGVs\n bG8= ").value() == "hello");
  // As lax as the reference's: an incomplete group and what follows the padding are ignored.
  CHECK(base64_decode("aGVsbG8").value() == "hel");
  CHECK(base64_decode("YQ==YQ==").value() == "a");
  CHECK(base64_decode("a").value().empty());
  CHECK(base64_decode("/////w==").value() == "\xff\xff\xff\xff");
  for (const char* wrong : {"a*Vs", "aGVs-G8=", "\xc3\xa9", "aGVs.", "_", "aGVs\v"}) CHECK(!base64_decode(wrong));
  CHECK(base64_decode("a*Vs").error().message == "Bad Base64 input character at 1: 42(decimal)");
}

TEST_CASE("json_quote is Gson's HTML-safe form") {
  CHECK(json_quote("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(json_quote("<>&='") == "\"\\u003c\\u003e\\u0026\\u003d\\u0027\"");
  CHECK(json_quote("\t\n\r\b\f\x01\x7f") == "\"\\t\\n\\r\\b\\f\\u0001\x7f\"");
  CHECK(json_quote("é😀\u2028\u2029\u2027") == "\"é😀\\u2028\\u2029\u2027\"");
}

TEST_CASE("xml_text") {
  CHECK(xml_text("<a b='\"'>&\r\n\t") == "&lt;a b='\"'&gt;&amp;&#13;\n\t");
  CHECK(xml_text("é😀") == "é&#128512;");
  CHECK(xml_text("\x7f\u0085\u009f\u00a0") == "&#127;&#133;&#159;\u00a0");
  CHECK(xml_representable("a\t\r\n😀"));
  CHECK(!xml_representable("a\x01"));
  CHECK(!xml_representable(std::string_view("\0", 1)));
  CHECK(!xml_representable("\uffff"));
}
