// JSON-RPC 2.0 messages on a MessageWriter. Used by everything here that speaks. Any thread.
#pragma once

#include <string_view>

#include "cdb/pan/lsp/protocol.h"
#include "cdb/pan/lsp/wire.h"

namespace cdb::pan::lsp {

void send_result(MessageWriter& writer, const Value& id, Value result);
void send_error(MessageWriter& writer, const Value& id, const RpcError& error);
void send_notification(MessageWriter& writer, std::string_view method, Value params);
// The answer is not waited for.
void send_request(MessageWriter& writer, std::string_view id, std::string_view method, Value params);
// A line in the editor's log of this server.
void log_message(MessageWriter& writer, DiagnosticSeverity severity, std::string_view text);

}  // namespace cdb::pan::lsp
