// `weft pan lsp`: the Language Server on stdin and stdout.
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>

#include "cdb/pan/lsp/server.h"
#include "programs/weft/pan.h"
#include "programs/weft/pan_project.h"

namespace programs::weft {
namespace {

namespace lsp = cdb::pan::lsp;

std::size_t read_stdin(char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, to, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

bool write_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

base::Result<lsp::FoundProject> project_for(const lsp::ProjectRequest& request) {
  auto found = WEFT_TRY(find_project({request.root, request.include_path, request.objects, request.root}));
  return lsp::FoundProject{std::move(found.project), std::move(found.missing)};
}

int serve() {
  // An editor that went away is noticed at the end of stdin.
  std::signal(SIGPIPE, SIG_IGN);
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  lsp::ServerSettings settings{.find_project = project_for, .limits = {}, .compile = {}, .threads = threads};
  settings.compile.threads = std::min(threads, 2);
  return lsp::Server(read_stdin, write_stdout, std::move(settings)).run();
}

}  // namespace

base::cli::Command pan_lsp() {
  return {
      .name = "lsp",
      .summary = "Language Server for editors",
      .description =
          "Started by an editor, speaks the Language Server Protocol on stdin and stdout: mistakes as you type, definitions, "
          "references, hover, completion of paths by their schemas, rename, formatting. The tree is the editor's folder, or the "
          "one above it that has a weft.yaml. docs/editors.md says how to set up VS Code, Vim and Neovim.\n\n"
          "initializationOptions: include_path and objects (lists, instead of weft.yaml's), no_rules (lint rules to leave out), "
          "compile (false: no profiles are compiled).\n\nExit codes: 0 the editor is done; 1 it left without shutdown.",
      .options = {},
      .examples = {{"weft pan lsp", "the command to write into an editor's settings"}},
      .run = [](const base::cli::Arguments&) { return serve(); },
      .commands = {}};
}

}  // namespace programs::weft
