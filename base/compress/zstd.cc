#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "base/compress/compress.h"
#include "base/crypto/crypto.h"

namespace base::compress {
namespace {

// RFC 9842, section 2: a skippable frame's magic and length 32, then the dictionary's SHA-256. A zstd decoder that knows nothing
// of it skips it.
constexpr char dcz_magic[] = {'\x5e', '\x2a', '\x4d', '\x18', '\x20', '\0', '\0', '\0'};
constexpr std::size_t dcz_header = sizeof dcz_magic + 32;
constexpr int most_window = 27;  // 128 MB: what a decoder of ours may be made to allocate

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Making a context costs more than a profile's data; each thread keeps one, unless large data made it large.
constexpr std::size_t most_kept = 8u << 20;
constexpr std::size_t one_piece = 8u << 20;  // announced sizes up to here are believed

struct Compressor {
  ZSTD_CCtx* get() {
    if (!context) context.reset(ZSTD_createCCtx());
    if (!context) throw std::bad_alloc();
    return context.get();
  }
  void done() {
    if (ZSTD_sizeof_CCtx(context.get()) > most_kept)
      context.reset();
    else
      ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
  }
  std::unique_ptr<ZSTD_CCtx, FreeContext> context;
};
thread_local Compressor compressor;

struct Decompressor {
  ZSTD_DCtx* get() {
    if (!context) context.reset(ZSTD_createDCtx());
    if (!context) throw std::bad_alloc();
    ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_and_parameters);
    return context.get();
  }
  std::unique_ptr<ZSTD_DCtx, FreeContext> context;
};
thread_local Decompressor decompressor;

void append_frame(std::string& out, std::string_view data, std::string_view dictionary, int level) {
  ZSTD_CCtx* const context = compressor.get();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (!dictionary.empty()) {
    // The window must reach back over the whole dictionary, or its beginning would be out of sight.
    const int window = std::clamp(static_cast<int>(std::bit_width(dictionary.size() + data.size())), 10, most_window);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
    ZSTD_CCtx_refPrefix(context, dictionary.data(), dictionary.size());
  }
  const std::size_t begin = out.size(), bound = ZSTD_compressBound(data.size());
  out.resize(begin + bound);
  const std::size_t size = ZSTD_compress2(context, out.data() + begin, bound, data.data(), data.size());
  compressor.done();
  if (ZSTD_isError(size)) throw std::bad_alloc();  // the bound leaves memory as the only cause
  out.resize(begin + size);
  // The bound is several times what it takes, and the CDB keeps many of these.
  out.shrink_to_fit();
}

Result<std::string> expand(std::string_view data, std::string_view dictionary, std::size_t limit) {
  ZSTD_DCtx* const context = decompressor.get();
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, most_window);
  if (!dictionary.empty()) ZSTD_DCtx_refPrefix(context, dictionary.data(), dictionary.size());
  std::string out;
  // The announced size is a hint of a stranger: it saves re-allocations up to a bound, no more.
  const auto announced = ZSTD_getFrameContentSize(data.data(), data.size());
  if (announced == ZSTD_CONTENTSIZE_ERROR) return fail(Errc::corrupt, "these are not zstd data");
  if (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced > limit)
    return fail(Errc::exhausted,
                fmt::format("the zstd data expand to {} bytes, more than the {} allowed here", announced, limit));
  if (announced <= one_piece && ZSTD_findFrameCompressedSize(data.data(), data.size()) == data.size()) {
    out.resize(announced);
    const std::size_t size = ZSTD_decompressDCtx(context, out.data(), out.size(), data.data(), data.size());
    if (ZSTD_isError(size)) return fail(Errc::corrupt, fmt::format("bad zstd data: {}", ZSTD_getErrorName(size)));
    out.resize(size);
    return out;
  }
  if (announced != ZSTD_CONTENTSIZE_UNKNOWN) out.reserve(std::min<std::size_t>(announced, one_piece));
  // A context that decodes a stream keeps a window, which may be large.
  const std::unique_ptr<ZSTD_DCtx, FreeContext> last(decompressor.context.release());
  ZSTD_inBuffer input{data.data(), data.size(), 0};
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  for (;;) {
    ZSTD_outBuffer output{piece.data(), piece.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context, &output, &input);
    if (ZSTD_isError(left)) return fail(Errc::corrupt, fmt::format("bad zstd data: {}", ZSTD_getErrorName(left)));
    if (out.size() + output.pos > limit)
      return fail(Errc::exhausted, fmt::format("the zstd data expand to more than the {} bytes allowed here", limit));
    out.append(piece, 0, output.pos);
    if (left == 0) break;
    if (input.pos == input.size && output.pos < output.size) return fail(Errc::corrupt, "the zstd data end too early");
  }
  if (input.pos != input.size)
    return fail(Errc::corrupt, fmt::format("{} bytes follow the end of the zstd data", input.size - input.pos));
  return out;
}

}  // namespace

std::string zstd(std::string_view data, int level) {
  std::string out;
  append_frame(out, data, {}, level);
  return out;
}

std::string dcz(std::string_view data, std::string_view dictionary) {
  const auto hash = crypto::sha256(dictionary);
  std::string out(dcz_magic, sizeof dcz_magic);
  out.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  append_frame(out, data, dictionary, 3);
  return out;
}

Result<std::string> unzstd(std::string_view data, std::size_t limit) {
  return expand(data, {}, limit);
}

Result<std::string> undcz(std::string_view data, std::string_view dictionary, std::size_t limit) {
  if (data.size() < dcz_header || data.substr(0, sizeof dcz_magic) != std::string_view(dcz_magic, sizeof dcz_magic))
    return fail(Errc::corrupt, "these are not dcz data");
  const auto hash = crypto::sha256(dictionary);
  if (data.substr(sizeof dcz_magic, 32) != std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()))
    return fail(Errc::corrupt, "the dcz data were made with another dictionary", "fetch the content without a dictionary");
  return expand(data.substr(dcz_header), dictionary, limit);
}

}  // namespace base::compress
