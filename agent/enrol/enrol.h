// How a node gets and renews its identity. The token carries the CA's fingerprint, so the server is verified before anything is
// believed; the private key is made here and never leaves. The identity folder is exchanged whole. Used by weft-agent.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "agent/fetch/fetch.h"

namespace agent::enrol {

struct Token {
  std::string text;
  std::string fingerprint;  // of the CA certificate, hex
};
// `weft1.<secret>.<CA fingerprint>`
base::Result<Token> parse_token(std::string_view text);

enum class Enrolled { now, already };

// Safe to kill anywhere and to run again: key and request are kept until the answer is stored. An identity for the same node is
// left alone; one for another node is an error.
base::Result<Enrolled> enrol(const fetch::Server& server, const Token& token);

// True when less than a third of the certificate's life is left.
base::Result<bool> renewal_due(const std::filesystem::path& identity, std::chrono::system_clock::time_point now);
// With the present certificate; the pinned CA and signing key stay.
base::Result<> renew(base::http::Client& client, const fetch::Server& server);

}  // namespace agent::enrol
