// The Language Server: reads requests from a stream, answers on another, keeps the texts that the editor has open, and sends what
// is wrong with them. Used by `weft pan lsp` and by tests with streams in memory. run() belongs to one thread; the compiles of a
// worker thread are the only other. Broken messages are answered with JSON-RPC's errors; nothing from the other side ends the
// server but exit and the end of the stream.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/lsp/board.h"
#include "cdb/pan/lsp/session.h"
#include "cdb/pan/lsp/wire.h"

namespace cdb::pan::lsp {

// How a folder compiles: weft.yaml is read by who uses the server, as this room knows no settings files.
struct ProjectRequest {
  std::string root;                       // absolute
  std::vector<std::string> include_path;  // not empty: instead of what the folder says; relative to the root
  std::vector<std::string> objects;       // the same, patterns
};
struct FoundProject {
  index::Project project;
  std::vector<std::string> missing;  // folders of the include path that do not exist
};

struct ServerSettings {
  std::function<base::Result<FoundProject>(const ProjectRequest&)> find_project;
  WireLimits limits;
  CompileSettings compile;
  int threads = 2;  // of the first reading of the tree
};

class Server {
 public:
  Server(ReadBytes read, WriteBytes write, ServerSettings settings);
  ~Server();
  // Until exit or the end of the stream. 0: as asked; 1: exit without shutdown before it.
  int run();

 private:
  enum class State { fresh, running, shut_down };

  void handle(std::string_view body);
  Value request(std::string_view method, const Value& params);
  void notification(std::string_view method, const Value& params);

  Value initialize(const Value& params);
  void did_open(const Value& params);
  void did_change(const Value& params);
  void did_close(const Value& params);
  void did_save(const Value& params);
  void watched_files(const Value& params);

  // Reads the tree once more; later edits are followed one by one.
  void load();
  void read_options(const Value& options);
  // The index is made in the background after initialize; whoever needs it first waits.
  void need_index();
  void text_changed(const Document& document);
  void file_changed(const std::string& path);
  void diagnose(const Document& document);

  MessageReader reader_;
  MessageWriter writer_;
  ServerSettings settings_;
  Board board_{writer_};
  Session session_;
  State state_ = State::fresh;
  bool exit_ = false;
  bool compile_ = true;
  ProjectRequest project_;
  std::future<std::unique_ptr<index::TreeIndex>> building_;
};

}  // namespace cdb::pan::lsp
