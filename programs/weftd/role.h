// What weftd gives each role when it starts: shared server parts, made once by main. Roles live in role_<name>.cc; main owns
// Context and destroys roles in reverse order before the server and the database. Start functions run on the main thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/diag/result.h"
#include "base/http/client.h"
#include "base/http/server.h"
#include "base/pg/pg.h"
#include "base/profile/value.h"

namespace programs::weftd {

struct Context {
  std::filesystem::path state;      // --state; a role uses state/<role>/ only, but for what is named here
  std::filesystem::path file_root;  // state/files: what the front may send by Response::file()
  std::string public_url;           // how nodes reach the front, e.g. https://127.0.0.1:8443
  std::shared_ptr<base::pg::Pool> pool;
  base::http::Server* server = nullptr;
  base::profile::Value settings;         // weftd.yaml, whole
  std::filesystem::path ca_certificate;  // state/ca/ca.crt
  std::filesystem::path ca_key;          // state/ca/ca.key, root only; for enrolment (role cdb)
  std::filesystem::path signing_key;     // state/ca/profile-signing.key (Ed25519)
  base::http::ClientOptions service;     // identity service/weftd, to talk to other roles by public_url
  std::function<void()> front_reload;    // after the CRL changed
};

class Role {
 public:
  virtual ~Role() = default;  // stops its threads
};

base::Result<std::unique_ptr<Role>> start_cdb(Context& context);
base::Result<std::unique_ptr<Role>> start_monitor(Context& context);
base::Result<std::unique_ptr<Role>> start_leaf(Context& context);

}  // namespace programs::weftd
