// weft: the client for people. One line per noun.
#include "programs/weft/pan.h"
#include "programs/weft/rights_text.h"
#include "programs/weft/session.h"

int main(int argc, char** argv) {
  using namespace programs::weft;
  const base::cli::Command tool{
      .name = "weft",
      .summary = "run a fabric of machines from one description",
      .description =
          "Talks to weftd with the certificate named in client.yaml. Every listing has --json; its root is always an object. "
          "Nodes may "
          "be named by the beginning of their names up to a dot: disk01 for disk01.example.org.\n\n"
          "Exit codes: 0 done; 1 what was asked for failed; 2 wrong command line; 3 refused by rights or a safety rule; 4 the "
          "server was not reachable.",
      .options = {},
      .examples = {{"weft template plan site", "which nodes and values my edits would change"},
                   {"weft node list --out-of-sync", "which nodes are behind"},
                   {"weft sms set maintenance 'new disk' disk01", "drain a storage node; its work order follows"}},
      .run = {},
      .commands = {template_command(), branch_command(), profile_command(), node_command(), fabric_command(), query_command(),
                   value_command(), audit_command(), rollout_command(), rights_command(), review_command(), metric_command(),
                   alarm_command(), sms_command(), workflow_command(), work_order_command(), storage_command(), pan_command()}};
  return base::cli::main(tool, argc, argv);
}
