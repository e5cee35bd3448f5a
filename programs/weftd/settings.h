// The settings of one weftd: weftd.yaml with the command line on top. Read once by main before any thread starts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/cli/cli.h"
#include "base/diag/result.h"
#include "base/profile/value.h"

namespace programs::weftd {

struct Settings {
  std::filesystem::path state;
  std::vector<std::string> roles;   // in starting order
  std::vector<std::string> listen;  // ADDRESS:PORT
  std::string public_url;           // no slash at the end
  std::string database;             // empty: a private cluster
  base::profile::Value all;         // weftd.yaml whole, what the command line says merged in
};

inline constexpr const char* default_state = "/var/lib/weft";
inline constexpr const char* default_config = "/etc/weft/weftd.yaml";

base::Result<Settings> read_settings(const base::cli::Arguments& arguments);

// "127.0.0.1:8443" or "[::1]:8443" in its parts; Errc::invalid otherwise.
struct Address {
  std::string host;
  int port = 0;
};
base::Result<Address> parse_address(const std::string& text);
// Host of an https URL without port and brackets.
base::Result<std::string> url_host(const std::string& url);

}  // namespace programs::weftd
