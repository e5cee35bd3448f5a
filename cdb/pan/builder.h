// Makes operations while parsing: folds constants, resolves locals to slots, checks arguments of library functions. Used by the
// parser, one per template. What the reference calls a syntax error is remembered (the first counts, after all parse errors); the
// operation is then replaced by undef so that parsing goes on.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cdb/pan/template.h"

namespace cdb::pan {

class Builder {
 public:
  Builder(Template& target, Names& names, bool debug_enabled);

  // Local variables of the block being built.
  struct Frame {
    std::vector<Symbol> names;
    struct Use {
      bool open = false;  // modified in place or aliased somewhere in the block
      bool assigned = false;
      std::vector<Op*> targets;
    };
    std::vector<Use> uses;
  };
  void begin_block();
  Block end_block(Op* op);  // evaluate_constant() may follow, then drop_block()
  void drop_block() { frames_.pop_back(); }

  Op* constant(Value value, Span span);
  Op* variable(std::string_view name, Span span, std::vector<Op*> indices);
  Op* target(std::string_view name, Span span, std::vector<Op*> indices);
  Op* assign(Op* value, std::vector<Op*> targets, Span span);
  Op* sequence(std::vector<Op*> ops, Span span);
  Op* unary(OpKind kind, Op* operand, Span span);
  Op* binary(OpKind kind, Op* left, Op* right);
  Op* if_else(Op* condition, Op* yes, Op* no, Span span);
  Op* while_loop(Op* condition, Op* body, Span span);
  Op* for_loop(Op* init, Op* condition, Op* increment, Op* body, Span span);
  Op* foreach_loop(Op* key, Op* value, Op* resource, Op* body, Span span);
  Op* call(std::string_view name, Span span, std::vector<Op*> args);

  // Runs a block that needs nothing but itself; none when it has to wait for run time.
  Value evaluate_constant(const Block& block);
  void syntax_error(std::string message, Span span, std::string hint = {});
  void remember(const Failure& failure);
  void set_debug(bool enabled) { debug_enabled_ = enabled; }
  const std::optional<Failure>& first_error() const { return first_error_; }

  Op* make(OpKind kind, Span span, std::span<Op* const> args = {});
  std::string_view name_text(Symbol symbol) const { return names_.text(symbol); }
  Names& names() { return names_; }
  Template& target_template() { return target_; }
  const java::Regex* regex(std::string_view pattern, std::string_view flags, Span span);
  const Path* path(std::string_view text);
  void convert_to_target(Op* variable);
  void convert_to_list_target(Op* variable);
  void mark_open(const Op* op);
  Op* broken(Span span) { return constant(Value::undef(), span); }

 private:
  std::uint16_t slot(std::string_view name);
  void set_terms(Op* op, bool strict);
  bool can_be_constant(const Op* op) const;
  void restricted(const Op* op);
  Op* fold(OpKind kind, Op* a, Op* b, Span span);

  Template& target_;
  Names& names_;
  bool debug_enabled_;
  std::vector<Frame> frames_;
  std::optional<Failure> first_error_;
};

inline bool is_constant(const Op* op) {
  return op->kind == OpKind::constant;
}
inline bool is_constant(const Op* op, Tag tag) {
  return op->kind == OpKind::constant && op->value.tag() == tag;
}

}  // namespace cdb::pan
