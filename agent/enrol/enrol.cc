#include "agent/enrol/enrol.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace agent::enrol {

using base::Errc;
using base::fail;
using base::Result;
using base::profile::Dict;
using base::profile::Value;
namespace fs = std::filesystem;

namespace {

base::file::WriteOptions with_mode(mode_t mode) {
  base::file::WriteOptions options;
  options.mode = mode;
  if (geteuid() == 0) options.group = fetch::weft_group();
  return options;
}

struct Answer {
  std::string certificate, ca, signing_key;
};

Result<Answer> parse_answer(const std::string& body, const std::string& node) {
  auto value = WEFT_TRY(base::profile::parse_json(body, {1u << 20, 8}));
  Answer out{std::string(value.get_string("certificate")), std::string(value.get_string("ca")),
             std::string(value.get_string("signing_key"))};
  auto subject = base::crypto::certificate_subject(out.certificate);
  if (!subject) return fail(std::move(subject).error().during("reading the certificate from the server"));
  if (subject->kind != "node" || subject->name != node)
    return fail(Errc::corrupt, fmt::format("the server issued a certificate for {} '{}', not for node '{}'", subject->kind,
                                           subject->name, node));
  if (out.signing_key.find("BEGIN PUBLIC KEY") == out.signing_key.npos)
    return fail(Errc::corrupt, "the server's answer holds no signing key, so no profile could be verified");
  return out;
}

// The whole folder at once: a reader sees the old identity or the new one.
Result<> install(const fs::path& identity, const std::string& key, const Answer& answer) {
  auto fresh = identity;
  fresh += ".new";
  std::error_code error;
  fs::remove_all(fresh, error);
  WEFT_TRY(base::file::make_folders(fresh, 0750));
  if (auto group = fetch::weft_group(); geteuid() == 0 && group)
    if (::chown(fresh.c_str(), 0, *group) != 0 || ::chmod(fresh.c_str(), 0750) != 0)
      return fail(Errc::denied, fmt::format("giving {} to group weft: {}", fresh.string(), std::strerror(errno)));
  WEFT_TRY(base::file::write_atomic(fresh / "node.key", key, with_mode(0640)));
  WEFT_TRY(base::file::write_atomic(fresh / "node.crt", answer.certificate, with_mode(0644)));
  WEFT_TRY(base::file::write_atomic(fresh / "ca.crt", answer.ca, with_mode(0644)));
  WEFT_TRY(base::file::write_atomic(fresh / "signing.pub", answer.signing_key, with_mode(0644)));
  auto since = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  WEFT_TRY(base::file::write_atomic(fresh / "issued.json", base::profile::to_json(Dict{{"issued", Value(since)}}) + "\n",
                                    with_mode(0644)));
  WEFT_TRY(base::fail_point("agent.enrol.before_install"));
  unsigned flags = fs::exists(identity, error) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, identity.c_str(), flags) != 0)
    return fail(Errc::internal, fmt::format("installing {}: {}", identity.string(), std::strerror(errno)));
  base::file::Fd parent(::open(identity.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || ::fsync(parent.get()) != 0)
    return fail(Errc::exhausted, fmt::format("syncing {}: {}", identity.string(), std::strerror(errno)));
  fs::remove_all(fresh, error);
  return {};
}

// The certificate of the token's fingerprint, whatever else the server sends.
Result<std::string> get_ca(const fetch::Server& server, const Token& token) {
  base::http::ClientOptions options;
  options.base_url = server.url;
  options.insecure = true;
  options.max_body = 65536;
  base::http::Client client(options);
  base::http::ClientRequest request;
  request.path = "/v1/ca";
  auto response = WEFT_TRY(base::http::expect_ok(client.send(request)));
  auto print = base::crypto::certificate_fingerprint(response.body);
  if (!print) return fail(std::move(print).error().during("reading the CA certificate of " + server.url));
  if (!base::crypto::equal_constant_time(*print, token.fingerprint))
    return fail(Errc::denied,
                fmt::format("the server at {} has another CA (fingerprint {}) than the token names ({})", server.url, *print,
                            token.fingerprint),
                "check the address; if it is right, somebody stands between you and the server");
  // Only the certificate that was compared; anything that follows it is not trusted.
  static constexpr std::string_view end = "-----END CERTIFICATE-----";
  auto begin = response.body.find("-----BEGIN CERTIFICATE-----");
  auto stop = response.body.find(end);
  if (begin == response.body.npos || stop == response.body.npos || stop < begin)
    return fail(Errc::corrupt, "the server's CA certificate is no PEM text");
  auto pem = response.body.substr(begin, stop + end.size() - begin) + "\n";
  if (base::crypto::certificate_fingerprint(pem).value_or("") != token.fingerprint)
    return fail(Errc::denied, "the first certificate that the server sent is not the one that the token names");
  return pem;
}

struct Pending {
  std::string key, request;
};

// Made once, kept until the identity is installed: a second attempt sends the same request.
Result<Pending> pending_request(const fs::path& folder, const std::string& node) {
  WEFT_TRY(base::file::make_folders(folder, 0700));
  std::error_code error;
  if (fs::exists(folder / "request.json", error)) {
    auto value = base::profile::parse_json(WEFT_TRY(base::file::read(folder / "request.json")));
    if (value && value->get_string("node") == node && !value->get_string("key").empty())
      return Pending{std::string(value->get_string("key")), std::string(value->get_string("request"))};
  }
  auto made = WEFT_TRY(base::crypto::make_request({"node", node}));
  Value value = Dict{{"node", Value(node)}, {"key", Value(made.key_pem)}, {"request", Value(made.csr_pem)}};
  base::file::WriteOptions options;
  options.mode = 0600;
  WEFT_TRY(base::file::write_atomic(folder / "request.json", base::profile::to_json(value), options));
  return Pending{std::move(made.key_pem), std::move(made.csr_pem)};
}

fs::path pending_folder(const fs::path& identity) {
  return identity.parent_path() / "enrolment";
}

}  // namespace

Result<Token> parse_token(std::string_view text) {
  text = base::text::trim(text);
  auto parts = base::text::split(text, '.');
  auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (parts.size() != 3 || parts[0] != "weft1" || parts[1].empty() || text.size() > 1024 || parts[2].size() != 64 ||
      !std::all_of(parts[2].begin(), parts[2].end(), hex))
    return fail(Errc::invalid, "this is no enrolment token: one looks like weft1.SECRET.FINGERPRINT",
                "make one with: weft node token NODE");
  return Token{std::string(text), parts[2]};
}

Result<Enrolled> enrol(const fetch::Server& server, const Token& token) {
  WEFT_TRY(fetch::check_node_name(server.node));
  if (!server.url.starts_with("https://")) return fail(Errc::invalid, "server '" + server.url + "' is no https:// address");
  std::error_code error;
  if (fs::exists(server.identity / "node.crt", error)) {
    auto subject = WEFT_TRY(base::crypto::certificate_subject(WEFT_TRY(base::file::read(server.identity / "node.crt"))));
    if (subject.name != server.node)
      return fail(Errc::conflict, fmt::format("this node is enrolled as '{}' already", subject.name),
                  "to enrol it under another name, move " + server.identity.string() + " away first");
    auto ca = WEFT_TRY(base::file::read(server.identity / "ca.crt"));
    if (WEFT_TRY(base::crypto::certificate_fingerprint(ca)) == token.fingerprint) {
      fs::remove_all(pending_folder(server.identity), error);
      return Enrolled::already;
    }
    // Another CA: the server was set up anew, and the token says so.
  }
  auto ca = WEFT_TRY(get_ca(server, token));
  auto folder = pending_folder(server.identity);
  auto pending = WEFT_TRY(pending_request(folder, server.node));
  WEFT_TRY(base::file::write_atomic(folder / "ca.crt", ca));
  WEFT_TRY(base::fail_point("agent.enrol.requested"));
  base::http::ClientOptions options;
  options.base_url = server.url;
  options.ca = folder / "ca.crt";
  options.max_body = 1u << 20;
  base::http::Client client(options);
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = "/v1/enrol";
  request.body =
      base::profile::to_json(Dict{{"node", Value(server.node)}, {"token", Value(token.text)}, {"csr", Value(pending.request)}});
  auto response = base::http::expect_ok(client.send(request));
  if (!response) {
    auto cause = std::move(response).error();
    if (cause.code == Errc::denied || cause.code == Errc::conflict || cause.code == Errc::not_found)
      cause.hint = "a token works once and for one node; make a new one with: weft node token " + server.node;
    return fail(std::move(cause).during("enrolling node " + server.node + " at " + server.url));
  }
  auto answer = WEFT_TRY(parse_answer(response->body, server.node));
  if (WEFT_TRY(base::crypto::certificate_fingerprint(answer.ca)) != token.fingerprint)
    return fail(Errc::denied, "the server's answer names another CA than the token");
  answer.ca = ca;
  WEFT_TRY(install(server.identity, pending.key, answer));
  fs::remove_all(folder, error);
  return Enrolled::now;
}

Result<bool> renewal_due(const fs::path& identity, std::chrono::system_clock::time_point now) {
  auto expiry = WEFT_TRY(base::crypto::certificate_expiry(WEFT_TRY(base::file::read(identity / "node.crt"))));
  std::chrono::system_clock::time_point issued{};
  if (auto text = base::file::read(identity / "issued.json"))
    if (auto value = base::profile::parse_json(*text)) issued += std::chrono::seconds(value->get_integer("issued"));
  auto life = expiry - issued;
  // Without a date of issue, or with an absurd one: a month ahead.
  if (issued.time_since_epoch().count() == 0 || issued > expiry) life = std::chrono::hours(24 * 90);
  return expiry - now < life / 3;
}

Result<> renew(base::http::Client& client, const fetch::Server& server) {
  auto made = WEFT_TRY(base::crypto::make_request({"node", server.node}));
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = "/v1/enrol/renew";
  request.body = base::profile::to_json(Dict{{"node", Value(server.node)}, {"csr", Value(made.csr_pem)}});
  auto response = WEFT_TRY(base::http::expect_ok(client.send(request)));
  auto answer = WEFT_TRY(parse_answer(response.body, server.node));
  answer.ca = WEFT_TRY(base::file::read(server.identity / "ca.crt"));
  answer.signing_key = WEFT_TRY(base::file::read(server.identity / "signing.pub"));
  return install(server.identity, made.key_pem, answer);
}

}  // namespace agent::enrol
