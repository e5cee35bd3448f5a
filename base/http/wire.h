// Inside base/http only: the text of HTTP that we write and read ourselves (percent-decoding, response heads, identities, status
// codes). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/http/server.h"

namespace base::http {

// Errc::invalid on a broken escape or an escaped NUL.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

// Status line, headers, body. `head`: the body is counted but left out. A header whose name or value could end the line early is
// left out, so that no input can forge a second response.
std::string serialize(const Response& response, bool head, bool close);

int status_of(Errc code);
Errc code_of(int status);
std::string_view reason(int status);

// What nginx says about the client certificate: $ssl_client_verify and $ssl_client_s_dn (RFC 2253: "CN=x,OU=node,O=weft").
// Errc::denied for a certificate that is valid but not one of ours in form.
Result<Identity> identity_of(std::string_view verify, std::string_view subject);

// Prefix of the front's internal location; what follows is a path below its file root.
inline constexpr std::string_view internal_files = "/.weft-files/";

}  // namespace base::http
