#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/crypto/openssl.h"

namespace base::crypto {
namespace {

// An encrypted key must be an error, not a prompt on some daemon's terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

Result<Key> ed25519_only(Key key) {
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) return fail(Errc::invalid, "the key is not an Ed25519 key");
  return key;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

tl::unexpected<Error> openssl_failed(Errc code, std::string_view what) {
  char text[256] = "no reason given";
  if (const auto error = ERR_get_error()) ERR_error_string_n(error, text, sizeof text);
  ERR_clear_error();
  return fail(code, fmt::format("{}: {}", what, text));
}

Result<Bio> open_pem(std::string_view text, std::string_view what) {
  if (text.empty()) return fail(Errc::invalid, fmt::format("the {} is empty", what));
  if (text.size() > longest_pem)
    return fail(Errc::invalid, fmt::format("the {} has {} bytes, too many to be one", what, text.size()));
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return openssl_failed(Errc::exhausted, "no memory");
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<Key> read_private_key(std::string_view pem) {
  const Bio bio = WEFT_TRY(open_pem(pem, "private key"));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) return openssl_failed(Errc::invalid, "this is not an unencrypted private key in PEM form");
  return key;
}

Result<std::string> write_private_key(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_failed(Errc::internal, "cannot write a private key");
  return text_of(bio.get());
}

Result<Certificate> read_certificate(std::string_view pem) {
  const Bio bio = WEFT_TRY(open_pem(pem, "certificate"));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!certificate) return openssl_failed(Errc::invalid, "this is not a certificate in PEM form");
  return certificate;
}

Result<std::string> ed25519_generate() {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return openssl_failed(Errc::internal, "cannot make an Ed25519 key");
  return write_private_key(key.get());
}

Result<std::string> ed25519_public(std::string_view private_pem) {
  const Key key = WEFT_TRY(ed25519_only(WEFT_TRY(read_private_key(private_pem))));
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) return openssl_failed(Errc::internal, "cannot write a public key");
  return text_of(bio.get());
}

Result<std::string> ed25519_sign(std::string_view private_pem, std::string_view message) {
  const Key key = WEFT_TRY(ed25519_only(WEFT_TRY(read_private_key(private_pem))));
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes(message), message.size()) !=
          1 ||
      size != signature.size())
    return openssl_failed(Errc::internal, "cannot sign");
  return signature;
}

Result<> ed25519_verify(std::string_view public_pem, std::string_view message, std::string_view signature) {
  const Bio bio = WEFT_TRY(open_pem(public_pem, "public key"));
  Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!key) return openssl_failed(Errc::invalid, "this is not a public key in PEM form");
  key = WEFT_TRY(ed25519_only(std::move(key)));
  if (signature.size() != 64)
    return fail(Errc::corrupt, fmt::format("an Ed25519 signature has 64 bytes, not {}", signature.size()));
  const DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1)
    return openssl_failed(Errc::internal, "cannot verify");
  if (EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message), message.size()) == 1) return {};
  ERR_clear_error();
  return fail(Errc::corrupt, "the signature does not match the signed text and key");
}

}  // namespace base::crypto
