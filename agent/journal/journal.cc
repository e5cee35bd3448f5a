#include "agent/journal/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "base/diag/fail_point.h"
#include "base/profile/json.h"
#include "base/text/text.h"

namespace agent::journal {

using base::Errc;
using base::fail;
using base::Result;

namespace {

constexpr std::array<std::string_view, 4> mark_names{"none", "intent", "done", "failed"};

std::optional<std::size_t> number(std::string_view text, std::size_t limit) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::size_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::size_t>(c - '0');
  }
  if (value >= limit) return std::nullopt;
  return value;
}

}  // namespace

Result<Journal> Journal::open(std::filesystem::path folder) {
  WEFT_TRY(base::file::make_folders(folder, 0700));
  return Journal(std::move(folder));
}

Result<std::optional<Unfinished>> Journal::unfinished() const {
  std::error_code error;
  if (!std::filesystem::exists(folder_ / "plan.json", error)) return std::nullopt;
  auto text = WEFT_TRY(base::file::read(folder_ / "plan.json"));
  auto value = base::profile::parse_json(text);
  if (!value) return fail(std::move(value).error().during("reading the unfinished plan " + (folder_ / "plan.json").string()));
  Unfinished out;
  out.plan = WEFT_TRY(plan::plan_from(*value));
  out.marks.assign(out.plan.actions.size(), Mark::none);
  if (!std::filesystem::exists(folder_ / "progress", error)) return out;
  auto progress = WEFT_TRY(base::file::read(folder_ / "progress"));
  auto whole = progress.rfind('\n');
  if (whole == progress.npos) return out;
  for (const auto& line : base::text::split(std::string_view(progress).substr(0, whole), '\n')) {
    auto blank = line.find(' ');
    if (blank == line.npos) continue;
    auto index = number(std::string_view(line).substr(blank + 1), out.marks.size());
    if (!index) continue;
    for (std::size_t i = 1; i < mark_names.size(); ++i)
      if (mark_names[i] == std::string_view(line).substr(0, blank)) out.marks[*index] = static_cast<Mark>(i);
  }
  return out;
}

Result<> Journal::begin(const plan::Plan& plan) {
  // The old progress goes first: it must never be read with the new plan.
  if (::unlink((folder_ / "progress").c_str()) != 0 && errno != ENOENT)
    return fail(Errc::internal, fmt::format("removing {}: {}", (folder_ / "progress").string(), std::strerror(errno)));
  base::file::WriteOptions options;
  options.mode = 0600;
  WEFT_TRY(base::file::write_atomic(folder_ / "plan.json", base::profile::to_json(plan::to_value(plan)) + "\n", options));
  progress_ = base::file::Fd(::open((folder_ / "progress").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!progress_)
    return fail(Errc::exhausted, fmt::format("opening {}: {}", (folder_ / "progress").string(), std::strerror(errno)));
  base::file::Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return fail(Errc::exhausted, fmt::format("syncing {}: {}", folder_.string(), std::strerror(errno)));
  return base::fail_point("agent.journal.written");
}

Result<> Journal::mark(std::size_t action, Mark mark, bool durable) {
  auto line = fmt::format("{} {}\n", mark_names[static_cast<std::size_t>(mark)], action);
  auto written = ::write(progress_.get(), line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size()) || (durable && ::fdatasync(progress_.get()) != 0))
    return fail(Errc::exhausted,
                fmt::format("writing the journal in {}: {}", folder_.string(), written < 0 ? std::strerror(errno) : "disk full"),
                "free space there; the run continues when the agent runs again");
  return {};
}

Result<> Journal::close() {
  progress_ = {};
  if (::rename((folder_ / "plan.json").c_str(), (folder_ / "last.json").c_str()) != 0)
    return fail(Errc::internal, fmt::format("closing the journal in {}: {}", folder_.string(), std::strerror(errno)));
  return {};
}

}  // namespace agent::journal
