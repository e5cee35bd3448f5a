// Compiles a generated tree in the different ways that must agree. For pan_sim. An Outcome is text, so that a difference can be
// shown.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cdb/pan/compiler.h"
#include "tests/sim/pan_generator.h"

namespace pan_sim {

// object -> everything a user sees of it: outputs in all formats, or the errors; notes and warnings in order.
using Outcome = std::map<std::string, std::string>;

// Serves the tree; the tree may change between compiles.
class TreeSource : public cdb::pan::Source {
 public:
  explicit TreeSource(const Tree& tree) : tree_(tree) {}
  std::shared_ptr<const std::string> read(std::string_view path) const override;

 private:
  const Tree& tree_;
};

cdb::pan::Options options_for(const Tree& tree, int threads);

// From nothing, every format rendered.
Outcome compile_cold(const Tree& tree, int threads);

// Keeps a Compiler and results over edits, as the configuration database does.
class Resident {
 public:
  Resident(const Tree& tree, int threads);
  enum class Mistake { none, forget_to_invalidate, forget_reads };
  // Compiles anew what the recorded reads say is affected. `mistake`: what a broken implementation would leave out.
  void edited(const Edit& edit, Mistake mistake = Mistake::none);
  const Outcome& outcome() const { return outcome_; }
  std::size_t compiled() const { return compiled_; }

 private:
  void compile(const std::vector<std::string>& objects);
  const Tree& tree_;
  cdb::pan::Options options_;
  cdb::pan::Compiler compiler_;
  std::map<std::string, std::vector<cdb::pan::Read>> reads_;
  Outcome outcome_;
  std::size_t compiled_ = 0;
};

// The same as Resident's: profile and diagnostics, no files.
Outcome compile_profiles(const Tree& tree, int threads);

// The first difference, for people; "" when equal.
std::string difference(const Outcome& a, const Outcome& b);

}  // namespace pan_sim
