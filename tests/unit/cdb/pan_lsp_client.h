// A client of the Language Server in memory: the server runs in a thread, messages go through queues. One test at a time. Waits
// are bounded, so that a server that says nothing fails a test instead of hanging it.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file/file.h"
#include "base/profile/json.h"
#include "cdb/pan/lsp/server.h"

namespace pan_test {

using cdb::pan::lsp::Dict;
using cdb::pan::lsp::List;
using cdb::pan::lsp::Value;

// A folder with files, removed at the end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-lsp-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  void put(const std::string& name, const std::string& text) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    REQUIRE(base::file::write_atomic(path, text, {.owner = {}, .group = {}, .durable = false}));
  }
  std::string path(const std::string& name = "") const { return name.empty() ? path_.string() : (path_ / name).string(); }
  std::string uri(const std::string& name) const { return cdb::pan::lsp::uri_of_path(path(name)); }

 private:
  std::filesystem::path path_;
};

class Client {
 public:
  // The project is the folder: include path itself, objects named below "profiles/".
  explicit Client(const Folder& folder) : folder_(folder) {
    cdb::pan::lsp::ServerSettings settings;
    settings.find_project = [](const cdb::pan::lsp::ProjectRequest& request) -> base::Result<cdb::pan::lsp::FoundProject> {
      if (request.root.ends_with("broken")) return base::fail(base::Errc::invalid, "weft.yaml is wrong");
      cdb::pan::lsp::FoundProject out;
      out.project.root = request.root;
      out.project.include_path = {request.root, request.root + "/profiles"};
      for (const std::string& entry : request.include_path) {
        const std::string path = cdb::pan::index::absolute_path(entry, request.root);
        if (std::filesystem::is_directory(path)) {
          out.project.include_path.push_back(path);
        } else {
          out.missing.push_back(path);
        }
      }
      for (const std::string& file : cdb::pan::index::template_files(request.root + "/profiles"))
        out.project.objects.push_back(file);
      out.project.whole = true;
      return out;
    };
    settings.limits = {100'000, 1000};
    settings.compile.threads = 1;
    settings.compile.quiet = std::chrono::milliseconds(1);
    server_ =
        std::make_unique<cdb::pan::lsp::Server>([this](char* to, std::size_t size) { return read(to, size); },
                                                [this](std::string_view bytes) { return write(bytes); }, std::move(settings));
    thread_ = std::thread([this] { exit_code_ = server_->run(); });
  }
  ~Client() {
    close();
    thread_.join();
  }

  void send_bytes(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    to_server_ += bytes;
    changed_.notify_all();
  }
  void send(const std::string& body) { send_bytes("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body); }
  void notify(const std::string& method, Value params) {
    send(base::profile::to_json(Dict{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}}));
  }
  // The whole answer: {result} or {error}.
  Value call(const std::string& method, Value params) {
    const std::int64_t id = ++last_id_;
    send(base::profile::to_json(Dict{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}));
    return wait([&](const Value& message) { return message.get("method") == nullptr && message.get_integer("id") == id; });
  }
  Value result(const std::string& method, Value params) {
    const Value answer = call(method, std::move(params));
    const std::string said = base::profile::to_json(answer);
    CAPTURE(said);
    REQUIRE(answer.get("result") != nullptr);
    return *answer.get("result");
  }
  std::int64_t error(const std::string& method, Value params) {
    const Value answer = call(method, std::move(params));
    return answer.get("error") == nullptr ? 0 : answer.get("error")->get_integer("code");
  }
  // The first message, seen or to come, that fits; it is taken away.
  Value wait(const std::function<bool(const Value&)>& fits) {
    std::unique_lock lock(mutex_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      for (auto message = received_.begin(); message != received_.end(); ++message) {
        if (!fits(*message)) continue;
        Value out = std::move(*message);
        received_.erase(message);
        return out;
      }
      if (changed_.wait_until(lock, end) == std::cv_status::timeout) {
        FAIL("the server did not send what was waited for");
        return {};
      }
    }
  }
  // Diagnostics of a file with a code among them, "" for none at all: "code:line code:line".
  std::string diagnostics(const std::string& name, const std::string& code) {
    const Value message = wait([&](const Value& one) {
      if (one.get_string("method") != "textDocument/publishDiagnostics" ||
          one.get("params")->get_string("uri") != folder_.uri(name))
        return false;
      const List& list = *one.get("params")->get("diagnostics")->list();
      if (code.empty()) return list.empty();
      return std::any_of(list.begin(), list.end(),
                         [&](const Value& diagnostic) { return diagnostic.get_string("code") == code; });
    });
    std::string out;
    for (const Value& diagnostic : *message.get("params")->get("diagnostics")->list())
      out += (out.empty() ? "" : " ") + std::string(diagnostic.get_string("code")) + ":" +
             std::to_string(diagnostic.get("range")->get("start")->get_integer("line"));
    return out;
  }
  Value initialize(Value options = nullptr) {
    Dict capabilities{{"textDocument", Dict{{"hover", Dict{{"contentFormat", List{"markdown", "plaintext"}}}}}}};
    Value out = result("initialize", Dict{{"processId", nullptr},
                                          {"rootUri", folder_.uri("")},
                                          {"capabilities", capabilities},
                                          {"initializationOptions", std::move(options)}});
    notify("initialized", Dict{});
    return out;
  }
  void open(const std::string& name, const std::string& text) {
    notify("textDocument/didOpen",
           Dict{{"textDocument", Dict{{"uri", folder_.uri(name)}, {"languageId", "pan"}, {"version", 1}, {"text", text}}}});
  }
  void change(const std::string& name, const std::string& text) {
    notify("textDocument/didChange", Dict{{"textDocument", Dict{{"uri", folder_.uri(name)}, {"version", ++version_}}},
                                          {"contentChanges", List{Dict{{"text", text}}}}});
  }
  // Opens a text in which | marks the cursor, and asks there.
  Value at(const std::string& method, const std::string& name, std::string text, Dict more = {}) {
    const auto cursor = text.find('|');
    REQUIRE(cursor != std::string::npos);
    text.erase(cursor, 1);
    open(name, text);
    more["textDocument"] = Dict{{"uri", folder_.uri(name)}};
    more["position"] = place(text, cursor);
    return call(method, std::move(more));
  }
  static Value place(const std::string& text, std::size_t offset) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
    const auto begin = text.rfind('\n', offset == 0 ? 0 : offset - 1);
    return Dict{{"line", line}, {"character", offset - (begin == std::string::npos || offset == 0 ? 0 : begin + 1)}};
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  int exit_code() {
    close();
    thread_.join();
    thread_ = std::thread([] {});
    return exit_code_;
  }

 private:
  std::size_t read(char* to, std::size_t size) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !to_server_.empty(); });
    const std::size_t part = std::min(size, to_server_.size());
    std::copy_n(to_server_.data(), part, to);
    to_server_.erase(0, part);
    return part;
  }
  bool write(std::string_view bytes) {
    const auto body = bytes.find("\r\n\r\n");
    const auto parsed = base::profile::parse_json(bytes.substr(body + 4));
    const std::lock_guard lock(mutex_);
    if (parsed) received_.push_back(*parsed);
    changed_.notify_all();
    return true;
  }

  const Folder& folder_;
  std::unique_ptr<cdb::pan::lsp::Server> server_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string to_server_;
  std::vector<Value> received_;
  bool closed_ = false;
  std::int64_t last_id_ = 0, version_ = 1;
  int exit_code_ = -1;
};

}  // namespace pan_test
