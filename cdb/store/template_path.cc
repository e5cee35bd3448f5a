#include "cdb/store/template_path.h"

#include <fmt/format.h>

namespace cdb::store {
namespace {

bool allowed(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._+-@,=:~").find(static_cast<char>(c)) != std::string_view::npos;
}

// A name from outside may hold anything: show it without control bytes and not endlessly.
std::string shown(std::string_view path) {
  std::string out;
  for (unsigned char c : path.substr(0, 120)) {
    if (c < 0x20 || c >= 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else {
      out += static_cast<char>(c);
    }
  }
  return path.size() > 120 ? out + "..." : out;
}

}  // namespace

base::Result<> valid_template_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return base::fail(base::Errc::invalid, fmt::format("template path '{}': {}", shown(path), why),
                      "use a relative path such as cfg/site/network.pan");
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > max_path_length) return refuse(fmt::format("is longer than {} bytes", max_path_length));
  if (path.front() == '/') return refuse("must be relative");
  for (unsigned char c : path) {
    if (c != '/' && !allowed(c)) return refuse("holds a character other than letters, digits and ._+-@,=:~/");
  }
  for (std::size_t start = 0; start <= path.size();) {
    const auto end = std::min(path.find('/', start), path.size());
    const auto segment = path.substr(start, end - start);
    if (segment.empty()) return refuse("has an empty segment");
    if (segment == "." || segment == "..") return refuse("must not contain '.' or '..' segments");
    if (segment.front() == '.') return refuse("has a segment that begins with a dot");
    start = end + 1;
  }
  return {};
}

}  // namespace cdb::store
