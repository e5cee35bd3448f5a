// The TLS front: a private, unprivileged nginx with a configuration that we write. TLS 1.3, client certificates optional at the
// handshake (enrolment has none) and passed on as identity headers with the hop secret, header and body limits, buffering,
// X-Accel-Redirect below `file_root`. Used by weftd and tests; one owner; restarted when it dies, reloaded on reconfigure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/diag/result.h"

namespace base::http {

struct FrontOptions {
  std::filesystem::path folder;                            // configuration, pid, logs, temp; created
  std::vector<std::string> listen;                         // "127.0.0.1:8443"
  std::filesystem::path unix_socket;                       // optional extra listener for local people
  std::filesystem::path certificate, key, client_ca, crl;  // PEM; crl optional, used from the reload on at which it exists
  std::filesystem::path file_root;                         // served only by X-Accel-Redirect
  std::uint16_t upstream_port = 0;                         // the Server
  std::string hop_secret;
  std::size_t max_body = 64u << 20;
};

class Front {
 public:
  static Result<std::unique_ptr<Front>> start(FrontOptions options);
  Result<> reload();  // after certificates or CRL changed
  int pid() const;
  ~Front();  // graceful quit

  struct Impl;
  explicit Front(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace base::http
