#include "agent/fetch/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/crypto/crypto.h"
#include "base/text/text.h"

namespace agent::fetch {

using base::Errc;
using base::fail;

base::Result<Manifest> parse_manifest(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(Errc::corrupt, fmt::format("the manifest {}", why),
                "ask the administrator of the server to publish the profile again");
  };
  text = base::text::trim(text);
  if (text.empty()) return bad("is missing");
  if (text.size() > 4096) return bad("is longer than 4096 bytes");
  std::map<std::string, std::string> fields;
  for (const auto& field : base::text::split(text, ';')) {
    auto equals = field.find('=');
    if (equals == field.npos) return bad("holds a field without '='");
    if (!fields.emplace(field.substr(0, equals), field.substr(equals + 1)).second) return bad("holds a field twice");
  }
  if (fields["v"] != "1") return bad("is of version '" + fields["v"].substr(0, 20) + "', this agent knows version 1");
  Manifest out;
  out.text = text;
  out.node = fields["node"];
  if (out.node.empty()) return bad("names no node");
  const auto& revision = fields["revision"];
  if (revision.empty() || revision.size() > 18 ||
      !std::all_of(revision.begin(), revision.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return bad("has no revision");
  out.revision = std::stoll(revision);
  out.root = fields["root"];
  if (out.root.size() != 64 ||
      !std::all_of(out.root.begin(), out.root.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }))
    return bad("has no root hash");
  auto signature = base::crypto::unbase64(fields["sig"]);
  if (!signature || signature->size() != 64) return bad("has no signature");
  out.signature = std::move(*signature);
  return out;
}

base::Result<> verify_manifest(const Manifest& manifest, std::string_view node, std::string_view signing_key_pem) {
  auto message = fmt::format("weft-profile-1\n{}\n{}\n{}\n", manifest.node, manifest.revision, manifest.root);
  auto good = base::crypto::ed25519_verify(signing_key_pem, message, manifest.signature);
  if (!good)
    return fail(Errc::corrupt,
                fmt::format("the signature of the profile of '{}', revision {}, is wrong: {}", manifest.node, manifest.revision,
                            good.error().message),
                "if the server's signing key was changed on purpose, enrol this node again");
  if (manifest.node != node)
    return fail(Errc::denied, fmt::format("the server sent the profile of node '{}' to node '{}'", manifest.node, node),
                "check the field 'node' in /etc/weft/agent.yaml");
  return {};
}

}  // namespace agent::fetch
