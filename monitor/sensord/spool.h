// Batches on disk until the server has them. Used by the sampling thread (append) and the pushing thread (front, pop); calls
// lock. A batch survives kill -9 once append() has returned. A torn tail (kill in the middle of a write, power loss) is found by
// its checksum and cut off. The size is bounded: the oldest batches go first, counted.
//
// Format: files NNNNNNNNNNNNNNNN.seg, each a row of records "WSP1", u32 length, u32 samples, 32 bytes SHA-256 over those two and
// the body, body (little endian). `cursor` says how far the oldest file has been sent; when it is lost, batches are sent twice.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/diag/result.h"
#include "base/file/file.h"

namespace monitor::sensord {

struct SpoolOptions {
  std::size_t limit = 64u << 20;
  std::size_t segment = 256u << 10;  // a new file after this many bytes; what is dropped is whole files
};

class Spool {
 public:
  static base::Result<std::unique_ptr<Spool>> open(std::filesystem::path folder, SpoolOptions options = {});

  // Errc::exhausted when the disk is full and nothing older can go: this batch is then counted as dropped.
  base::Result<> append(std::string_view body, std::uint32_t samples);

  struct Batch {
    std::string body;
    std::uint32_t samples = 0;
    std::uint64_t segment = 0, end = 0;  // where it was
  };
  // The oldest batch, or nothing. A record that went bad on disk is skipped with the rest of its file, counted.
  base::Result<std::optional<Batch>> front();
  // Forgets the batch; no error when it has been dropped meanwhile.
  base::Result<> pop(const Batch& batch);

  void set_limit(std::size_t bytes);
  struct Figures {
    std::size_t bytes = 0, batches = 0;
    std::uint64_t dropped_full = 0, dropped_disk = 0;  // samples
    std::uint64_t damaged = 0;                         // torn tails and bad records found
  };
  Figures figures() const;

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::size_t begin = 0, size = 0;  // bytes not yet sent are [begin, size)
    std::size_t batches = 0;
    std::uint64_t samples = 0;
  };

  Spool(std::filesystem::path folder, SpoolOptions options) : folder_(std::move(folder)), options_(options) {}
  base::Result<> scan();
  base::Result<Segment> scan_segment(std::uint64_t number, std::size_t begin);
  std::filesystem::path path(std::uint64_t number) const;
  base::Result<> write(std::string_view record);
  void drop_oldest();
  void make_room(std::size_t bytes);
  base::Result<> save_cursor();

  std::filesystem::path folder_;
  SpoolOptions options_;
  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  // oldest first; appends go to the last while `file_` is open
  base::file::Fd file_;
  std::uint64_t next_number_ = 1;
  Figures figures_;
};

}  // namespace monitor::sensord
