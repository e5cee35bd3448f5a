#include "cdb/pan/lsp/wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/text/text.h"

namespace cdb::pan::lsp {
namespace {

constexpr std::string_view kLength = "content-length";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The value of "Content-Length: N"; none when the line is another header or no header.
std::optional<std::string_view> length_text(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || lower(base::text::trim(line.substr(0, colon))) != kLength) return std::nullopt;
  return base::text::trim(line.substr(colon + 1));
}

}  // namespace

bool MessageReader::fill() {
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t old = buffer_.size();
  buffer_.resize(old + (64u << 10));
  const std::size_t got = read_(buffer_.data() + old, buffer_.size() - old);
  buffer_.resize(old + got);
  return got != 0;
}

bool MessageReader::line(std::string& out) {
  out.clear();
  for (;;) {
    const auto end = buffer_.find('\n', at_);
    const std::size_t part = (end == std::string::npos ? buffer_.size() : end) - at_;
    out.append(buffer_, at_, std::min(part, limits_.header - std::min(limits_.header, out.size())));
    if (end != std::string::npos) {
      at_ = end + 1;
      if (!out.empty() && out.back() == '\r') out.pop_back();
      return true;
    }
    at_ = buffer_.size();
    if (!fill()) return false;
  }
}

bool MessageReader::body(std::size_t size, std::string& out) {
  out.clear();
  while (buffer_.size() - at_ < size - out.size()) {
    out.append(buffer_, at_);
    at_ = buffer_.size();
    if (!fill()) return false;
  }
  const std::size_t rest = size - out.size();
  out.append(buffer_, at_, rest);
  at_ += rest;
  return true;
}

bool MessageReader::skip(std::size_t size) {
  while (size > buffer_.size() - at_) {
    size -= buffer_.size() - at_;
    at_ = buffer_.size();
    if (!fill()) return false;
  }
  at_ += size;
  return true;
}

Frame MessageReader::next() {
  std::size_t length = 0;
  bool known = false, begun = false;
  std::string problem, text;
  for (;;) {
    if (!line(text)) return {};
    if (text.empty() && !begun) continue;  // blank lines between messages do no harm
    begun = true;
    if (const auto value = length_text(text)) {
      std::size_t number = 0;
      const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
      if (error == std::errc() && end == value->data() + value->size() && !value->empty()) {
        // A header after rubbish is where the next message begins.
        length = number;
        known = true;
      } else {
        known = false;
        problem = fmt::format("'{}' is no length: write Content-Length: and the number of bytes", text);
      }
      continue;
    }
    if (!text.empty()) {
      if (text.find(':') == std::string::npos && problem.empty())
        problem = "a message must begin with a header line Content-Length: and the number of bytes";
      continue;
    }
    if (!known) {
      if (problem.empty()) problem = "the header has no Content-Length";
      return {Frame::Kind::broken, problem};
    }
    break;
  }
  if (length > limits_.message) {
    if (!skip(length)) return {};
    return {Frame::Kind::broken, fmt::format("a message of {} bytes is longer than the limit of {}", length, limits_.message)};
  }
  if (!body(length, text)) return {};
  return {Frame::Kind::message, std::move(text)};
}

void MessageWriter::send(std::string_view body) {
  const std::lock_guard lock(mutex_);
  if (gone_) return;
  gone_ = !write_(fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body));
}

}  // namespace cdb::pan::lsp
