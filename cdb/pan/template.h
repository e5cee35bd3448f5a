// A parsed template: statements over an arena of operations, types and constants. Made by the parser, kept by the repository,
// shared by objects and threads; immutable once parsed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/java/java.h"
#include "cdb/pan/lexer.h"
#include "cdb/pan/op.h"
#include "cdb/pan/path.h"
#include "cdb/pan/type.h"

namespace cdb::pan {

// One file's text, kept for excerpts and for turning offsets into lines and columns.
struct SourceText {
  std::string path;  // relative to the Source's root
  std::shared_ptr<const std::string> content;
};

struct Position {
  int line = 0, column = 0;
};
// Columns count characters, or UTF-16 units as the reference's do.
enum class Columns : std::uint8_t { characters, utf16 };
Position position_of(std::string_view content, std::uint32_t offset, Columns columns = Columns::characters);

enum class TemplateKind : std::uint8_t { ordinary, object, declaration, structure, unique };
std::string_view template_kind_name(TemplateKind kind);

struct Statement {
  enum class Kind : std::uint8_t {
    assign_constant,  // path, value, conditional, final
    assign_delete,    // path = null
    assign,           // path, block
    variable_constant,
    variable,
    function,
    type,
    bind,
    bind_dynamic,  // path has ${VAR}: value
    include_static,
    include
  };
  Kind kind;
  bool conditional = false;
  bool final = false;
  Span span;
  Symbol name = 0;  // variable, function, type
  Path path;        // assignments, bind; in the template's heap
  Value value;      // constants, immortal; include_static: template name; bind_dynamic: path
  Block block;      // computed ones, function body
  const FullType* type = nullptr;
  Statement* next = nullptr;
};

// A template's statements, in its heap.
class StatementList {
 public:
  class Iterator {
   public:
    explicit Iterator(const Statement* at) : at_(at) {}
    const Statement& operator*() const { return *at_; }
    Iterator& operator++() {
      at_ = at_->next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Statement* at_;
  };
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(nullptr); }
  void append(Statement* statement) {
    (last_ != nullptr ? last_->next : first_) = statement;
    last_ = statement;
  }

 private:
  Statement* first_ = nullptr;
  Statement* last_ = nullptr;
};

struct Template {
  // `source_size` tells how much memory to start with.
  explicit Template(std::size_t source_size) : heap(first_block(source_size)) {}
  Heap heap;  // first, so that it outlives what points into it
  TemplateKind kind = TemplateKind::ordinary;
  std::string name;
  SourcePtr source;
  Span header;
  StatementList statements;
  std::vector<Annotation> annotations;
  Str* name_text = nullptr;
  std::vector<std::shared_ptr<const java::Regex>> patterns;  // what operations point to

  static std::size_t first_block(std::size_t source_size);
};

}  // namespace cdb::pan
