// A parsed template: statements over an arena of operations, types and constants. Made by the parser, kept by the repository,
// shared by objects and threads; immutable once parsed.
#pragma once

#include <deque>
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
    bind_dynamic,  // path has ${VAR}: text
    include_static,
    include
  };
  Kind kind;
  bool conditional = false;
  bool final = false;
  Span span;
  Symbol name = 0;  // variable, function, type
  Path path;        // assignments, bind
  Value value;      // constants, immortal
  Block block;      // computed ones, function body
  const FullType* type = nullptr;
  Str* text = nullptr;  // include_static: template name; bind_dynamic: path
};

struct Template {
  Heap heap;  // first, so that it outlives what points into it
  TemplateKind kind = TemplateKind::ordinary;
  std::string name;
  SourcePtr source;
  Span header;
  std::vector<Statement> statements;
  std::vector<Annotation> annotations;
  Str* name_text = nullptr;

  // Owners of everything above.
  std::deque<Path> paths;
  std::deque<std::shared_ptr<void>> owned;
  std::vector<std::shared_ptr<const java::Regex>> patterns;
};

}  // namespace cdb::pan
