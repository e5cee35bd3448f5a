#include "base/http/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace base::http {
namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Status {
  int number;
  std::string_view reason;
};
constexpr std::array<Status, 27> statuses{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

bool valid_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

bool valid_value(std::string_view value) {
  return std::ranges::none_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (!valid_name(name) || !valid_value(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; });
}

// Names are ours to choose, so they need no escapes of RFC 2253; whatever carries one was not issued by us.
bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' ||
           c == '@';
  });
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] == '%') {
      const int high = i + 2 < text.size() ? nibble(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? nibble(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        return fail(Errc::invalid, fmt::format("broken percent-encoding in \"{}\"", text), "Write % as %25.");
      }
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else if (text[i] == '\0') {
      return fail(Errc::invalid, "NUL byte in the address");
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string serialize(const Response& response, bool head, bool close) {
  const bool bodyless = response.status == 204 || response.status == 304 || response.status < 200;
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  if (!bodyless && !response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) {
    const bool ours = same_letters(name, "content-length") || same_letters(name, "connection") ||
                      same_letters(name, "transfer-encoding") || same_letters(name, "content-type");
    if (!ours) append_header(out, name, value);
  }
  if (!bodyless) append_header(out, "Content-Length", std::to_string(response.body.size()));
  append_header(out, "Connection", close ? "close" : "keep-alive");
  out += "\r\n";
  if (!head && !bodyless) out += response.body;
  return out;
}

int status_of(Errc code) {
  switch (code) {
    case Errc::invalid: return 400;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::denied: return 403;
    case Errc::unavailable: return 503;
    case Errc::timeout: return 504;
    case Errc::exhausted: return 429;
    case Errc::corrupt:
    case Errc::internal: return 500;
  }
  return 500;
}

Errc code_of(int status) {
  switch (status) {
    case 401:
    case 403: return Errc::denied;
    case 404:
    case 410: return Errc::not_found;
    case 409:
    case 412: return Errc::conflict;
    case 408:
    case 504: return Errc::timeout;
    case 413:
    case 429:
    case 507: return Errc::exhausted;
    case 502:
    case 503: return Errc::unavailable;
    default: return status < 500 ? Errc::invalid : Errc::internal;
  }
}

std::string_view reason(int status) {
  const auto found = std::ranges::find(statuses, status, &Status::number);
  return found == statuses.end() ? "Status" : found->reason;
}

Result<Identity> identity_of(std::string_view verify, std::string_view subject) {
  if (verify.empty() || verify == "NONE") return Identity{};
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::denied, fmt::format("the client certificate is refused: {}", why),
                "Use a certificate that this Weft server issued (weft-agent enrol, or the admin folder of weftd).");
  };
  if (verify != "SUCCESS") return refuse(verify);
  std::string_view cn, ou;
  const auto part = [&](std::string_view& rest, std::string_view key) -> std::string_view {
    if (!rest.starts_with(key)) return {};
    rest.remove_prefix(key.size());
    const auto value = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), value.size() + 1));
    return value;
  };
  auto rest = subject;
  cn = part(rest, "CN=");
  ou = part(rest, "OU=");
  if (!plain_name(cn) || rest != "O=weft")
    return refuse(fmt::format("its subject is \"{}\", not CN=<name>,OU=<kind>,O=weft", subject));
  Identity identity;
  identity.name = cn;
  if (ou == "node") identity.kind = Identity::Kind::node;
  if (ou == "person") identity.kind = Identity::Kind::person;
  if (ou == "service") identity.kind = Identity::Kind::service;
  if (identity.kind == Identity::Kind::none) return refuse(fmt::format("kind \"{}\" cannot be a client", ou));
  return identity;
}

}  // namespace base::http
