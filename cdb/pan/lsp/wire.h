// The Language Server Protocol's framing: messages behind a Content-Length header on a byte stream. Used by Server; the reader
// belongs to one thread, the writer takes messages from any. Broken input is reported and skipped, never trusted: the reader
// finds the next header by itself.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace cdb::pan::lsp {

// Reads up to `size` bytes into `to`; 0: the stream has ended.
using ReadBytes = std::function<std::size_t(char* to, std::size_t size)>;
// Writes all of it; false: the other side is gone.
using WriteBytes = std::function<bool(std::string_view bytes)>;

struct WireLimits {
  std::size_t message = 64u << 20;  // a longer body is read past and reported
  std::size_t header = 8u << 10;    // of one header line
};

struct Frame {
  enum class Kind { message, broken, end };
  Kind kind = Kind::end;
  std::string text;  // message: the body; broken: what is wrong, for a person
};

class MessageReader {
 public:
  explicit MessageReader(ReadBytes read, WireLimits limits = {}) : read_(std::move(read)), limits_(limits) {}
  Frame next();

 private:
  bool fill();
  // One line without its end; false: the stream ended. Longer lines are cut, the rest is read past.
  bool line(std::string& out);
  bool body(std::size_t size, std::string& out);
  bool skip(std::size_t size);

  ReadBytes read_;
  WireLimits limits_;
  std::string buffer_;
  std::size_t at_ = 0;
};

class MessageWriter {
 public:
  explicit MessageWriter(WriteBytes write) : write_(std::move(write)) {}
  // After the other side is gone, messages vanish: the reader notices the end by itself.
  void send(std::string_view body);

 private:
  std::mutex mutex_;
  WriteBytes write_;
  bool gone_ = false;
};

}  // namespace cdb::pan::lsp
