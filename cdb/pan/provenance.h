// Watches one object being built and remembers for every element what set it, kept it or took it away. Made for one traced
// compile, owned by who asks (Compiler::explain, programs/panc); one thread. explain() while the object is alive: in the sink of
// Engine::run().
//
// A shadow of the tree is kept beside it. Each statement changes only what is at its path: the value there is held and frozen
// before, so that copy on write keeps it, and compared with what is there afterwards; nodes that are the same object did not
// change. What a structure template made is recognised by its nodes where it is put.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/explain.h"
#include "cdb/pan/object_context.h"
#include "cdb/pan/type_path.h"

namespace cdb::pan {

class Provenance final : public Tracer {
 public:
  Provenance();
  ~Provenance() override;

  void begin(ObjectContext& context) override;
  void end() override;
  void before(const Statement& statement) override;
  void after(const Statement& statement, bool failed) override;
  void before_defaults(const Binding& binding) override;
  void after_defaults(const Binding& binding) override;
  void enter_structure() override;
  void leave_structure() override;
  void made_structure(Span create, std::span<const Value> arguments, const Value& result) override;
  void edits_self(const Op& target, const Term* terms, std::uint32_t count, std::int64_t size) override;
  void returning(const Op& call) override;
  void returned(const Op& call, const Value& result) override;

  // The elements that match any of the paths, with everything below; terms may hold * and ?. Adds to `out`.
  void explain(std::span<const std::string> paths, Explanation& out) const;

  struct Line {
    const Template* owner = nullptr;
    Span span;
    std::string_view function;  // "" in the statement's own block
  };
  struct Event {
    enum class Kind : std::uint8_t { initial, statement, create, defaults } kind = Kind::statement;
    const Statement* statement = nullptr;
    const Template* owner = nullptr;
    Span span;
    std::shared_ptr<const std::vector<CallStep>> chain;
    struct Use {
      Origin::Use::Kind kind;
      std::string name;
      Place place;
    };
    std::vector<Use> uses;
    Place place() const { return {owner != nullptr ? owner->source : nullptr, span}; }
  };
  struct Setting {
    Origin::How how = Origin::How::set;
    std::uint32_t event = 0;
    Value value;
    std::optional<Line> line;
    std::vector<std::uint32_t> placed;  // events that put a structure's part into the tree, innermost first
    std::shared_ptr<const DefaultSource> from_type;
  };
  // What is known of one element; keys that were removed stay, with their history.
  struct Shadow {
    std::vector<Setting> history;
    std::map<std::string, std::unique_ptr<Shadow>, std::less<>> fields;
    std::vector<std::unique_ptr<Shadow>> items;
    bool present() const;
  };

 private:
  // A statement that runs: what was at its path, and what its block did to SELF.
  struct Active {
    const Statement* statement = nullptr;
    Value before;
    std::uint32_t parent_size = 0;
    std::uint32_t next = 0;
    std::map<std::string, std::pair<std::uint32_t, Line>, std::less<>> stored;
    std::map<std::string, std::vector<std::pair<std::int64_t, Line>>, std::less<>> appended;
    std::unordered_map<const Node*, Line> by_function;
    std::vector<Value> held;
    Value returned;
    std::optional<Line> returned_line;
  };
  struct Update;
  struct Structure {
    Shadow* shadow;
    Value value;
    bool open = false;  // variables of the block still share parts of it: it may change under its identity
  };

  Shadow& root_for(const Path& path);
  std::uint32_t add_event(Event event);
  Event statement_event(const Statement& s);
  void uses(const Statement& s, Event& event);
  void update(Shadow& shadow, const Value& before, const Value& after, Update& u);
  void update_resource(Shadow& shadow, const Value& before, const Value& after, Update& u);
  void update_list(Shadow& shadow, const Value& before, const Value& after, Update& u);
  void add(Shadow& shadow, Origin::How how, const Value& value, const Update& u);
  void remove(Shadow& shadow, const Update& u);
  void graft(Shadow& shadow, const Shadow& made, const Update& u);
  const Shadow* structure_of(const Value& value, const Update& u) const;
  void register_structure(Shadow& shadow, const Value& value);
  std::optional<Line> line_of(const Value& value, const Update& u) const;
  static Origin to_origin(const Setting& setting, const std::vector<Event>& events, const ObjectContext& context, Ranges& ranges);
  void settle(const Statement& s, Active& active);

  ObjectContext* context_ = nullptr;
  std::unique_ptr<Shadow> root_;
  std::vector<std::unique_ptr<Shadow>> frames_;      // relative trees of the structures being made
  std::unique_ptr<Shadow> left_;                     // the one just left
  std::vector<std::unique_ptr<Shadow>> structures_;  // made ones, whole
  std::unordered_map<const Node*, Structure> by_node_;
  std::vector<std::unique_ptr<Active>> active_;
  std::vector<Event> events_;
  std::unordered_map<Symbol, std::uint32_t> variables_;  // the event that set it last
  Value binding_before_;
  std::optional<std::pair<std::size_t, Line>> return_;  // call depth, place
};

}  // namespace cdb::pan
