#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>

#include "base/crypto/openssl.h"

namespace base::crypto {
namespace {

constexpr std::string_view organization = "weft";
constexpr std::string_view kinds[] = {"node", "person", "service", "server", "ca"};
constexpr long clock_skew = 3600;  // a node whose clock is behind must still accept a fresh certificate
constexpr long authority_validity = 3653l * 86400;
constexpr std::size_t most_names = 100;

using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;

Result<> check_subject(const Subject& subject) {
  if (std::find(std::begin(kinds), std::end(kinds), subject.kind) == std::end(kinds))
    return fail(Errc::invalid, fmt::format("'{}' is no kind of subject: node, person, service, server and ca are", subject.kind));
  // 64 is X.520's bound. The characters are those that mean the same in a certificate, in nginx's "/O=../CN=.." text and in logs.
  if (subject.name.empty() || subject.name.size() > 64)
    return fail(Errc::invalid,
                fmt::format("the name '{}' must have 1 to 64 characters to stand in a certificate", subject.name.substr(0, 100)));
  for (const char c : subject.name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("._-@: ").find(c) != std::string_view::npos;
    if (!good)
      return fail(Errc::invalid,
                  fmt::format("the name '{}' has a character that a certificate's name must not have", subject.name));
  }
  return {};
}

bool write_name(X509_NAME* name, const Subject& subject) {
  const auto add = [&](const char* field, std::string_view value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
  };
  return add("O", organization) && add("OU", subject.kind) && add("CN", subject.name);
}

// Exactly O=weft, OU, CN in this order: a name with more in it could read differently to different programs.
Result<Subject> read_name(const X509_NAME* name) {
  constexpr int fields[] = {NID_organizationName, NID_organizationalUnitName, NID_commonName};
  std::string values[3];
  if (X509_NAME_entry_count(name) != 3) return fail(Errc::invalid, "the subject is not of the form /O=weft/OU=KIND/CN=NAME");
  for (int i = 0; i < 3; ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    unsigned char* text = nullptr;
    const int size = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == fields[i]
                         ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
                         : -1;
    if (size < 0) {
      ERR_clear_error();
      return fail(Errc::invalid, "the subject is not of the form /O=weft/OU=KIND/CN=NAME");
    }
    values[i].assign(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  if (values[0] != organization)
    return fail(Errc::invalid, fmt::format("the subject's organization is '{}', not '{}'", values[0], organization));
  return Subject{values[1], values[2]};
}

Result<Key> new_key() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!key) return openssl_failed(Errc::internal, "cannot make an ECDSA key");
  return key;
}

// What a certificate may be made for: strong enough, and not so large that checking it becomes an attack.
Result<> check_key(EVP_PKEY* key) {
  const int type = EVP_PKEY_get_base_id(key), bits = EVP_PKEY_get_bits(key);
  if (type == EVP_PKEY_ED25519) return {};
  if (type == EVP_PKEY_EC) {
    char group[64] = {};
    EVP_PKEY_get_group_name(key, group, sizeof group, nullptr);
    const std::string_view name = group;
    if (name == "prime256v1" || name == "P-256" || name == "secp384r1" || name == "P-384") return {};
    return fail(Errc::denied, fmt::format("the request's curve '{}' is not allowed", name), "use P-256 or P-384");
  }
  if (type == EVP_PKEY_RSA && bits >= 2048 && bits <= 8192) return {};
  return fail(Errc::denied, fmt::format("the request's key ({} bits) is not allowed", bits),
              "use ECDSA P-256, Ed25519, or RSA with 2048 to 8192 bits");
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.front() == '-' ||
      name.find("..") != std::string_view::npos)
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

// Built by hand, not by OpenSSL's configuration syntax: "DNS:a,URI:b" in a name must not become two names.
Result<> add_names(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  if (names.size() > most_names)
    return fail(Errc::invalid, fmt::format("{} names are too many for one certificate", names.size()));
  const GeneralNames list(GENERAL_NAMES_new());
  for (const auto& name : names) {
    unsigned char address[16];
    const int size = inet_pton(AF_INET, name.c_str(), address) == 1    ? 4
                     : inet_pton(AF_INET6, name.c_str(), address) == 1 ? 16
                                                                       : 0;
    if (!size && !is_host_name(name))
      return fail(Errc::invalid, fmt::format("'{}' is neither a host name nor an IP address", name.substr(0, 300)));
    ASN1_STRING* text = ASN1_STRING_type_new(size ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    GENERAL_NAME* entry = GENERAL_NAME_new();
    if (!text || !entry ||
        ASN1_STRING_set(text, size ? static_cast<const void*>(address) : name.data(),
                        size ? size : static_cast<int>(name.size())) != 1) {
      ASN1_STRING_free(text);
      GENERAL_NAME_free(entry);
      return openssl_failed(Errc::exhausted, "no memory for a certificate");
    }
    GENERAL_NAME_set0_value(entry, size ? GEN_IPADD : GEN_DNS, text);
    sk_GENERAL_NAME_push(list.get(), entry);
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) != 1)
    return openssl_failed(Errc::internal, "cannot add names to a certificate");
  return {};
}

// Serial number, subject, key and validity; extensions and signature are the caller's.
Result<Certificate> blank(const Subject& subject, EVP_PKEY* key, long validity, const X509* issuer) {
  Certificate certificate(X509_new());
  const Number serial(BN_new());
  if (!certificate || !serial) return openssl_failed(Errc::exhausted, "no memory for a certificate");
  // 128 random bits: unguessable and unique without a counter that two servers would have to share.
  const bool good =
      X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      BN_rand(serial.get(), 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) &&
      write_name(X509_get_subject_name(certificate.get()), subject) && X509_set_pubkey(certificate.get(), key) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -clock_skew) &&
      X509_time_adj_ex(X509_getm_notAfter(certificate.get()), static_cast<int>(validity / 86400), validity % 86400, nullptr) &&
      X509_set_issuer_name(certificate.get(),
                           issuer ? X509_get_subject_name(issuer) : X509_get_subject_name(certificate.get())) == 1;
  if (!good) return openssl_failed(Errc::internal, "cannot make a certificate");
  // Nothing outlives the authority that vouches for it: verification would fail at a surprising moment.
  if (issuer && ASN1_TIME_compare(X509_get0_notAfter(certificate.get()), X509_get0_notAfter(issuer)) > 0)
    X509_set1_notAfter(certificate.get(), X509_get0_notAfter(issuer));
  return certificate;
}

Result<std::string> write_certificate(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1)
    return openssl_failed(Errc::internal, "cannot write a certificate");
  return text_of(bio.get());
}

}  // namespace

Result<KeyAndRequest> make_request(const Subject& subject) {
  WEFT_TRY(check_subject(subject));
  const Key key = WEFT_TRY(new_key());
  const Request request(X509_REQ_new());
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!request || !bio || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      !write_name(X509_REQ_get_subject_name(request.get()), subject) || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0 || PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1)
    return openssl_failed(Errc::internal, "cannot make a certificate request");
  return KeyAndRequest{WEFT_TRY(write_private_key(key.get())), text_of(bio.get())};
}

Result<Authority> Authority::create(std::string_view common_name) {
  const Subject subject{"ca", std::string(common_name)};
  WEFT_TRY(check_subject(subject));
  const Key key = WEFT_TRY(new_key());
  const Certificate certificate = WEFT_TRY(blank(subject, key.get(), authority_validity, nullptr));
  X509* own = certificate.get();
  if (!add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(own, own, NID_subject_key_identifier, "hash") ||
      !add_extension(own, own, NID_authority_key_identifier, "keyid:always") || X509_sign(own, key.get(), EVP_sha256()) <= 0)
    return openssl_failed(Errc::internal, "cannot make the authority's certificate");
  return Authority{WEFT_TRY(write_private_key(key.get())), WEFT_TRY(write_certificate(own))};
}

Result<std::string> Authority::sign(std::string_view csr_pem, const Subject& subject, std::chrono::hours validity,
                                    const std::vector<std::string>& names) const {
  WEFT_TRY(check_subject(subject));
  if (subject.kind == "ca") return fail(Errc::denied, "the authority signs no further authorities");
  if (validity < std::chrono::hours(1) || validity > std::chrono::hours(24 * 3653))
    return fail(Errc::invalid, fmt::format("a certificate cannot be valid for {} hours", validity.count()),
                "choose from one hour to ten years");
  const Key key = WEFT_TRY(read_private_key(key_pem));
  const Certificate issuer = WEFT_TRY(read_certificate(certificate_pem));
  if (X509_check_private_key(issuer.get(), key.get()) != 1)
    return openssl_failed(Errc::corrupt, "the authority's key and certificate do not belong together");

  const Bio bio = WEFT_TRY(open_pem(csr_pem, "certificate request"));
  const Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (!request) return openssl_failed(Errc::invalid, "this is not a certificate request in PEM form");
  EVP_PKEY* requested = X509_REQ_get0_pubkey(request.get());
  if (!requested) return openssl_failed(Errc::invalid, "the request's key cannot be read");
  WEFT_TRY(check_key(requested));
  if (X509_REQ_verify(request.get(), requested) != 1) {
    ERR_clear_error();
    return fail(Errc::denied, "the request is not signed by its own key: whoever sent it need not hold the key");
  }
  const Subject asked = WEFT_TRY(read_name(X509_REQ_get_subject_name(request.get())));
  if (asked.kind != subject.kind || asked.name != subject.name)
    return fail(Errc::denied,
                fmt::format("the request is for {} '{}', not for {} '{}'", asked.kind, asked.name, subject.kind, subject.name));

  const Certificate certificate = WEFT_TRY(blank(subject, requested, static_cast<long>(validity.count()) * 3600, issuer.get()));
  X509* made = certificate.get();
  if (!add_extension(made, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(made, issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(made, issuer.get(), NID_authority_key_identifier, "keyid:always"))
    return openssl_failed(Errc::internal, "cannot make a certificate");
  WEFT_TRY(add_names(made, names));
  const EVP_MD* digest = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  if (X509_sign(made, key.get(), digest) <= 0) return openssl_failed(Errc::internal, "cannot sign a certificate");
  return write_certificate(made);
}

Result<Subject> certificate_subject(std::string_view certificate_pem) {
  const Certificate certificate = WEFT_TRY(read_certificate(certificate_pem));
  return read_name(X509_get_subject_name(certificate.get()));
}

Result<std::string> certificate_fingerprint(std::string_view certificate_pem) {
  const Certificate certificate = WEFT_TRY(read_certificate(certificate_pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size < 0) return openssl_failed(Errc::internal, "cannot encode a certificate");
  auto text = sha256_hex(std::string_view(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return text;
}

Result<std::chrono::system_clock::time_point> certificate_expiry(std::string_view certificate_pem) {
  const Certificate certificate = WEFT_TRY(read_certificate(certificate_pem));
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1)
    return openssl_failed(Errc::invalid, "cannot read the certificate's expiry");
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace base::crypto
