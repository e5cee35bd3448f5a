#include "programs/weftd/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/text/text.h"
#include "base/yaml/yaml.h"

namespace programs::weftd {
namespace {

namespace fs = std::filesystem;
namespace crypto = base::crypto;
using base::Result;
using std::chrono::hours;

constexpr hours validity{397 * 24};  // what browsers accept at most
constexpr hours renew_before{60 * 24};

Result<> write_private(const fs::path& path, std::string_view content) {
  base::file::WriteOptions options;
  options.mode = 0600;
  return base::file::write_atomic(path, content, options);
}

bool present(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The certificate is written last: without it nothing was issued yet, and both are made anew.
Result<crypto::Authority> ensure_authority(const Credentials& credentials) {
  if (present(credentials.ca_certificate)) {
    return crypto::Authority{WEFT_TRY(base::file::read(credentials.ca_key)),
                             WEFT_TRY(base::file::read(credentials.ca_certificate))};
  }
  auto authority = WEFT_TRY(crypto::Authority::create("Weft CA " + crypto::random_token(6)));
  WEFT_TRY(write_private(credentials.ca_key, authority.key_pem));
  WEFT_TRY(base::fail_point("weftd.ca.key-written"));
  WEFT_TRY(base::file::write_atomic(credentials.ca_certificate, authority.certificate_pem));
  return authority;
}

// True when it was made anew. The names a certificate covers stand in a comment line of its own before the PEM blocks.
Result<bool> ensure_certificate(const crypto::Authority& authority, const fs::path& path, const crypto::Subject& subject,
                                const std::vector<std::string>& names) {
  const auto label = fmt::format("# names: {} ca: {}\n", base::text::join(names, " "),
                                 WEFT_TRY(crypto::certificate_fingerprint(authority.certificate_pem)));
  if (const auto old = base::file::read(path); old && old->starts_with(label)) {
    const auto expiry = crypto::certificate_expiry(*old);
    if (expiry && *expiry - std::chrono::system_clock::now() > renew_before) return false;
  }
  const auto request = WEFT_TRY(crypto::make_request(subject));
  const auto certificate = WEFT_TRY(authority.sign(request.csr_pem, subject, validity, names));
  WEFT_TRY(write_private(path, label + request.key_pem + certificate));
  return true;
}

std::vector<std::string> server_names(const Settings& settings, const std::string& public_host) {
  std::vector<std::string> names{public_host, "localhost", "127.0.0.1"};
  for (const auto& text : settings.listen) {
    const auto address = parse_address(text);
    if (address && address->host != "0.0.0.0" && address->host != "::" && address->host != "*") names.push_back(address->host);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Result<Credentials> ensure_credentials(const Settings& settings) {
  const auto ca = settings.state / "ca", admin = settings.state / "admin";
  WEFT_TRY(base::file::make_folders(ca, 0700));
  WEFT_TRY(base::file::make_folders(admin, 0700));
  Credentials out;
  out.ca_certificate = ca / "ca.crt";
  out.ca_key = ca / "ca.key";
  out.signing_key = ca / "profile-signing.key";
  out.server = ca / "server.pem";
  out.service = ca / "service.pem";
  out.front_socket = settings.state / "front" / "weft.sock";

  const auto authority = WEFT_TRY(ensure_authority(out));
  if (!present(out.signing_key)) WEFT_TRY(write_private(out.signing_key, WEFT_TRY(crypto::ed25519_generate())));
  const auto host = WEFT_TRY(url_host(settings.public_url));
  out.server_renewed = WEFT_TRY(ensure_certificate(authority, out.server, {"server", "weftd"}, server_names(settings, host)));
  WEFT_TRY(ensure_certificate(authority, out.service, {"service", "weftd"}, {}));
  WEFT_TRY(ensure_certificate(authority, admin / "admin.pem", {"person", "admin"}, {}));
  WEFT_TRY(base::file::write_atomic(admin / "ca.crt", authority.certificate_pem));
  base::profile::Dict client{{"server", settings.public_url},
                             {"ca", (admin / "ca.crt").string()},
                             {"certificate", (admin / "admin.pem").string()},
                             {"key", (admin / "admin.pem").string()},
                             {"unix_socket", out.front_socket.string()}};
  WEFT_TRY(write_private(admin / "client.yaml", base::yaml::render(base::profile::Value(std::move(client)))));
  return out;
}

}  // namespace programs::weftd
