// All template files of a project, by what they define, use and include. Used by lint and the Language Server; owned and used by
// one thread once build() is done. A file that cannot be read is left out; nothing fails.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cdb/pan/index/file_index.h"
#include "cdb/pan/index/project.h"

namespace cdb::pan::index {

struct Defined {
  const FileIndex* file = nullptr;
  const Definition* definition = nullptr;
};

struct Reference {
  const FileIndex* file = nullptr;
  Span span;
  bool definition = false;
};

// What a path of the profile may hold: one per definition of its type.
struct PathType {
  const FileIndex* file = nullptr;          // where `shape` stands
  ShapePtr shape;                           // not a name, unless that name is not defined in the tree
  const TypeShape::Field* field = nullptr;  // the record field it comes from
  const FileIndex* field_file = nullptr;
  std::vector<std::string> through;  // names of types on the way, outermost first
};

class TreeIndex {
 public:
  TreeIndex(Project project, std::shared_ptr<const Source> source);

  // Reads all files below the include path and the root, on `threads` threads.
  void build(int threads);
  // The text of this file changed, or the file came or went.
  void update(const std::string& path);
  // The same with a tree that is at hand.
  void update(const std::string& path, const syntax::Tree& tree);

  const Project& project() const { return project_; }
  Names& names() const { return *names_; }
  std::string_view text(Symbol symbol) const { return names_->text(symbol); }
  const std::map<std::string, std::unique_ptr<FileIndex>, std::less<>>& files() const { return files_; }
  const FileIndex* file(std::string_view path) const;

  std::vector<Defined> definitions(Space space, Symbol name) const;
  std::vector<Defined> definitions(Space space, std::string_view name) const;
  // Names with at least one definition, sorted.
  std::vector<std::string_view> defined_names(Space space) const;
  // How often it is used, definitions not counted.
  std::size_t uses(Space space, Symbol name) const;
  std::vector<Reference> references(Space space, Symbol name, bool with_definitions) const;

  // Files of a template by its name: along the include path, then below the LOADPATH entries that the tree sets. The first is
  // the one in force when LOADPATH is not set.
  // With `from`, the folder that makes this file's name fit its path counts as on the include path: of templates for several
  // versions of something each has its own.
  std::vector<std::string> template_paths(std::string_view name, const FileIndex* from = nullptr) const;
  std::vector<std::string> text_paths(std::string_view name) const;
  // The names a reference can mean: variables in it take the string literals that the tree gives them. Empty: only run time
  // knows.
  std::vector<std::string> names_of(const TemplateRef& reference) const;
  // The template name of a file by the include path: "a/b" for ROOT/a/b.pan; all that fit, longest root first.
  std::vector<std::string> names_of_file(std::string_view path) const;
  std::vector<std::string> template_names() const;  // of all files, sorted, unique
  // May any template include it? True as well when its name stands in a string anywhere, or fits a computed name in part.
  bool mentioned(const FileIndex& file) const;

  // Types bound at or above a path, followed down to it.
  std::vector<PathType> types_at(std::span<const std::string> terms) const;
  bool binds_below(std::span<const std::string> terms) const;  // is a type bound at or below it?
  // The first step of a path that the types bound above it do not allow; none when one of them allows it or cannot tell.
  struct WrongStep {
    std::size_t step = 0;
    std::vector<std::string> fields;  // what would be allowed
  };
  std::optional<WrongStep> wrong_step(std::span<const std::string> terms) const;
  // Fields of a record with those of included records.
  std::vector<PathType> fields_of(const PathType& record) const;
  // Below a type: a record's field, a list's or dict's element.
  std::vector<PathType> step(const PathType& from, std::string_view term) const;
  // Names replaced by what they are defined as.
  std::vector<PathType> expand(const PathType& named) const;
  // "string", "list of structure_x", "extensible record"...: as it was written, for a person.
  std::string shape_text(const TypeShape& shape) const;

 private:
  struct Binding {
    const FileIndex* file;
    const PathRef* path;
  };
  void insert(std::unique_ptr<FileIndex> made);
  void erase(const std::string& path);
  void count_names(const FileIndex& file, int by);
  bool is_closed(const PathType& record) const;
  void collect_fields(const PathType& record, std::vector<PathType>& out) const;
  std::vector<std::string> existing(std::string_view name, std::span<const std::string_view> suffixes,
                                    std::string_view own_root) const;

  Project project_;
  std::shared_ptr<const Source> source_;
  std::shared_ptr<Names> names_;
  std::map<std::string, std::unique_ptr<FileIndex>, std::less<>> files_;
  std::unordered_map<Symbol, std::vector<Defined>> definitions_[3];
  std::unordered_map<Symbol, std::size_t> uses_[3];
  std::map<std::string, int> loadpaths_;  // entry → how often it is set
  std::vector<Binding> bindings_;
  std::unordered_map<Symbol, int> literals_;
  std::map<std::string, int> patterns_;  // computed template names, * for what is not known
};

}  // namespace cdb::pan::index
