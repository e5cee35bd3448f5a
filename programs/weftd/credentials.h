// What proves identities, below the state folder: the CA, the server's and the service's certificate, the first administrator's,
// the key that signs profiles. Made on first start, renewed before they expire. One thread (main). A kill at any moment leaves
// either the old or the new file; key and certificate share a file so that they cannot fall apart.
#pragma once

#include <filesystem>
#include <string>

#include "base/diag/result.h"
#include "programs/weftd/settings.h"

namespace programs::weftd {

struct Credentials {
  std::filesystem::path ca_certificate, ca_key, signing_key;
  std::filesystem::path server;   // key and certificate, PEM
  std::filesystem::path service;  // service/weftd
  std::filesystem::path front_socket;
  bool server_renewed = false;  // the front must be reloaded
};

base::Result<Credentials> ensure_credentials(const Settings& settings);

}  // namespace programs::weftd
