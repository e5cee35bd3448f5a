#include "cdb/pan/memo.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "cdb/pan/evaluator.h"
#include "cdb/pan/object_context.h"

namespace cdb::pan {

namespace {

// A thread's memory for results; a site's own variety is a few megabytes.
constexpr std::size_t kMostMemory = 96u << 20;
// Values beyond this are copied for nothing more often than not.
constexpr std::size_t kMostNodes = 20'000;
constexpr std::size_t kMostDepth = 100;
constexpr std::size_t kMostReads = 200;
constexpr std::size_t kUsualSlots = 1u << 15;
// A computation that depends on what is different in each object is given up after so many tries.
constexpr std::uint32_t kTries = 64;
constexpr std::size_t kMostRecords = 128;

std::size_t mix(std::size_t a, std::size_t b) {
  const std::size_t product = (a ^ (b >> 4) ^ (b << 32)) * 0x9e3779b97f4a7c15u;
  return product ^ (product >> 29);
}

// A value that can be told to be the same later: a property, or a resource that is known by its address.
bool known(const Value& value) {
  return !value.is_resource() || value.node()->shared;
}

bool same(const Value& a, const Value& b) {
  if (a.tag() != b.tag()) return false;
  return a.is_resource() ? a.same_node(b) : equal(a, b);
}

const Value& value_of(const Global* global) {
  static const Value none;
  return global != nullptr ? global->value : none;
}

// Look-ups are many and hit cold memory: short chains count more than the table's size.
template <class Table>
void make_room(Table& table) {
  table.max_load_factor(0.5f);
  table.reserve(kUsualSlots);
}

}  // namespace

thread_local Memo* Memo::current_ = nullptr;

bool remembers(const ObjectContext& context) {
  return context.memo != nullptr && context.recording == nullptr;
}

// ---- Recording

void Recording::give_up() {
  context_->recording = nullptr;
  context_ = nullptr;
  ++serial_;
  globals_.clear();
  elements_.clear();
  loads_.clear();
  self_before_ = {};
}

void Recording::global(Symbol symbol, const Global* found) {
  // These change while a block runs, or are different in each object.
  if (symbol == Names::function || symbol == Names::template_ || symbol == Names::object) return give_up();
  for (const GlobalRead& read : globals_)
    if (read.symbol == symbol) return;
  const Value& value = value_of(found);
  if (!known(value) || globals_.size() == kMostReads) return give_up();
  globals_.push_back({symbol, value});
}

void Recording::element(const Path& path, const Value* found, bool existence_only) {
  // Below a structure template's own root: what is there was put there meanwhile.
  if (path.type == Path::Type::relative) return;
  if (path.type == Path::Type::external || elements_.size() == kMostReads) return give_up();
  const Value none;
  const Value& value = found != nullptr ? *found : none;
  auto terms = [&] { return std::vector<Term>(path.terms.begin(), path.terms.end()); };
  if (existence_only)
    elements_.push_back({terms(), true, Value::boolean(value.exists())});
  else if (known(value))
    elements_.push_back({terms(), false, value});
  else
    give_up();
}

void Recording::load(const std::string& name, bool lookup) {
  if (loads_.size() == kMostReads) return give_up();
  for (const Load& load : loads_)
    if (load.name == name && load.lookup == lookup) return;
  loads_.push_back({name, lookup});
}

void Recording::self() {
  if (self_value_ == nullptr || self_used_) return;
  self_used_ = true;
  if (!self_before_.exists()) give_up();
}

// ---- Memo

std::size_t Memo::KeyHash::operator()(const Key& key) const {
  return mix(mix(reinterpret_cast<std::uintptr_t>(key.what), reinterpret_cast<std::uintptr_t>(key.from)),
             key.environment * std::size_t{8} + static_cast<std::size_t>(key.part));
}

std::size_t Memo::StepHash::operator()(const Step& step) const {
  return mix(reinterpret_cast<std::uintptr_t>(step.definition), step.before);
}

std::size_t Memo::PieceHash::operator()(const Piece& piece) const {
  return mix(reinterpret_cast<std::uintptr_t>(piece.node), piece.depth);
}

bool Memo::full() const {
  return heap_.bytes() > kMostMemory;
}

Environment Memo::after(Environment before, const void* definition) {
  const auto next = static_cast<Environment>(environments_.size() + 1);
  return environments_.emplace(Step{before, definition}, next).first->second;
}

std::optional<Environment> Memo::seen_after(Environment before, const void* definition) const {
  const auto found = environments_.find({before, definition});
  return found == environments_.end() ? std::nullopt : std::optional(found->second);
}

Environment Memo::after(Environment before, const std::vector<std::string>& loadpath) {
  std::string text;
  for (const std::string& prefix : loadpath) text += prefix + '\n';
  return after(before, &loadpaths_.emplace(std::move(text), '\0').first->second);
}

bool Memo::holds(const Record& record, ObjectContext& context, const Value* self) {
  if (record.self_used && !same(record.self, *self)) return false;
  for (const auto& read : record.globals)
    if (!same(read.value, value_of(context.find_global(read.symbol)))) return false;
  for (const auto& read : record.elements) {
    try {
      const Value* found = follow(context.root, read.terms.data(), static_cast<std::uint32_t>(read.terms.size()), true);
      if (read.existence_only ? (found != nullptr) != read.value.as_boolean()
                              : !same(read.value, found != nullptr ? *found : Value()))
        return false;
    } catch (const Failure&) {
      return false;
    }
  }
  const Options& options = context.options;
  if (options.max_steps > 0 && context.steps + record.steps > options.max_steps) return false;
  return options.max_recursion <= 0 || context.calls.size() + record.depth <= static_cast<std::size_t>(options.max_recursion);
}

const Value* Memo::find(const Key& key, ObjectContext& context, const Value* self) {
  const auto at = slots_.find(key);
  if (at == slots_.end()) return nullptr;
  auto& records = at->second.records;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!holds(*records[i], context, self)) continue;
    // The next object is likely to be of the same kind.
    if (i != 0) std::swap(records[i], records[i / 2]);
    const Record& record = *records[i / 2];
    at->second.fruitless = 0;
    context.steps += record.steps;
    for (const auto& load : record.loads) {
      bool fresh = false;
      context.load(load.name, load.lookup, fresh);
    }
    return &record.result;
  }
  return nullptr;
}

bool Memo::copy(const Value& from, Value& to, Budget& budget) {
  if (from.is_string()) {
    to = Value::string(from.as_string());
    to.make_immortal();
    return true;
  }
  if (!from.is_resource() || from.node()->shared) {
    to = from;
    return true;
  }
  const Node* source = from.node();
  if (budget.nodes <= source->size || budget.depth == 0) return false;
  budget.nodes -= source->size + 1;
  --budget.depth;
  to = source->dict ? Value::dict(source->size) : Value::list(source->size);
  Node* node = to.node();
  bool whole = true;
  for (std::uint32_t i = 0; i < source->size; ++i) {
    const Value& child = source->dict ? source->entries[i].value : source->items[i];
    // One that several places hold and may modify would no longer be the same one in all of them.
    if (child.is_resource() && !child.node()->frozen && child.node()->refs != 1) return false;
    Value copied;
    if (!copy(child, copied, budget)) return false;
    whole = whole && !copied.is_undef() && !copied.is_null() && (!copied.is_resource() || copied.node()->whole);
    if (source->dict) {
      Value key = Value::string(source->entries[i].key->view());
      key.make_immortal();
      node->put(key.str(), std::move(copied));
    } else {
      node->push_back(std::move(copied));
    }
  }
  ++budget.depth;
  node->frozen = true;
  node->shared = true;
  node->whole = whole;
  node->weigh();
  node->refs = kImmortal;
  return true;
}

bool Memo::share(Value& value) {
  Value shared;
  {
    const HeapScope scope(heap_);
    Budget budget{kMostNodes, kMostDepth};
    // What is half done stays in the heap until the run ends.
    if (!copy(value, shared, budget)) return false;
  }
  value = std::move(shared);
  return true;
}

std::string_view Memo::json(const Node* node, std::size_t depth) const {
  const auto found = json_.find({node, depth});
  return found == json_.end() ? std::string_view() : found->second;
}

void Memo::keep_json(const Node* node, std::size_t depth, std::string_view text) {
  if (full()) return;
  if (json_.empty()) make_room(json_);
  auto* kept = static_cast<char*>(heap_.allocate(text.size()));
  text.copy(kept, text.size());
  json_.emplace(Piece{node, depth}, std::string_view(kept, text.size()));
}

// ---- Recorder

Recorder::Recorder(ObjectContext& context, const Memo::Key& key, const Value* self) : context_(context), key_(key) {
  if (!remembers(context) || context.memo->recording_.context_ != nullptr || context.memo->full()) return;
  auto& slots = context.memo->slots_;
  if (slots.empty()) make_room(slots);
  Memo::Slot& slot = slots[key];
  if (slot.fruitless == kTries) slot.records.clear();
  if (slot.fruitless == kTries || slot.records.size() == kMostRecords) return;
  ++slot.fruitless;
  memo_ = context.memo;
  Recording& recording = memo_->recording_;
  serial_ = ++recording.serial_;
  recording.context_ = &context;
  recording.self_value_ = self;
  recording.self_used_ = false;
  // Holding a value that the object may modify would make it copy.
  if (self != nullptr && known(*self)) recording.self_before_ = *self;
  recording.steps_ = context.steps;
  recording.calls_ = recording.deepest_ = context.calls.size();
  context.recording = &recording;
}

bool Recorder::running() const {
  return memo_ != nullptr && memo_->recording_.context_ == &context_ && memo_->recording_.serial_ == serial_;
}

Recorder::~Recorder() {
  if (running()) memo_->recording_.give_up();
}

void Recorder::keep(Value& result) {
  if (!running()) return;
  Recording& recording = memo_->recording_;
  auto record = std::make_unique<Memo::Record>();
  bool good = memo_->share(result);
  record->self_used = recording.self_used_;
  record->steps = context_.steps - recording.steps_;
  record->depth = recording.deepest_ - recording.calls_;
  record->loads = std::move(recording.loads_);
  if (recording.self_used_) {
    record->self = recording.self_before_;
    good = good && memo_->share(record->self);
  }
  for (auto& read : recording.globals_) {
    good = good && memo_->share(read.value);
    record->globals.push_back(std::move(read));
  }
  for (auto& read : recording.elements_) {
    good = good && memo_->share(read.value);
    for (Term& term : read.terms) good = good && memo_->share(term.key);
    record->elements.push_back(std::move(read));
  }
  recording.give_up();
  if (!good) return;
  record->result = result;
  memo_->slots_[key_].records.push_back(std::move(record));
}

}  // namespace cdb::pan
