#include "monitor/sensord/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "base/crypto/crypto.h"
#include "base/diag/fail_point.h"
#include "base/text/text.h"

namespace monitor::sensord {
namespace {

using base::Errc;

constexpr std::string_view magic = "WSP1";
constexpr std::size_t header_size = 4 + 4 + 4 + 32;
constexpr std::size_t largest_body = 16u << 20;

std::string little(std::uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16), static_cast<char>(n >> 24)};
}
std::uint32_t from_little(std::string_view b) {
  auto byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(b[static_cast<std::size_t>(i)])); };
  return byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
}

std::string digest(std::string_view numbers, std::string_view body) {
  base::crypto::Sha256 sha;
  sha.update(numbers);
  sha.update(body);
  auto bytes = sha.finish();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Record {
  std::string_view body;
  std::uint32_t samples = 0;
  std::size_t size = 0;
};

// The record at the start of `data`; nothing when it is cut off or damaged.
std::optional<Record> parse(std::string_view data) {
  if (data.size() < header_size || !data.starts_with(magic)) return std::nullopt;
  std::size_t length = from_little(data.substr(4));
  if (length > largest_body || data.size() < header_size + length) return std::nullopt;
  std::string_view body = data.substr(header_size, length);
  if (digest(data.substr(4, 8), body) != data.substr(12, 32)) return std::nullopt;
  return Record{body, from_little(data.substr(8)), header_size + length};
}

base::Error system_error(const std::filesystem::path& path, std::string_view verb) {
  bool full = errno == ENOSPC || errno == EDQUOT;
  return {full ? Errc::exhausted : Errc::unavailable,
          fmt::format("{}: cannot {}: {}", path.string(), verb, std::strerror(errno)),
          full ? "free space on that file system" : "",
          {}};
}

}  // namespace

std::filesystem::path Spool::path(std::uint64_t number) const {
  return folder_ / fmt::format("{:016}.seg", number);
}

base::Result<std::unique_ptr<Spool>> Spool::open(std::filesystem::path folder, SpoolOptions options) {
  WEFT_TRY(base::file::make_folders(folder, 0750));
  std::unique_ptr<Spool> spool(new Spool(std::move(folder), options));
  WEFT_TRY(spool->scan());
  return spool;
}

base::Result<> Spool::scan() {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    std::uint64_t number = 0;
    auto [last, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failed == std::errc() && std::string_view(last) == ".seg") numbers.push_back(number);
  }
  if (error) return base::fail(Errc::unavailable, folder_.string() + ": " + error.message());
  std::sort(numbers.begin(), numbers.end());

  std::uint64_t sent_segment = 0;
  std::size_t sent_bytes = 0;
  if (auto cursor = base::file::read(folder_ / "cursor", 4096)) {
    auto words = base::text::split(base::text::trim(*cursor), ' ');
    if (words.size() == 2) {
      std::from_chars(words[0].data(), words[0].data() + words[0].size(), sent_segment);
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), sent_bytes);
    }
  }
  for (std::uint64_t number : numbers) {
    next_number_ = number + 1;
    Segment segment = WEFT_TRY(scan_segment(number, number == sent_segment ? sent_bytes : 0));
    if (segment.batches == 0 || number < sent_segment) {
      std::filesystem::remove(path(number), error);
      continue;
    }
    figures_.bytes += segment.size - segment.begin;
    figures_.batches += segment.batches;
    segments_.push_back(segment);
  }
  next_number_ = std::max(next_number_, sent_segment + 1);
  return {};
}

base::Result<Spool::Segment> Spool::scan_segment(std::uint64_t number, std::size_t begin) {
  std::string data = WEFT_TRY(base::file::read(path(number)));
  Segment segment;
  segment.number = number;
  while (segment.size < data.size()) {
    auto record = parse(std::string_view(data).substr(segment.size));
    if (!record) {
      ++figures_.damaged;
      break;
    }
    segment.size += record->size;
    if (segment.size <= begin) {
      segment.begin = segment.size;
      continue;
    }
    ++segment.batches;
    segment.samples += record->samples;
  }
  return segment;
}

void Spool::drop_oldest() {
  Segment& oldest = segments_.front();
  figures_.dropped_full += oldest.samples;
  figures_.bytes -= oldest.size - oldest.begin;
  figures_.batches -= oldest.batches;
  std::error_code ignored;
  std::filesystem::remove(path(oldest.number), ignored);
  if (segments_.size() == 1) file_ = {};
  segments_.pop_front();
}

void Spool::make_room(std::size_t bytes) {
  while (!segments_.empty() && figures_.bytes + bytes > options_.limit) drop_oldest();
}

base::Result<> Spool::write(std::string_view record) {
  if (!file_ || segments_.empty() || segments_.back().size >= options_.segment) {
    auto name = path(next_number_);
    base::file::Fd fresh(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!fresh) return base::fail(system_error(name, "create"));
    file_ = std::move(fresh);
    segments_.push_back({next_number_++, 0, 0, 0, 0});
  }
  Segment& segment = segments_.back();
  std::size_t done = 0;
  while (done < record.size()) {
    ssize_t n = pwrite(file_.get(), record.data() + done, record.size() - done, static_cast<off_t>(segment.size + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto failed = system_error(path(segment.number), "write");
      // What was written of it is cut off again, so the next record starts where this one would have.
      if (ftruncate(file_.get(), static_cast<off_t>(segment.size)) != 0) file_ = {};
      if (segment.batches == 0) {
        std::error_code ignored;
        std::filesystem::remove(path(segment.number), ignored);
        file_ = {};
        segments_.pop_back();
      }
      return base::fail(std::move(failed));
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

base::Result<> Spool::append(std::string_view body, std::uint32_t samples) {
  std::lock_guard lock(mutex_);
  std::string numbers = little(static_cast<std::uint32_t>(body.size())) + little(samples);
  std::string record;
  record.reserve(header_size + body.size());
  record.append(magic).append(numbers).append(digest(numbers, body)).append(body);
  if (body.size() > largest_body || record.size() > options_.limit) {
    figures_.dropped_full += samples;
    return base::fail(Errc::exhausted, fmt::format("a batch of {} bytes does not fit into the spool", record.size()),
                      "raise spool/bytes");
  }
  make_room(record.size());
  auto written = write(record);
  while (!written && written.error().code == Errc::exhausted && !segments_.empty()) {
    drop_oldest();
    written = write(record);
  }
  if (!written) {
    figures_.dropped_disk += samples;
    return written;
  }
  Segment& segment = segments_.back();
  segment.size += record.size();
  ++segment.batches;
  segment.samples += samples;
  figures_.bytes += record.size();
  ++figures_.batches;
  // With the server there a batch lives for milliseconds. Once they pile up they must outlive a power cut too.
  if (figures_.batches > 1) fdatasync(file_.get());
  return base::fail_point("monitor.spool.appended");
}

base::Result<std::optional<Spool::Batch>> Spool::front() {
  std::lock_guard lock(mutex_);
  while (!segments_.empty()) {
    Segment& segment = segments_.front();
    auto name = path(segment.number);
    base::file::Fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    std::string data;
    if (fd) {
      data.resize(header_size);
      ssize_t n = pread(fd.get(), data.data(), header_size, static_cast<off_t>(segment.begin));
      std::size_t length = n == static_cast<ssize_t>(header_size) ? from_little(std::string_view(data).substr(4)) : 0;
      if (length <= largest_body) {
        data.resize(header_size + length);
        n = pread(fd.get(), data.data() + header_size, length, static_cast<off_t>(segment.begin + header_size));
        if (n != static_cast<ssize_t>(length)) data.clear();
      }
    }
    if (auto record = parse(data))
      return Batch{std::string(record->body), record->samples, segment.number, segment.begin + record->size};
    // Lost under our hands (a bad disk, a person): the rest of this file cannot be found any more.
    ++figures_.damaged;
    figures_.dropped_disk += segment.samples;
    segment.samples = 0;
    drop_oldest();
  }
  return std::optional<Batch>();
}

base::Result<> Spool::pop(const Batch& batch) {
  std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.front().number != batch.segment || batch.end <= segments_.front().begin) return {};
  Segment& segment = segments_.front();
  figures_.bytes -= batch.end - segment.begin;
  --figures_.batches;
  --segment.batches;
  segment.samples -= std::min<std::uint64_t>(segment.samples, batch.samples);
  segment.begin = batch.end;
  WEFT_TRY(base::fail_point("monitor.spool.sent"));
  if (segment.batches != 0) return save_cursor();
  std::error_code error;
  std::filesystem::remove(path(segment.number), error);
  if (segments_.size() == 1) file_ = {};
  segments_.pop_front();
  return {};
}

// Not synced: a lost cursor only makes batches travel twice.
base::Result<> Spool::save_cursor() {
  const Segment& segment = segments_.front();
  return base::file::write_atomic(folder_ / "cursor", fmt::format("{} {}\n", segment.number, segment.begin),
                                  {.mode = 0640, .durable = false});
}

void Spool::set_limit(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  options_.limit = bytes;
  make_room(0);
}

Spool::Figures Spool::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace monitor::sensord
