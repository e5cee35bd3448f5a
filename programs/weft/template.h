// Parts of `weft template`, one file per group of verbs. Used by template.cc only. Single-threaded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "programs/weft/session.h"
#include "programs/weft/working_copy.h"

namespace programs::weft {

struct BranchFiles {
  std::string branch;
  std::int64_t revision = 0;
  std::map<std::string, std::string> hashes;    // path → hash
  std::map<std::string, std::string> contents;  // when asked for
};
base::Result<BranchFiles> fetch_branch(base::http::Client& client, std::string_view branch, std::int64_t revision, bool content);
base::Result<std::string> fetch_file(base::http::Client& client, std::string_view branch, std::int64_t revision,
                                     const std::string& path);

// Sends a change and shows what comes back: the plan and the revision, or the diagnostics. Exit code.
struct ChangeRequest {
  std::string branch, message;
  std::int64_t base = 0;
  base::profile::List edits;
  bool dry_run = false, json = false;
  bool propose = false;  // keep it for others to approve, commit nothing
  std::string rollout;   // policy; "": the branch's
};
struct ChangeResult {
  int exit_code = 0;
  std::int64_t revision = 0;
};
base::Result<ChangeResult> send_change(base::http::Client& client, const ChangeRequest& request);
base::Result<ChangeResult> show_change(const Exchange& exchange, bool json);

// Brings the branch's newest state into a working copy and shows what came. Exit code 1: conflicts.
base::Result<int> update_copy(base::http::Client& client, WorkingCopy& copy, bool json);

// --branch when given; else the branch of the working copy that the current folder is; else main.
std::string chosen_branch(const base::cli::Arguments& arguments);
// Percent-encodes all but the slashes.
std::string url_path(std::string_view path);

// weft template import --git (template_git.cc).
base::Result<int> import_git(const base::cli::Arguments& arguments);

base::cli::Option branch_option();
base::cli::Option message_option(bool required);
base::cli::Option rollout_option();

base::cli::Command template_import();
base::cli::Command template_list();
base::cli::Command template_show();
base::cli::Command template_checkout();
base::cli::Command template_diff();
base::cli::Command template_plan();
base::cli::Command template_commit();
base::cli::Command template_edit();
base::cli::Command template_log();
base::cli::Command template_revert();
base::cli::Command template_status();
base::cli::Command template_update();
base::cli::Command template_resolve();
base::cli::Command template_blame();
base::cli::Command template_pick();

}  // namespace programs::weft
