#include "base/pg/private_files.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/diag/fail_point.h"
#include "base/file/file.h"
#include "base/process/process.h"

namespace base::pg {
namespace fs = std::filesystem;
namespace {

std::optional<int> integer(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Error filesystem_error(const fs::path& path, const std::error_code& code) {
  const auto errc = code == std::errc::no_space_on_device ? Errc::exhausted : Errc::unavailable;
  return {errc, fmt::format("{}: {}", path.string(), code.message()), {}, {}};
}

// For postgresql.conf: a quote inside a value is doubled.
std::string quoted(const fs::path& path) {
  std::string out;
  for (const char c : path.string()) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out;
}

// True for a process that runs PostgreSQL with its working folder in `data`: what every process of a cluster does.
bool works_on(pid_t pid, const fs::path& data) {
  std::error_code error;
  const auto cwd = fs::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
  if (error || cwd != data) return false;
  const auto exe = fs::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  return !error && exe.filename().string().starts_with("postgres");
}

Result<> run_tool(const ClusterUser& user, std::vector<std::string> argv, const std::string& what) {
  process::Command command;
  command.argv = as_user(user, std::move(argv));
  command.folder = "/";
  command.timeout = std::chrono::seconds(120);
  auto outcome = WEFT_TRY(process::run(command));
  if (outcome.status == 0) return {};
  auto text = outcome.err.empty() ? outcome.out : outcome.err;
  if (text.size() > 1000) text = text.substr(text.size() - 1000);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const bool full = text.find("No space left") != std::string::npos;
  return fail(full ? Errc::exhausted : Errc::unavailable, fmt::format("{} ended with status {}: {}", what, outcome.status, text),
              full ? "Free disk space." : "");
}

}  // namespace

Result<ClusterUser> cluster_user() {
  ClusterUser user;
  user.drop = geteuid() == 0;
  const passwd* entry = user.drop ? getpwnam("postgres") : getpwuid(geteuid());
  if (!entry) {
    return user.drop ? fail(Errc::not_found, "there is no account postgres to run the private database as",
                            "Install the package postgresql-15, or name a database with --database.")
                     : fail(Errc::not_found, fmt::format("uid {} has no entry in /etc/passwd, which initdb needs", geteuid()),
                            "Add an account for it, or name a database with --database.");
  }
  user.name = entry->pw_name;
  user.uid = entry->pw_uid;
  user.gid = entry->pw_gid;
  return user;
}

Result<fs::path> binaries(const fs::path& data) {
  std::optional<int> wanted;
  std::ifstream version(data / "PG_VERSION");
  std::string line;
  if (std::getline(version, line)) wanted = integer(line);
  int best = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const auto major = integer(entry.path().filename().string());
    if (!major || !fs::exists(entry.path() / "bin/initdb", error) || !fs::exists(entry.path() / "bin/postgres", error)) continue;
    if (wanted ? *major == *wanted : *major > best) best = *major;
  }
  if (best > 0) return fs::path(fmt::format("/usr/lib/postgresql/{}/bin", best));
  if (wanted) {
    return fail(Errc::not_found, fmt::format("{} was made by PostgreSQL {}, which is not installed", data.string(), *wanted),
                fmt::format("Install postgresql-{}, or upgrade the folder with pg_upgradecluster's manner (pg_dump, new state).",
                            *wanted));
  }
  return fail(Errc::not_found, "no PostgreSQL server below /usr/lib/postgresql",
              "Install postgresql-15, or name a database with --database.");
}

std::vector<std::string> as_user(const ClusterUser& user, std::vector<std::string> argv) {
  if (!user.drop) return argv;
  std::vector<std::string> out{"setpriv", "--reuid=" + user.name, "--regid=" + std::to_string(user.gid), "--init-groups",
                               "--no-new-privs"};
  std::ranges::move(argv, std::back_inserter(out));
  return out;
}

Result<> create_cluster(const fs::path& folder, const fs::path& bin, const ClusterUser& user) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().starts_with("data.new.")) fs::remove_all(entry.path(), error);  // left by a kill
  }
  const auto fresh = folder / fmt::format("data.new.{}", ::getpid());
  WEFT_TRY(run_tool(user,
                    {(bin / "initdb").string(), "--pgdata=" + fresh.string(), "--username=weft", "--auth-local=peer",
                     "--auth-host=reject", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"},
                    "initdb"));
  WEFT_TRY(fail_point("pg.private.initdb"));
  fs::rename(fresh, folder / "data", error);
  if (error) return fail(filesystem_error(folder / "data", error));
  return {};
}

Result<> write_settings(const fs::path& folder, const ClusterUser& user) {
  const auto data = folder / "data";
  const auto put = [&](const char* name, const std::string& text) -> Result<> {
    file::WriteOptions options;
    options.mode = 0600;
    if (user.drop) {
      options.owner = user.uid;
      options.group = user.gid;
    }
    return file::write_atomic(data / name, text, options);
  };
  // Everything that must survive a power cut stays at PostgreSQL's safe defaults (fsync, full_page_writes, synchronous_commit).
  WEFT_TRY(
      put("postgresql.conf", fmt::format(R"(# Written by Weft at every start; site settings go into site.conf beside this file.
listen_addresses = ''
unix_socket_directories = '{}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
max_wal_size = 512MB
min_wal_size = 64MB
wal_compression = lz4
max_parallel_workers_per_gather = 0
jit = off
random_page_cost = 1.1
default_toast_compression = lz4
autovacuum_naptime = 20s
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
log_line_prefix = '%m [%p] '
log_min_duration_statement = 2s
log_checkpoints = off
include_if_exists = 'site.conf'
)",
                                         quoted(folder / "run"))));
  WEFT_TRY(put("pg_hba.conf",
               "# Written by Weft: the kernel says who is at the other end of the socket; pg_ident.conf says who of them may.\n"
               "local all weft peer map=weft\n"));
  WEFT_TRY(
      put("pg_ident.conf", fmt::format("# Written by Weft.\nweft {} weft\n{}", user.name, user.drop ? "weft root weft\n" : "")));
  return {};
}

std::optional<pid_t> running_postmaster(const fs::path& data) {
  std::ifstream file(data / "postmaster.pid");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const auto pid = integer(line);
  if (!pid || *pid <= 1 || !works_on(*pid, data)) return std::nullopt;
  return *pid;
}

std::vector<pid_t> cluster_processes(const fs::path& data) {
  std::vector<pid_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto pid = integer(entry.path().filename().string());
    if (pid && works_on(*pid, data)) out.push_back(*pid);
  }
  return out;
}

}  // namespace base::pg
