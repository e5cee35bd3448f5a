// `weft pan`: the group.
#include "programs/weft/pan.h"

namespace programs::weft {

base::cli::Command pan_command() {
  return {.name = "pan",
          .summary = "tools for people who write templates",
          .description = "They work on files of this machine; no server is asked.",
          .options = {},
          .examples = {{"weft pan fmt .", "canonical layout for all templates below the current folder"},
                       {"weft pan lint .", "likely mistakes in the site of the current folder"},
                       {"weft pan test", "the tests of the site in the current folder"}},
          .run = {},
          .commands = {pan_fmt(), pan_lint(), pan_test(), pan_lsp()}};
}

}  // namespace programs::weft
