// What every sub-command of `weft` shares: the connection to the server and the manner of output. Sub-commands live in
// programs/weft/<noun>.cc, one function per noun that returns its base::cli::Command.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/cli/cli.h"
#include "base/http/client.h"
#include "base/profile/value.h"

namespace programs::weft {

// Settings from --config, $WEFT_CONFIG, ~/.config/weft/client.yaml or /etc/weft/client.yaml, the first that exists:
//   server: https://127.0.0.1:8443   ca: FILE   certificate: FILE   key: FILE   [unix_socket: FILE]
base::Result<base::http::Client> connect(const base::cli::Arguments& arguments);

// JSON request and answer; an HTTP error becomes the Error that the server sent. `body` null: none.
base::Result<base::profile::Value> call(base::http::Client& client, std::string_view method, std::string_view path,
                                        const base::profile::Value& body = {},
                                        std::chrono::milliseconds timeout = std::chrono::minutes(5));

// One exchange, any status: for answers whose error body is to be shown (diagnostics). The body is null when there is none.
struct Exchange {
  int status = 0;
  base::profile::Value body;
  base::Result<> error;  // what `call` would have returned
};
base::Result<Exchange> exchange(base::http::Client& client, std::string_view method, std::string_view path,
                                const base::profile::Value& body = {},
                                std::chrono::milliseconds timeout = std::chrono::minutes(30));

// The full name of a node: as given, or the only node whose name begins with it and a dot ("disk01" for disk01.example.org).
base::Result<std::string> resolve_node(base::http::Client& client, std::string_view name);

// Runs `body`; an error becomes its text on stderr and its exit code.
int run(const std::function<base::Result<int>()>& body);

// Percent-encodes one path segment or query value.
std::string url_encode(std::string_view text);

// For options that take a node or a pattern: patterns as they are, names resolved, nothing as nothing. A name that the
// configuration database does not know stays as it is: a machine that left may still have values and alarms.
base::Result<std::string> resolve_pattern(base::http::Client& client, std::string_view text);

// The options every command has: --config FILE, --json.
std::vector<base::cli::Option> common_options();
std::vector<base::cli::Option> with_common(std::vector<base::cli::Option> options);  // these and then the common ones

// A command with the common options that runs `body` as run() does.
base::cli::Command verb(std::string name, std::string summary, std::vector<base::cli::Option> options,
                        std::vector<base::cli::Example> examples, base::Result<int> (*body)(const base::cli::Arguments&));

base::cli::Command template_command();    // cdb
base::cli::Command branch_command();      // cdb
base::cli::Command node_move_command();   // cdb, a verb of node
base::cli::Command profile_command();     // cdb
base::cli::Command node_command();        // cdb
base::cli::Command rollout_command();     // cdb
base::cli::Command query_command();       // cdb
base::cli::Command value_command();       // cdb
base::cli::Command fabric_command();      // cdb
base::cli::Command audit_command();       // cdb
base::cli::Command metric_command();      // monitor
base::cli::Command alarm_command();       // monitor
base::cli::Command sms_command();         // leaf
base::cli::Command work_order_command();  // leaf
base::cli::Command workflow_command();    // leaf
base::cli::Command storage_command();     // leaf

}  // namespace programs::weft
