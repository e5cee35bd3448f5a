// HTTP client (libcurl): mTLS, connection reuse, timeouts, size limit. Used by weft, weft-agent, weft-sensord, leaf. A Client
// belongs to one thread at a time; make one per thread.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/diag/result.h"

namespace base::http {

struct ClientOptions {
  std::string base_url;               // https://127.0.0.1:8443
  std::filesystem::path ca;           // PEM; empty only together with insecure
  std::filesystem::path certificate;  // client certificate and key, PEM; both or none
  std::filesystem::path key;
  std::filesystem::path unix_socket;  // connect here instead of by TCP
  bool insecure = false;              // no server verification; only for fetching the CA by pinned fingerprint
  std::chrono::milliseconds connect_timeout{3000};
  std::size_t max_body = 64u << 20;
};

struct ClientRequest {
  std::string method = "GET";
  std::string path;  // with query
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;
  std::chrono::milliseconds timeout{30000};
  const std::atomic<bool>* cancel = nullptr;  // set to abandon a long poll within about a second
};

struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;                            // content codings gzip and zstd already undone
};

class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(Client&&) noexcept;
  // Any HTTP status is a success here. No connection: Errc::unavailable; no answer in time: Errc::timeout; TLS: Errc::denied.
  Result<ClientResponse> send(const ClientRequest& request);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// For JSON services: status >= 400 becomes an Error rebuilt from problem+json (code from the status).
Result<ClientResponse> expect_ok(Result<ClientResponse> response);

}  // namespace base::http
