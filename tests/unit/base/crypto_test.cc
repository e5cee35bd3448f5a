#include "base/crypto/crypto.h"

#include <doctest/doctest.h>

#include <set>

#include "base/file/file.h"
#include "base/process/process.h"
#include "tests/unit/base/temporary_folder.h"

using namespace base::crypto;

namespace {

std::string hex(const std::array<unsigned char, 32>& bytes) {
  std::string out;
  for (const auto byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

std::string code(const base::Error& error) {
  return std::string(base::errc_name(error.code));
}

// The openssl program as a second opinion on what we make, and as a maker of what we must refuse.
struct OpenSsl {
  TemporaryFolder folder;

  base::process::Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    auto outcome = base::process::run({.argv = arguments, .folder = folder.path});
    REQUIRE(outcome);
    return *outcome;
  }
  void put(const std::string& name, const std::string& content) {
    REQUIRE(base::file::write_atomic(folder.path / name, content));
  }
  std::string get(const std::string& name) { return base::file::read(folder.path / name).value_or(""); }
  std::string request(const std::string& subject, std::vector<std::string> key) {
    std::vector<std::string> arguments{"req", "-new", "-nodes", "-keyout", "k.pem", "-out", "r.pem", "-subj", subject};
    arguments.insert(arguments.end(), key.begin(), key.end());
    const auto outcome = run(arguments);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    return get("r.pem");
  }
};

const std::vector<std::string> p256{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};

}  // namespace

TEST_CASE("crypto: sha256 of the standard's examples") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.update("a");
  hash.update("");
  hash.update("bc");
  CHECK(hex(hash.finish()) == sha256_hex("abc"));
  hash.update("abc");
  CHECK(hex(hash.finish()) == sha256_hex("abc"));
}

TEST_CASE("crypto: digests by Pan's names") {
  CHECK(*digest_hex("MD5", "abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(*digest_hex("SHA1", "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(*digest_hex("SHA-1", "abc") == *digest_hex("SHA1", "abc"));
  CHECK(*digest_hex("SHA-224", "abc") == "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  CHECK(*digest_hex("SHA-256", "abc") == sha256_hex("abc"));
  CHECK(digest_hex("SHA-384", "abc")->size() == 96);
  CHECK(digest_hex("SHA-512", "abc")->size() == 128);
  CHECK(*digest_hex("MD2", "abc") == "da853b0d3f88d99b30283a69e6ded6bb");
  CHECK(*digest_hex("MD2", "") == "8350e5a3e24c153df2275c9f80692773");
  CHECK(code(digest_hex("sha-256", "abc").error()) == "invalid");
  CHECK(code(digest_hex("", "abc").error()) == "invalid");
}

TEST_CASE("crypto: base64 there and back") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t size = 0; size <= all.size(); ++size) CHECK(*unbase64(base64(all.substr(0, size))) == all.substr(0, size));
}

TEST_CASE("crypto: what is not quite base64 is refused") {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v\n", " Zm9v", "Zm-v", "Zm_v",
                           "Z=8=", "Zh==", "Zm9=", "Zm9v====", "Zm9vZ==="})
    CHECK_MESSAGE(!unbase64(text), text);
}

TEST_CASE("crypto: tokens differ and are safe in URLs") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto token = random_token();
    CHECK(token.size() == 32);
    CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos);
    seen.insert(token);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("crypto: comparison in constant time still compares") {
  CHECK(equal_constant_time("", ""));
  CHECK(equal_constant_time("abc", "abc"));
  CHECK_FALSE(equal_constant_time("abc", "abd"));
  CHECK_FALSE(equal_constant_time("abc", "abcd"));
}

TEST_CASE("ed25519: signs, and refuses any change") {
  const auto key = ed25519_generate();
  REQUIRE(key);
  const auto pub = ed25519_public(*key);
  REQUIRE(pub);
  const std::string message = "weft-profile-1\nnode\n7\nroot\n";
  const auto signature = ed25519_sign(*key, message);
  REQUIRE(signature);
  CHECK(signature->size() == 64);
  CHECK(ed25519_verify(*pub, message, *signature));
  for (std::size_t i = 0; i < message.size(); ++i) {
    auto changed = message;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK(code(ed25519_verify(*pub, changed, *signature).error()) == "corrupt");
  }
  for (std::size_t i = 0; i < signature->size(); ++i) {
    auto changed = *signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_FALSE(ed25519_verify(*pub, message, changed));
  }
  CHECK(code(ed25519_verify(*pub, message, signature->substr(1)).error()) == "corrupt");
  CHECK(code(ed25519_verify(*pub, message, "").error()) == "corrupt");
  CHECK_FALSE(ed25519_verify(*ed25519_public(*ed25519_generate()), message, *signature));
}

TEST_CASE("ed25519: other keys and no keys are refused") {
  const auto ec = make_request({"node", "n"});
  REQUIRE(ec);
  CHECK(code(ed25519_sign(ec->key_pem, "x").error()) == "invalid");
  CHECK(code(ed25519_public(ec->key_pem).error()) == "invalid");
  CHECK(code(ed25519_sign("", "x").error()) == "invalid");
  CHECK(code(ed25519_sign("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "x").error()) == "invalid");
  CHECK(code(ed25519_verify("nonsense", "x", std::string(64, 'x')).error()) == "invalid");
  CHECK(code(ed25519_sign(std::string(1 << 20, 'A'), "x").error()) == "invalid");
  // A private key is no public key: handing one out must not work by accident.
  CHECK_FALSE(ed25519_verify(*ed25519_generate(), "x", std::string(64, 'x')));
}

TEST_CASE("ed25519: an encrypted key is refused without a prompt") {
  OpenSsl openssl;
  REQUIRE(openssl.run({"genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:secret", "-out", "k.pem"}).status == 0);
  CHECK(code(ed25519_sign(openssl.get("k.pem"), "x").error()) == "invalid");
}

TEST_CASE("authority: a request becomes a certificate that openssl verifies") {
  const auto authority = Authority::create("Weft test CA");
  REQUIRE(authority);
  CHECK(certificate_subject(authority->certificate_pem)->kind == "ca");
  const auto request = make_request({"node", "disk01.example.org"});
  REQUIRE(request);
  const auto certificate = authority->sign(request->csr_pem, {"node", "disk01.example.org"}, std::chrono::hours(24 * 30),
                                           {"disk01.example.org", "127.0.0.1", "::1"});
  REQUIRE(certificate);
  CHECK(certificate_subject(*certificate)->kind == "node");
  CHECK(certificate_subject(*certificate)->name == "disk01.example.org");

  OpenSsl openssl;
  openssl.put("ca.pem", authority->certificate_pem);
  openssl.put("c.pem", *certificate);
  openssl.put("k.pem", request->key_pem);
  for (const auto* purpose : {"sslserver", "sslclient"})
    CHECK(openssl
              .run({"verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", "disk01.example.org", "-CAfile", "ca.pem",
                    "c.pem"})
              .status == 0);
  CHECK(openssl.run({"verify", "-verify_ip", "::1", "-CAfile", "ca.pem", "c.pem"}).status == 0);
  CHECK(openssl.run({"verify", "-verify_hostname", "other.example.org", "-CAfile", "ca.pem", "c.pem"}).status != 0);
  const auto text = openssl.run({"x509", "-in", "c.pem", "-noout", "-text"}).out;
  CHECK(text.find("Subject: O = weft, OU = node, CN = disk01.example.org") != std::string::npos);
  CHECK(text.find("CA:FALSE") != std::string::npos);
  const auto fingerprint = openssl.run({"x509", "-in", "c.pem", "-outform", "DER", "-out", "c.der"});
  REQUIRE(fingerprint.status == 0);
  CHECK(*certificate_fingerprint(*certificate) == sha256_hex(openssl.get("c.der")));
  CHECK(openssl.run({"x509", "-in", "c.pem", "-noout", "-pubkey"}).out == openssl.run({"pkey", "-in", "k.pem", "-pubout"}).out);

  const auto days =
      std::chrono::duration_cast<std::chrono::hours>(*certificate_expiry(*certificate) - std::chrono::system_clock::now())
          .count();
  CHECK(days <= 24 * 30);
  CHECK(days >= 24 * 30 - 2);
}

TEST_CASE("authority: serial numbers are 128 random bits") {
  const auto authority = Authority::create("ca");
  const auto request = make_request({"node", "n"});
  std::set<std::string> prints;
  for (int i = 0; i < 20; ++i)
    prints.insert(*certificate_fingerprint(*authority->sign(request->csr_pem, {"node", "n"}, std::chrono::hours(1))));
  CHECK(prints.size() == 20);
}

TEST_CASE("authority: refuses requests for somebody else") {
  const auto authority = Authority::create("ca");
  const auto request = make_request({"node", "a"});
  CHECK(code(authority->sign(request->csr_pem, {"node", "b"}, std::chrono::hours(1)).error()) == "denied");
  CHECK(code(authority->sign(request->csr_pem, {"person", "a"}, std::chrono::hours(1)).error()) == "denied");
  CHECK(code(authority->sign(request->csr_pem, {"node", "A"}, std::chrono::hours(1)).error()) == "denied");
  CHECK(code(authority->sign(request->csr_pem, {"ca", "a"}, std::chrono::hours(1)).error()) == "denied");
  CHECK(code(authority->sign(request->csr_pem, {"root", "a"}, std::chrono::hours(1)).error()) == "invalid");
}

TEST_CASE("authority: refuses subjects of another form") {
  const auto authority = Authority::create("ca");
  OpenSsl openssl;
  for (const auto* subject : {"/CN=a", "/O=weft/CN=a", "/OU=node/O=weft/CN=a", "/O=weft/OU=node/CN=a/CN=b",
                              "/O=other/OU=node/CN=a", "/O=weft/OU=node/CN=a/C=CH", "/O=weft/OU=node/OU=person/CN=a", "/"})
    CHECK_MESSAGE(!authority->sign(openssl.request(subject, p256), {"node", "a"}, std::chrono::hours(1)), subject);
  CHECK(authority->sign(openssl.request("/O=weft/OU=node/CN=a", p256), {"node", "a"}, std::chrono::hours(1)));
}

TEST_CASE("authority: refuses weak and strange keys") {
  const auto authority = Authority::create("ca");
  OpenSsl openssl;
  const auto answer = [&](std::vector<std::string> key) {
    const auto made =
        authority->sign(openssl.request("/O=weft/OU=node/CN=a", std::move(key)), {"node", "a"}, std::chrono::hours(1));
    return made ? std::string("signed") : code(made.error());
  };
  CHECK(answer({"-newkey", "rsa:1024"}) == "denied");
  CHECK(answer({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp224r1"}) == "denied");
  CHECK(answer({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"}) == "denied");
  CHECK(answer({"-newkey", "rsa:2048"}) == "signed");
  CHECK(answer({"-newkey", "ed25519"}) == "signed");
}

TEST_CASE("authority: refuses a request whose signature does not match") {
  const auto authority = Authority::create("ca");
  OpenSsl openssl;
  openssl.put("r.pem", make_request({"node", "a"})->csr_pem);
  REQUIRE(openssl.run({"req", "-in", "r.pem", "-outform", "DER", "-out", "r.der"}).status == 0);
  auto der = openssl.get("r.der");
  const auto at = der.find("weft\x31");  // inside the signed subject: /O=weft, then the next SET
  REQUIRE(at != std::string::npos);
  der[der.size() - 3] = static_cast<char>(der[der.size() - 3] ^ 1);
  openssl.put("r.der", der);
  REQUIRE(openssl.run({"req", "-in", "r.der", "-inform", "DER", "-out", "bad.pem"}).status == 0);
  CHECK(code(authority->sign(openssl.get("bad.pem"), {"node", "a"}, std::chrono::hours(1)).error()) == "denied");
}

TEST_CASE("authority: refuses nonsense as request, names and validity") {
  const auto authority = Authority::create("ca");
  const auto request = make_request({"node", "a"});
  const auto answer = [&](const std::string& csr, std::chrono::hours validity, const std::vector<std::string>& names) {
    const auto made = authority->sign(csr, {"node", "a"}, validity, names);
    return made ? std::string("signed") : code(made.error());
  };
  const std::chrono::hours hour(1);
  CHECK(answer("", hour, {}) == "invalid");
  CHECK(answer("nonsense", hour, {}) == "invalid");
  CHECK(answer(authority->certificate_pem, hour, {}) == "invalid");
  CHECK(answer(std::string(1 << 20, 'x'), hour, {}) == "invalid");
  CHECK(answer(request->csr_pem, std::chrono::hours(0), {}) == "invalid");
  CHECK(answer(request->csr_pem, std::chrono::hours(-1), {}) == "invalid");
  CHECK(answer(request->csr_pem, std::chrono::hours(1000000), {}) == "invalid");
  for (const auto* name : {"", "a b", "DNS:a", "a,DNS:b", "*.example.org", "a..b", "http://a", "a/b", ".a"})
    CHECK_MESSAGE(answer(request->csr_pem, hour, {name}) == "invalid", name);
  CHECK(answer(request->csr_pem, hour, std::vector<std::string>(101, "a")) == "invalid");
}

TEST_CASE("authority: a certificate never outlives the authority") {
  const auto authority = Authority::create("ca");
  const auto made = authority->sign(make_request({"node", "a"})->csr_pem, {"node", "a"}, std::chrono::hours(24 * 3653));
  REQUIRE(made);
  CHECK(*certificate_expiry(*made) <= *certificate_expiry(authority->certificate_pem));
}

TEST_CASE("authority: key and certificate must belong together") {
  auto authority = *Authority::create("ca");
  authority.key_pem = Authority::create("ca")->key_pem;
  CHECK(code(authority.sign(make_request({"node", "a"})->csr_pem, {"node", "a"}, std::chrono::hours(1)).error()) == "corrupt");
}

TEST_CASE("request: subjects that would read differently elsewhere are refused") {
  for (const Subject& subject : {Subject{"node", ""}, Subject{"node", std::string(65, 'a')}, Subject{"node", "a/CN=b"},
                                 Subject{"node", "a,b"}, Subject{"node", "a\nb"}, Subject{"node", "é"}, Subject{"", "a"},
                                 Subject{"admin", "a"}, Subject{"node", std::string("a\0b", 3)}})
    CHECK_FALSE(make_request(subject));
  CHECK(make_request({"person", "Jane Doe"}));
  CHECK(make_request({"node", std::string(64, 'a')}));
}

TEST_CASE("certificate: what is none is refused") {
  for (const std::string text : {"", "x", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}) {
    CHECK_FALSE(certificate_subject(text));
    CHECK_FALSE(certificate_fingerprint(text));
    CHECK_FALSE(certificate_expiry(text));
  }
}
