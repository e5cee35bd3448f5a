// weft: the client for people. One line per noun.
#include "programs/weft/session.h"

int main(int argc, char** argv) {
  using namespace programs::weft;
  const base::cli::Command tool{
      .name = "weft",
      .summary = "run a fabric of machines from one description",
      .description = "Talks to weftd with the certificate named in client.yaml. Every listing has --json.",
      .options = {},
      .examples = {{"weft template plan site", "which nodes and values my edits would change"},
                   {"weft node list --out-of-sync", "which nodes are behind"}},
      .run = {},
      .commands = {template_command(), profile_command(), node_command(), metric_command(), alarm_command(), sms_command(),
                   workflow_command(), work_order_command(), storage_command()}};
  return base::cli::main(tool, argc, argv);
}
