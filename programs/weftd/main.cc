// weftd: the server. Parses the command line; daemon.cc does the rest.
#include "base/cli/cli.h"
#include "base/log/log.h"
#include "programs/weftd/daemon.h"
#include "programs/weftd/settings.h"

namespace {

int run(const base::cli::Arguments& arguments) {
  auto settings = programs::weftd::read_settings(arguments);
  if (!settings) {
    base::cli::report("weftd", settings.error());
    return 2;
  }
  base::log::set_program("weftd");
  const auto result = programs::weftd::run_daemon(*settings);
  return result ? 0 : base::cli::report("weftd", result.error());
}

}  // namespace

int main(int argc, char** argv) {
  base::cli::Command tool;
  tool.name = "weftd";
  tool.summary = "the Weft server: configuration database, monitoring gateway, workflows";
  tool.description =
      "Runs the chosen roles behind a private nginx, on a private PostgreSQL unless --database names another one. Everything it "
      "keeps lies in the state folder; it may be killed at any moment and started again on the same folder.\n\n"
      "The first start makes a certificate authority and the first administrator: give the file admin/client.yaml of the state "
      "folder to weft by --config or $WEFT_CONFIG.\n\n"
      "Settings file (YAML), overruled by the options: state, roles, listen, public_url, database, prometheus; cdb, monitor and "
      "leaf "
      "hold the settings of the roles.\n\n"
      "SIGTERM and SIGINT stop it after running requests; SIGHUP makes the front read its certificates and revocation list "
      "again.";
  tool.options = {
      {"--state", "DIR", "where everything is kept (default /var/lib/weft)"},
      {"--config", "FILE", "settings (default /etc/weft/weftd.yaml, when it exists)"},
      {"--roles", "LIST", "cdb, monitor, leaf, separated by commas (default all)"},
      {"--listen", "ADDRESS:PORT", "where nodes and people connect; may be repeated (default 127.0.0.1:8443)"},
      {"--public-url", "URL", "how nodes reach this server (default https:// and the first --listen)"},
      {"--database", "URL", "PostgreSQL to use, postgresql://USER@HOST/NAME (default a private one in the state folder)"},
      {"--prometheus", "URL", "Prometheus-compatible store that samples are handed on to"},
  };
  tool.examples = {
      {"weftd", "all roles on 127.0.0.1:8443, state in /var/lib/weft"},
      {"weftd --state /srv/weft --listen 0.0.0.0:8443 --public-url https://weft.example.org:8443", "a server for a network"},
      {"weftd --roles cdb --database postgresql://weft@db1,db2/weft?target_session_attrs=read-write",
       "one role on a replicated database"},
  };
  tool.run = run;
  tool.manual_section = 8;
  return base::cli::main(tool, argc, argv);
}
