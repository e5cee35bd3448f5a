// OpenSSL objects that free themselves, PEM in and out, and its error queue as an Error. Private to this room. Any thread.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/crypto/crypto.h"

namespace base::crypto {

template <auto F>
struct Free {
  template <class T>
  void operator()(T* object) const {
    F(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

constexpr std::size_t longest_pem = 64u << 10;

// The first entry of OpenSSL's error queue after `what`; empties the queue.
tl::unexpected<Error> openssl_failed(Errc code, std::string_view what);

// A read-only view of `text`; refuses what is longer than any key or certificate (Errc::invalid).
Result<Bio> open_pem(std::string_view text, std::string_view what);
std::string text_of(BIO* bio);

Result<Key> read_private_key(std::string_view pem);  // never asks for a pass phrase
Result<std::string> write_private_key(EVP_PKEY* key);
Result<Certificate> read_certificate(std::string_view pem);

}  // namespace base::crypto
