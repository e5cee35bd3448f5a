// Workflow definitions: versioned YAML documents, checked once when they are installed. Used by the engine and its tests. Plain
// values, any thread. A definition never changes under a run: the run is pinned to version and hash.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/profile/value.h"

namespace leaf::workflow {

struct Retry {
  int attempts = 8;  // of the act; then the step has failed
  std::chrono::milliseconds first{2000}, cap{120000};
  // Before the attempt after `attempt` (1 is the first): exponential, at most `cap`, times 0.5..1 by `random` in [0, 1).
  std::chrono::milliseconds delay(int attempt, double random) const;
};

enum class OnFailure { human, compensate };

struct StepDefinition {
  std::string name;
  std::string kind;   // names an adapter
  std::string why;    // one sentence for people
  std::string guard;  // names a predicate; false: the step is left out or abandoned
  std::chrono::seconds timeout{86400};
  std::chrono::seconds poll{10};
  Retry retry;
  OnFailure on_failure = OnFailure::human;
  bool compensate = false;          // undone in reverse order on cancel
  bool point_of_no_return = false;  // once its intent stands, the run cannot be cancelled
  base::profile::Value input;       // for the adapter
};

struct Definition {
  std::string name;
  int version = 0;
  std::string summary;
  std::vector<StepDefinition> steps;
  std::string source, sha256;  // the document itself and its hash

  // Position, or -1.
  int find(std::string_view step) const;
};

// What a definition may name; unknown kinds and guards are refused with "did you mean".
struct Vocabulary {
  std::vector<std::string> kinds, guards;
};
base::Result<Definition> parse_definition(std::string_view yaml, std::string_view name, const Vocabulary& vocabulary);

// The definitions shipped with Weft (leaf/workflow/definitions/*.yaml), as name and text.
struct Shipped {
  std::string_view name, text;
};
std::vector<Shipped> shipped_definitions();

}  // namespace leaf::workflow
