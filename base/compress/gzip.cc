#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <new>

#include "base/compress/compress.h"

namespace base::compress {
namespace {

constexpr int gzip_window = 15 + 16;  // zlib's way to say "gzip wrapper, largest window"
constexpr uInt most_at_once = 1u << 30;

Bytef* bytes(std::string_view data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));  // zlib's next_in is not const but is never written
}

}  // namespace

std::string gzip(std::string_view data, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  // Equal data give equal bytes: no time, and the operating system is "unknown", as Java writes it.
  gz_header header{};
  header.os = 255;
  deflateSetHeader(&stream, &header);
  std::string out(deflateBound(&stream, data.size()) + 32, '\0');
  // Fed in pieces because zlib counts in 32 bits.
  std::size_t read = 0, written = 0;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    const auto in = static_cast<uInt>(std::min<std::size_t>(data.size() - read, most_at_once));
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size() - written, most_at_once));
    stream.next_in = bytes(data.substr(read));
    stream.avail_in = in;
    stream.next_out = bytes(out) + written;
    stream.avail_out = room;
    state = deflate(&stream, read + in == data.size() ? Z_FINISH : Z_NO_FLUSH);
    read += in - stream.avail_in;
    written += room - stream.avail_out;
    if (written == out.size() && state != Z_STREAM_END) out.resize(out.size() * 2);
  }
  deflateEnd(&stream);
  out.resize(written);
  return out;
}

Result<std::string> gunzip(std::string_view data, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::bad_alloc();
  struct End {
    z_stream* stream;
    ~End() { inflateEnd(stream); }
  } const end{&stream};
  std::string out;
  char piece[64 << 10];
  std::size_t read = 0;
  for (;;) {
    const auto in = static_cast<uInt>(std::min<std::size_t>(data.size() - read, most_at_once));
    stream.next_in = bytes(data.substr(read));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    const int state = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    const std::size_t made = sizeof piece - stream.avail_out;
    if (out.size() + made > limit)
      return fail(Errc::exhausted, fmt::format("the gzip data expand to more than the {} bytes allowed here", limit));
    out.append(piece, made);
    if (state == Z_STREAM_END) {
      if (read == data.size()) return out;
      // RFC 1952 allows several members one after the other; anything else that follows is damage.
      if (inflateReset(&stream) != Z_OK) return fail(Errc::corrupt, "bad gzip data");
    } else if (state == Z_BUF_ERROR || (state == Z_OK && read == data.size() && made == 0)) {
      return fail(Errc::corrupt, "the gzip data end too early");
    } else if (state != Z_OK) {
      return fail(Errc::corrupt, fmt::format("bad gzip data: {}", stream.msg ? stream.msg : "damaged"));
    }
  }
}

}  // namespace base::compress
