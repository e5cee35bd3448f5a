#include "cdb/pan/lsp/message.h"

#include "base/profile/json.h"
#include "base/text/text.h"
#include "cdb/pan/repository.h"

namespace cdb::pan::lsp {
namespace {

// Texts from the disk may be malformed; what is sent is not.
void send(MessageWriter& writer, Value message) {
  const std::string body = base::profile::to_json(message);
  writer.send(base::text::valid_utf8(body) ? body : clean_utf8(body));
}

}  // namespace

void send_result(MessageWriter& writer, const Value& id, Value result) {
  send(writer, Dict{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void send_error(MessageWriter& writer, const Value& id, const RpcError& error) {
  send(writer,
       Dict{{"jsonrpc", "2.0"}, {"id", id}, {"error", Dict{{"code", static_cast<int>(error.code)}, {"message", error.message}}}});
}

void send_notification(MessageWriter& writer, std::string_view method, Value params) {
  send(writer, Dict{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

void send_request(MessageWriter& writer, std::string_view id, std::string_view method, Value params) {
  send(writer, Dict{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
}

void log_message(MessageWriter& writer, DiagnosticSeverity severity, std::string_view text) {
  send_notification(writer, "window/logMessage", Dict{{"type", static_cast<int>(severity)}, {"message", text}});
}

}  // namespace cdb::pan::lsp
