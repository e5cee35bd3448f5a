// Makes operations while parsing: folds constants, resolves locals to slots, checks arguments of library functions. Used by the
// parser, one per template. What the reference calls a syntax error is remembered (the first counts, after all parse errors); the
// operation is then replaced by undef so that parsing goes on.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cdb/pan/template.h"

namespace cdb::pan {

class Builder {
 public:
  Builder(Template& target, Names& names, bool debug_enabled);

  using Ops = std::span<Op* const>;

  // One block at a time; evaluate_constant() may follow end_block().
  void begin_block();
  Block end_block(Op* op);

  Op* constant(Value value, Span span);
  Op* variable(std::string_view name, Span span, Ops indices);
  Op* assign(Op* value, Ops targets, Span span);  // "a = b = value": targets a, b
  Op* sequence(Ops ops, Span span);
  Op* unary(OpKind kind, Op* operand, Span span);
  Op* binary(OpKind kind, Op* left, Op* right);
  Op* if_else(Op* condition, Op* yes, Op* no, Span span);
  Op* while_loop(Op* condition, Op* body, Span span);
  Op* for_loop(Op* init, Op* condition, Op* increment, Op* body, Span span);
  Op* foreach_loop(Op* key, Op* value, Op* resource, Op* body, Span span);
  Op* call(std::string_view name, Span span, Ops args);

  // Runs a block that needs nothing but itself; none when it has to wait for run time.
  Value evaluate_constant(const Block& block);
  void syntax_error(std::string message, Span span, std::string hint = {});
  void remember(const Failure& failure);
  void set_debug(bool enabled) { debug_enabled_ = enabled; }
  const std::optional<Failure>& first_error() const { return first_error_; }

  Op* make(OpKind kind, Span span, Ops args = {});
  Names& names() { return names_; }
  Template& target_template() { return target_; }
  // A pattern that lives as long as the template; null pointer when it is wrong, which is a syntax error if `report`.
  const java::Regex* regex(std::string_view pattern, std::string_view flags, Span span, bool report = true);
  const Path* path(std::string_view text);
  void convert_to_target(Op* variable);
  void convert_to_list_target(Op* variable);
  void mark_open(const Op* op);
  Op* broken(Span span) { return constant(Value::undef(), span); }

 private:
  // Local variables of the block being built.
  struct Use {
    bool open = false;  // modified in place or aliased somewhere in the block
    bool assigned = false;
  };
  struct Frame {
    std::vector<Symbol> names;
    std::vector<Use> uses;
    std::vector<Op*> targets;
    std::unordered_map<Symbol, std::uint16_t> more;  // slots of names behind the first few
  };
  Op* make_unfilled(OpKind kind, Span span, std::size_t count);
  std::uint16_t slot(Symbol name);
  void set_terms(Op* op, bool strict);
  bool can_be_constant(const Op* op) const;
  void restricted(const Op* op);
  Op* fold(OpKind kind, Op* a, Op* b, Span span);

  Template& target_;
  Names& names_;
  bool debug_enabled_;
  Frame frame_;
  std::optional<Failure> first_error_;
};

inline bool is_constant(const Op* op) {
  return op->kind == OpKind::constant;
}
inline bool is_constant(const Op* op, Tag tag) {
  return op->kind == OpKind::constant && op->value.tag() == tag;
}

}  // namespace cdb::pan
