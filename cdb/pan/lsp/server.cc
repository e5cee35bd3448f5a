#include "cdb/pan/lsp/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <initializer_list>

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/lsp/answers.h"
#include "cdb/pan/lsp/message.h"

namespace cdb::pan::lsp {
namespace {

constexpr int kDeepestJson = 64;
constexpr std::size_t kLongestText = 16u << 20;

struct Feature {
  std::string_view method;
  Value (*answer)(const Session&, const Value&);
};
constexpr Feature kFeatures[] = {{"textDocument/definition", features::definition},
                                 {"textDocument/references", features::references},
                                 {"textDocument/documentHighlight", features::document_highlight},
                                 {"textDocument/documentSymbol", features::document_symbol},
                                 {"workspace/symbol", features::workspace_symbol},
                                 {"textDocument/hover", features::hover},
                                 {"textDocument/signatureHelp", features::signature_help},
                                 {"textDocument/completion", features::completion},
                                 {"textDocument/prepareRename", features::prepare_rename},
                                 {"textDocument/rename", features::rename},
                                 {"textDocument/formatting", features::formatting},
                                 {"textDocument/codeAction", features::code_action},
                                 {"textDocument/foldingRange", features::folding_range}};

// A member of members: at(capabilities, "workspace", "workspaceEdit"); null pointer when any is absent.
const Value* at(const Value& value, std::initializer_list<std::string_view> names) {
  const Value* out = &value;
  for (const std::string_view name : names) {
    out = out->get(name);
    if (out == nullptr) return nullptr;
  }
  return out;
}

bool says(const Value& value, std::initializer_list<std::string_view> names) {
  const Value* found = at(value, names);
  return found != nullptr && found->boolean() != nullptr && *found->boolean();
}

std::vector<std::string> strings(const Value& options, std::string_view name) {
  std::vector<std::string> out;
  const Value* value = options.get(name);
  if (value == nullptr || value->is_null()) return out;
  if (value->list() == nullptr) invalid_params(fmt::format("initializationOptions.{} must be a list of strings", name));
  for (const Value& item : *value->list()) {
    if (item.string() == nullptr) invalid_params(fmt::format("initializationOptions.{} must be a list of strings", name));
    out.push_back(*item.string());
  }
  return out;
}

Value capabilities() {
  constexpr int kIncremental = 2;
  return Dict{{"textDocumentSync", Dict{{"openClose", true}, {"change", kIncremental}, {"save", Dict{{"includeText", false}}}}},
              {"definitionProvider", true},
              {"referencesProvider", true},
              {"documentHighlightProvider", true},
              {"documentSymbolProvider", true},
              {"workspaceSymbolProvider", true},
              {"hoverProvider", true},
              {"signatureHelpProvider", Dict{{"triggerCharacters", List{"(", ","}}}},
              {"completionProvider", Dict{{"triggerCharacters", List{"/", "'", "\"", "{"}}}},
              {"renameProvider", Dict{{"prepareProvider", true}}},
              {"documentFormattingProvider", true},
              {"codeActionProvider", Dict{{"codeActionKinds", List{"quickfix"}}}},
              {"foldingRangeProvider", true}};
}

}  // namespace

Server::Server(ReadBytes read, WriteBytes write, ServerSettings settings)
    : reader_(std::move(read), settings.limits), writer_(std::move(write)), settings_(std::move(settings)) {}

Server::~Server() = default;

int Server::run() {
  while (!exit_) {
    const Frame frame = reader_.next();
    if (frame.kind == Frame::Kind::end) return 0;
    if (frame.kind == Frame::Kind::broken) {
      send_error(writer_, nullptr, {RpcCode::parse_error, frame.text});
      continue;
    }
    handle(frame.text);
  }
  return state_ == State::shut_down ? 0 : 1;
}

void Server::handle(std::string_view body) {
  const auto parsed = base::profile::parse_json(body, {.bytes = settings_.limits.message, .depth = kDeepestJson});
  if (!parsed) return send_error(writer_, nullptr, {RpcCode::parse_error, parsed.error().message});
  const Value& message = *parsed;
  const Value* id_member = message.get("id");
  const Value id = id_member == nullptr ? Value() : *id_member;
  const Value* method = message.get("method");
  const bool id_fits = id_member == nullptr || id.is_integer() || id.is_string() || id.is_null();
  if (!message.is_dict() || message.get_string("jsonrpc") != "2.0" || !id_fits || (method != nullptr && !method->is_string()))
    return send_error(writer_, id_fits ? id : Value(), {RpcCode::invalid_request, "this is no JSON-RPC 2.0 request"});
  if (method == nullptr) {
    // An answer to a request of ours, which nobody waits for.
    if (message.get("result") == nullptr && message.get("error") == nullptr)
      send_error(writer_, id, {RpcCode::invalid_request, "a request needs a method"});
    return;
  }
  const Value* params_member = message.get("params");
  const Value params = params_member == nullptr ? Value(Dict{}) : *params_member;
  try {
    if (id_member == nullptr) return notification(*method->string(), params);
    send_result(writer_, id, request(*method->string(), params));
  } catch (const RpcError& error) {
    if (id_member != nullptr) return send_error(writer_, id, error);
    log_message(writer_, DiagnosticSeverity::warning, fmt::format("{}: {}", *method->string(), error.message));
  } catch (const std::exception& error) {
    const RpcError internal{RpcCode::internal_error, fmt::format("a defect in weft pan lsp: {}", error.what())};
    if (id_member != nullptr) return send_error(writer_, id, internal);
    log_message(writer_, DiagnosticSeverity::error, fmt::format("{}: {}", *method->string(), internal.message));
  }
}

Value Server::request(std::string_view method, const Value& params) {
  if (state_ == State::shut_down) throw RpcError{RpcCode::invalid_request, "the server was shut down: only exit may follow"};
  if (method == "initialize") return initialize(params);
  if (state_ == State::fresh) throw RpcError{RpcCode::not_initialized, "send initialize first"};
  if (method == "shutdown") {
    state_ = State::shut_down;
    session_.worker.reset();
    return nullptr;
  }
  for (const Feature& feature : kFeatures) {
    if (feature.method != method) continue;
    need_index();
    return feature.answer(session_, params);
  }
  throw RpcError{RpcCode::method_not_found, fmt::format("this server has no method {}", method)};
}

void Server::notification(std::string_view method, const Value& params) {
  if (method == "exit") {
    exit_ = true;
    return;
  }
  if (state_ != State::running) return;  // as the protocol wants: dropped
  if (method == "textDocument/didOpen") return did_open(params);
  if (method == "textDocument/didChange") return did_change(params);
  if (method == "textDocument/didClose") return did_close(params);
  if (method == "textDocument/didSave") return did_save(params);
  if (method == "workspace/didChangeWatchedFiles") return watched_files(params);
  // Others, $/cancelRequest and initialized among them, need nothing done.
}

void Server::read_options(const Value& options) {
  if (options.is_null()) return;
  if (!options.is_dict()) invalid_params("initializationOptions must be an object");
  static const std::vector<std::string> kKnown{"compile", "include_path", "no_rules", "objects"};
  for (const auto& [name, value] : *options.dict())
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
      log_message(writer_, DiagnosticSeverity::warning,
                  fmt::format("initializationOptions has no '{}'{}", name, base::text::did_you_mean_suffix(name, kKnown)));
  project_.include_path = strings(options, "include_path");
  project_.objects = strings(options, "objects");
  compile_ = options.get_boolean("compile", true);
  auto chosen = lint::Settings::choose({}, strings(options, "no_rules"));
  if (!chosen) invalid_params("initializationOptions.no_rules: " + chosen.error().message);
  session_.lint = std::move(*chosen);
}

Value Server::initialize(const Value& params) {
  if (state_ != State::fresh) throw RpcError{RpcCode::invalid_request, "initialize was sent before"};
  std::string root_uri(params.get_string("rootUri"));
  if (const Value* folders = params.get("workspaceFolders");
      folders != nullptr && folders->list() != nullptr && !folders->list()->empty())
    root_uri = folders->list()->front().get_string("uri", root_uri);
  project_.root = path_of_uri(root_uri);
  if (project_.root.empty()) project_.root = params.get_string("rootPath");
  if (!project_.root.starts_with('/')) project_.root.clear();
  if (const Value* options = params.get("initializationOptions")) read_options(*options);
  if (const Value* client = params.get("capabilities")) {
    const Value* formats = at(*client, {"textDocument", "hover", "contentFormat"});
    session_.markdown = formats != nullptr && formats->list() != nullptr &&
                        std::find(formats->list()->begin(), formats->list()->end(), Value("markdown")) != formats->list()->end();
    session_.document_changes = says(*client, {"workspace", "workspaceEdit", "documentChanges"});
  }
  load();
  state_ = State::running;
  return Dict{{"capabilities", capabilities()}, {"serverInfo", Dict{{"name", "weft pan lsp"}, {"version", WEFT_VERSION}}}};
}

void Server::load() {
  index::Project project;
  if (!project_.root.empty()) {
    auto found = settings_.find_project(project_);
    if (found) {
      project = std::move(found->project);
      session_.include_known = found->missing.empty() && !project.include_path.empty();
      for (const std::string& folder : found->missing)
        log_message(writer_, DiagnosticSeverity::warning,
                    fmt::format("{} on the include path does not exist: rules and compiles that need it are off", folder));
    } else {
      project.root = project_.root;
      log_message(writer_, DiagnosticSeverity::error, found.error().text());
    }
  }
  project.whole = project.whole && session_.include_known;
  if (compile_ && session_.include_known)
    session_.worker = std::make_unique<CompileWorker>(project, session_.source, board_, settings_.compile);
  building_ =
      std::async(std::launch::async, [project = std::move(project), source = session_.source, threads = settings_.threads] {
        auto index = std::make_unique<index::TreeIndex>(project, source);
        index->build(threads);
        return index;
      });
}

void Server::need_index() {
  if (session_.index == nullptr) session_.index = building_.get();
}

void Server::did_open(const Value& params) {
  const Value& item = need(params, "textDocument");
  const std::string& uri = need_string(item, "uri");
  std::string text = need_string(item, "text");
  if (text.size() > kLongestText) invalid_params(fmt::format("{} is larger than {} bytes and is left alone", uri, kLongestText));
  need_index();
  session_.documents.erase(uri);
  const auto at = session_.documents.emplace(uri, Document(uri, item.get_integer("version"), std::move(text))).first;
  text_changed(at->second);
}

void Server::did_change(const Value& params) {
  const Value& item = need(params, "textDocument");
  const auto found = session_.documents.find(need_string(item, "uri"));
  if (found == session_.documents.end()) invalid_params(fmt::format("{} is not open", need_string(item, "uri")));
  const Value& changes = need(params, "contentChanges");
  if (changes.list() == nullptr) invalid_params("'contentChanges' must be a list");
  found->second.change(item.get_integer("version", found->second.version() + 1), *changes.list());
  text_changed(found->second);
}

void Server::text_changed(const Document& document) {
  session_.source->put(document.path(), std::make_shared<const std::string>(document.text()));
  session_.index->update(document.path(), document.tree());
  diagnose(document);
  // A text with mistakes would only make every profile fail for the same reason.
  if (session_.worker != nullptr && document.tree().errors().empty()) {
    const index::FileIndex& file = session_.summary(document);
    session_.worker->changed(document.path(), file.kind == TemplateKind::object ? file.name : std::string());
  }
}

void Server::diagnose(const Document& document) {
  board_.set_text(document.path(), document.uri(), document.version(), features::diagnostics(session_, document),
                  !document.tree().errors().empty());
}

void Server::did_close(const Value& params) {
  const std::string& uri = need_string(need(params, "textDocument"), "uri");
  const auto found = session_.documents.find(uri);
  if (found == session_.documents.end()) return;
  const std::string path = found->second.path();
  session_.documents.erase(found);
  board_.drop_text(path);
  session_.source->drop(path);
  file_changed(path);
}

void Server::did_save(const Value& params) {
  need_string(need(params, "textDocument"), "uri");
  // What was written elsewhere meanwhile may define what open texts use.
  for (const auto& [uri, document] : session_.documents) diagnose(document);
}

void Server::watched_files(const Value& params) {
  const Value& changes = need(params, "changes");
  if (changes.list() == nullptr) invalid_params("'changes' must be a list");
  need_index();
  for (const Value& change : *changes.list()) {
    const std::string path = path_of_uri(need_string(change, "uri"));
    session_.source->forget(path);
    // The editor's own text counts as long as it is open.
    if (!session_.source->holds(path)) file_changed(path);
  }
  for (const auto& [uri, document] : session_.documents) diagnose(document);
}

void Server::file_changed(const std::string& path) {
  if (path.ends_with(".pan") || path.ends_with(".tpl")) session_.index->update(path);
  if (session_.worker != nullptr) session_.worker->changed(path, {});
}

}  // namespace cdb::pan::lsp
