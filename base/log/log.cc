#include "base/log/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace base::log {
namespace {

std::atomic<int> threshold{static_cast<int>(Level::info)};
std::mutex program_mutex;
std::string program_name;

// systemd sets JOURNAL_STREAM to "device:inode" of the stream it gave us; a child whose stderr was redirected inherits the
// variable but not the stream, hence the comparison.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (!stream || fstat(STDERR_FILENO, &status) != 0) return false;
  unsigned long long device = 0, inode = 0;
  return std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 && device == status.st_dev && inode == status.st_ino;
}

std::string_view level_word(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::notice: return "notice";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

// Line breaks and control bytes would let foreign text forge log lines or steer a terminal.
void append_escaped(std::string& out, std::string_view text, bool quoted) {
  static constexpr char hex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      if (quoted && (c == '"' || c == '\\')) out += '\\';
      out += c;
    }
  }
}

void append_field(std::string& out, const Field& field) {
  out += ' ';
  out += field.first;
  out += '=';
  bool quote = field.second.empty();
  for (const char c : field.second)
    quote = quote || c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  if (quote) out += '"';
  append_escaped(out, field.second, quote);
  if (quote) out += '"';
}

void append_time(std::string& out) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  out.append(text, size);
  std::snprintf(text, sizeof text, ".%03dZ ", static_cast<int>(ms % 1000));
  out += text;
}

}  // namespace

void set_level(Level level) {
  threshold.store(static_cast<int>(level), std::memory_order_relaxed);
}

void set_program(std::string_view name) {
  const std::lock_guard lock(program_mutex);
  program_name = name;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (static_cast<int>(level) > threshold.load(std::memory_order_relaxed)) return;
  static const bool journal = stderr_is_journal();
  std::string line;
  line.reserve(160);
  if (journal) {
    line += '<';
    line += static_cast<char>('0' + static_cast<int>(level));
    line += '>';
  } else {
    append_time(line);
    const std::lock_guard lock(program_mutex);
    if (!program_name.empty()) line.append(program_name).append(" ");
    line.append(level_word(level)).append(": ");
  }
  append_escaped(line, message, false);
  for (const auto& field : fields) append_field(line, field);
  line += '\n';
  // One write per line keeps lines of several threads and processes apart. A log that cannot be written has nobody to tell.
  std::string_view rest = line;
  while (!rest.empty()) {
    const auto written = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace base::log
