#include "cdb/pan/engine.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "cdb/pan/build.h"
#include "cdb/pan/depend_check.h"
#include "cdb/pan/diagnostic.h"
#include "cdb/pan/evaluator.h"
#include "cdb/pan/explain.h"
#include "cdb/pan/parser.h"
#include "cdb/pan/provenance.h"
#include "cdb/pan/resource_limit.h"
#include "cdb/pan/stack_guard.h"
#include "cdb/pan/time_guard.h"

namespace cdb::pan {

namespace {

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer follows at most 65,536 calls within each other.
constexpr std::size_t kStack = 4u << 20;
#else
constexpr std::size_t kStack = 64u << 20;
#endif
constexpr std::size_t kStackReserve = 1u << 20;
// For fewer objects remembering costs more than it saves.
constexpr std::size_t kManyObjects = 24;

struct ThreadJob {
  const std::function<void()>* work;
};

void* thread_main(void* argument) {
  const StackGuard guard(kStack - kStackReserve);
  (*static_cast<ThreadJob*>(argument)->work)();
  return nullptr;
}

// Templates of any depth must not end the process: StackExhausted and exhausted memory become problems like others.
std::shared_ptr<Problem> caught(const ObjectContext* context) {
  std::shared_ptr<Problem> problem;
  try {
    throw;
  } catch (const Failure& failure) {
    return failure.problem;
  } catch (...) {
    problem = exhausted_problem();
  }
  if (context != nullptr) context->locate(*problem, {});
  return problem;
}

// Behind "that is read here failed: " of objects that failed because others did: along a chain of them the text must not grow.
std::string_view root_message(const Problem& problem) {
  constexpr std::string_view kLink = " that is read here failed: ";
  const std::string_view message = problem.message;
  const std::size_t last = message.rfind(kLink);
  return last == std::string_view::npos ? message : message.substr(last + kLink.size());
}

}  // namespace

Engine::Engine(std::shared_ptr<const Source> source, Options options)
    : options_(std::move(options)), builtin_types_(names_), repository_(std::move(source), options_, names_) {
  if (options_.include_path.empty()) options_.include_path.emplace_back();
  HeapScope scope(option_heap_);
  initial_root_ = Value::dict();
  if (!options_.initial_data.empty()) {
    // On the caller's stack, whose size is not known.
    const StackGuard guard(512u << 10);
    try {
      initial_root_ = parse_constant(options_.initial_data, names_, option_heap_);
      if (!initial_root_.is_dict())
        raise_evaluation(fmt::format("root element must be an nlist, not {}", tag_name(initial_root_.tag())));
    } catch (const Failure& failure) {
      option_problem_ = failure.problem;
      option_problem_->message = "initial data: " + option_problem_->message;
      initial_root_ = Value::dict();
    } catch (...) {
      option_problem_ = exhausted_problem();
      option_problem_->message = "initial data: " + option_problem_->message;
    }
  }
  initial_root_.make_immortal(true);
}

Engine::~Engine() = default;

int Engine::threads() const {
  const int available = std::max(1u, std::thread::hardware_concurrency());
  return options_.threads > 0 ? std::min(options_.threads, available) : available;
}

void Engine::parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failed;
  std::mutex failed_mutex;
  const std::function<void()> loop = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      std::lock_guard lock(failed_mutex);
      failed = std::current_exception();
      next = count;
    }
  };
  const std::size_t wanted = std::min<std::size_t>(static_cast<std::size_t>(this->threads()), count);
  // A caller that guards its stack and wants one thread is one already.
  if (options_.threads == 1 && StackGuard::active()) {
    loop();
    if (failed) std::rethrow_exception(failed);
    return;
  }
  ThreadJob job{&loop};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  std::vector<pthread_t> threads;
  for (std::size_t i = 0; i < wanted; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, thread_main, &job) == 0) threads.push_back(thread);
  }
  pthread_attr_destroy(&attributes);
  // Without any thread the work is done here, on a stack of the usual size.
  if (threads.empty() && count != 0) {
    const StackGuard guard(6u << 20);
    loop();
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  if (failed) std::rethrow_exception(failed);
}

Engine::Entry& Engine::entry(const std::string& name) {
  auto& slot = entries_[name];
  if (slot == nullptr) {
    slot = std::make_unique<Entry>();
    slot->name = name;
  }
  return *slot;
}

void Engine::reference(const std::string& object) {
  std::lock_guard lock(mutex_);
  Entry& other = entry(object);
  other.keep = true;
  if (other.queued) return;
  other.queued = true;
  other.index = asked_;
  referenced_.push_back(&other);
}

// The running thread's Memo, while it compiles one object.
class Engine::MemoLease {
 public:
  explicit MemoLease(Engine& engine) : engine_(engine) {
    if (!engine.remembering_) return;
    std::lock_guard lock(engine.mutex_);
    if (engine.idle_memos_.empty()) engine.idle_memos_.push_back(engine.memos_.emplace_back(std::make_unique<Memo>()).get());
    memo_ = engine.idle_memos_.back();
    engine.idle_memos_.pop_back();
    old_ = Memo::exchange(memo_);
  }
  ~MemoLease() {
    if (memo_ == nullptr) return;
    Memo::exchange(old_);
    std::lock_guard lock(engine_.mutex_);
    engine_.idle_memos_.push_back(memo_);
  }
  MemoLease(const MemoLease&) = delete;

 private:
  Engine& engine_;
  Memo* memo_ = nullptr;
  Memo* old_ = nullptr;
};

void Engine::run(std::span<const std::string> objects, const Sink& sink) {
  entries_.clear();
  idle_memos_.clear();
  memos_.clear();
  referenced_.clear();
  remembering_ = objects.size() >= kManyObjects;
  asked_ = objects.size();
  std::vector<Entry*> list;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    Entry& object = entry(objects[i]);
    if (object.queued) continue;
    object.queued = true;
    object.index = i;
    list.push_back(&object);
  }
  parallel(list.size(), [&](std::size_t i) { finish(*list[i], sink); });
  // Objects that were only referenced; finishing them may reference more.
  while (!referenced_.empty()) {
    list.assign(referenced_.begin(), referenced_.end());
    referenced_.clear();
    parallel(list.size(), [&](std::size_t i) { finish(*list[i], sink); });
  }
  entries_.clear();
  idle_memos_.clear();
  memos_.clear();
}

void Engine::build(Entry& object) {
  auto context = std::make_unique<ObjectContext>(*this, options_, names_, object.name);
  HeapScope scope(context->heap);
  std::shared_ptr<Problem> problem;
  try {
    if (option_problem_ != nullptr) throw Failure{std::make_shared<Problem>(*option_problem_)};
    context->root = initial_root_;
    const Repository::Found& found = repository_.find(object.name, {""}, false);
    context->lookups.push_back(found.lookup);
    if (found.path.empty())
      raise(Problem::Kind::evaluation, fmt::format("cannot locate object template named '{}'", object.name), {},
            "check its name and the include path");
    context->object_template = repository_.parsed(found.path);
    const TimeGuard time(options_.max_seconds);
    const Template& what = *context->object_template;
    if (what.name != object.name) {
      Problem::Kind kind = Problem::Kind::syntax;
      auto wrong = std::make_shared<Problem>();
      wrong->kind = kind;
      wrong->message =
          fmt::format("the file {} should contain template '{}' but contains '{}'", found.path, object.name, what.name);
      wrong->place = {what.source, what.header};
      throw Failure{std::move(wrong)};
    }
    if (what.kind != TemplateKind::object) raise_evaluation(fmt::format("{} is not an object template", object.name));
    if (object.name == traced_ && tracer_ != nullptr) context->tracer = std::exchange(tracer_, nullptr);
    if (context->tracer == nullptr) context->memo = Memo::current();
    build_object(*context);
  } catch (...) {
    problem = caught(context.get());
  }
  std::lock_guard lock(mutex_);
  object.context = std::move(context);
  object.problem = problem;
  object.build = problem == nullptr ? Entry::Build::built : Entry::Build::failed;
  changed_.notify_all();
}

void Engine::ensure_built(Entry& object) {
  std::unique_lock lock(mutex_);
  if (object.build == Entry::Build::idle) {
    object.build = Entry::Build::running;
    lock.unlock();
    build(object);
    return;
  }
  changed_.wait(lock, [&] {
    return object.build == Entry::Build::built || object.build == Entry::Build::failed || object.build == Entry::Build::idle;
  });
}

void Engine::note_circle(Entry& reader, Entry& other) {
  std::vector<Entry*> members{&reader};
  for (Entry* e = &other; e != &reader; e = e->waits_for) members.push_back(e);
  // The text begins with the smallest name, whoever happened to find the circle.
  auto smallest =
      std::min_element(members.begin(), members.end(), [](const Entry* a, const Entry* b) { return a->name < b->name; });
  std::rotate(members.begin(), smallest, members.end());
  std::string text = "circular object dependency detected: ";
  for (Entry* e : members) text += e->name + " -> ";
  text += members.front()->name;
  for (Entry* e : members) e->circle = text;
}

Value Engine::other_element(ObjectContext& reader, const Path& path, bool lookup) {
  bool fresh = false;
  const std::string authority(path.authority);
  const auto what = reader.load(authority, lookup, fresh);
  reader.object_reads.push_back({Read::Kind::other_object, authority, 0, path.text().substr(authority.size() + 1)});
  reader.keep_reads_few();
  if (what == nullptr) return {};
  if (what->kind != TemplateKind::object) raise_evaluation(fmt::format("{} is not an object template", authority));
  if (lookup) {
    reader.loaded.emplace(what->name, what);
    reader.objects.push_back(what->name);
    reference(what->name);
  }
  Entry* other = nullptr;
  Entry* self = nullptr;
  {
    std::lock_guard lock(mutex_);
    other = &entry(authority);
    self = &entry(reader.name);
    other->keep = true;
    if (!reader.validating) {
      for (Entry* e = other; e != nullptr; e = e->waits_for) {
        if (e != self) continue;
        note_circle(*self, *other);
        raise_evaluation(self->circle);
      }
      self->waits_for = other;
    }
  }
  ensure_built(*other);
  {
    std::lock_guard lock(mutex_);
    self->waits_for = nullptr;
    if (!self->circle.empty()) raise_evaluation(self->circle);
    if (other->build == Entry::Build::failed)
      raise(Problem::Kind::evaluation,
            fmt::format("the object '{}' that is read here failed: {}", other->name, root_message(*other->problem)), {},
            fmt::format("see the errors of '{}'", other->name));
  }
  // Its tree is frozen and kept; only the part asked for is copied.
  const Value* found = follow(other->context->root, path.terms.data(), static_cast<std::uint32_t>(path.terms.size()), lookup);
  if (options_.hash_reads) {
    const Digest digest = digest_of(found);
    reader.object_reads.back().digest.assign(digest.begin(), digest.end());
  }
  return found == nullptr ? Value() : copy_to_current_heap(*found);
}

void Engine::ensure_checked(Entry& object) {
  ensure_built(object);
  std::unique_lock lock(mutex_);
  if (object.build == Entry::Build::failed) {
    object.check = Entry::Check::bad;
    return;
  }
  if (object.check == Entry::Check::idle) {
    object.check = Entry::Check::running;
    lock.unlock();
    std::shared_ptr<Problem> problem;
    {
      HeapScope scope(object.context->heap);
      // Another thread may have built it.
      if (object.context->memo != Memo::current()) object.context->memo = nullptr;
      const TimeGuard time(options_.max_seconds);
      try {
        validate_object(*object.context);
      } catch (...) {
        problem = caught(object.context.get());
      }
    }
    lock.lock();
    object.problem = problem;
    object.check = problem == nullptr ? Entry::Check::good : Entry::Check::bad;
    changed_.notify_all();
    return;
  }
  changed_.wait(lock, [&] { return object.check == Entry::Check::good || object.check == Entry::Check::bad; });
}

// An object that read from one that is invalid is invalid too.
void Engine::check_dependencies(Entry& object) {
  std::vector<std::string> todo = object.context->objects, seen{object.name};
  while (!todo.empty()) {
    const std::string name = todo.back();
    todo.pop_back();
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    Entry* other = nullptr;
    {
      std::lock_guard lock(mutex_);
      other = &entry(name);
    }
    ensure_checked(*other);
    if (other->check == Entry::Check::bad) {
      auto problem = std::make_shared<Problem>();
      problem->kind = Problem::Kind::validation;
      problem->message = fmt::format("the object '{}', which this one depends on, failed", name);
      problem->place.source = object.context->object_template->source;
      problem->hint = fmt::format("see the errors of '{}'", name);
      std::lock_guard lock(mutex_);
      if (object.problem == nullptr) object.problem = problem;
      return;
    }
    if (other->context == nullptr) ensure_built(*other);
    for (const std::string& next : other->context->objects) todo.push_back(next);
    const auto& lookups = other->context->lookups;
    object.other_lookups.insert(object.other_lookups.end(), lookups.begin(), lookups.end());
  }
}

Finished Engine::outcome(Entry& object) {
  Finished out;
  out.object = object.name;
  out.index = object.index;
  ObjectContext& context = *object.context;
  out.diagnostics = std::move(context.diagnostics);
  if (object.problem == nullptr)
    out.root = &context.root;
  else
    out.diagnostics.push_back(to_diagnostic(*object.problem, object.name));
  out.lookups = context.lookups;
  out.lookups.insert(out.lookups.end(), object.other_lookups.begin(), object.other_lookups.end());
  std::sort(out.lookups.begin(), out.lookups.end());
  out.lookups.erase(std::unique(out.lookups.begin(), out.lookups.end()), out.lookups.end());
  for (const Lookup& lookup : context.lookups) {
    Read read{lookup.text ? Read::Kind::text_file : Read::Kind::template_file,
              lookup.prefix.empty() ? lookup.name : lookup.prefix + "/" + lookup.name,
              lookup.root,
              {}};
    out.reads.push_back(std::move(read));
  }
  for (const Read& read : context.prefix_reads) out.reads.push_back(read);
  for (const Read& read : context.object_reads) out.reads.push_back(read);
  auto key = [](const Read& r) { return std::tie(r.kind, r.name, r.root, r.path); };
  std::sort(out.reads.begin(), out.reads.end(), [&](const Read& a, const Read& b) { return key(a) < key(b); });
  out.reads.erase(std::unique(out.reads.begin(), out.reads.end(), [&](const Read& a, const Read& b) { return key(a) == key(b); }),
                  out.reads.end());
  return out;
}

void Engine::finish(Entry& object, const Sink& sink) {
  const MemoLease lease(*this);
  ensure_checked(object);
  if (object.check == Entry::Check::good) check_dependencies(object);
  {
    HeapScope scope(object.context->heap);
    sink(outcome(object));
  }
  std::unique_ptr<ObjectContext> done;
  {
    std::lock_guard lock(mutex_);
    object.delivered = true;
    if (!object.keep) {
      // Should somebody read it later after all, it is built again: building is a function of the templates alone.
      done = std::move(object.context);
      if (object.build == Entry::Build::built) object.build = Entry::Build::idle;
    }
  }
  dispose(std::move(done));
}

Explanation Engine::explain(const std::string& object, std::span<const std::string> paths) {
  Explanation out;
  out.object = object;
  Provenance provenance;
  traced_ = object;
  tracer_ = &provenance;
  run(std::span(&object, 1), [&](Finished&& finished) {
    if (finished.index != 0) return;
    out.complete = finished.root != nullptr;
    provenance.explain(paths, out);
    out.diagnostics = std::move(finished.diagnostics);
  });
  traced_.clear();
  tracer_ = nullptr;
  return out;
}

void Engine::dispose(std::unique_ptr<ObjectContext> context) {
  if (context == nullptr) return;
  context->heap.abandon();
  const HeapScope scope(context->heap);
  if (context->tracer != nullptr) context->tracer->end();
  context.reset();
}

}  // namespace cdb::pan
