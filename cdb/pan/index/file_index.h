// What one template file defines, uses, includes and sets: its syntax tree boiled down to what other files ask about. Made by
// summarize(), kept by TreeIndex for each file of a tree; a value, immutable once made. Texts with mistakes give what is
// readable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cdb/pan/names.h"
#include "cdb/pan/syntax/tree.h"
#include "cdb/pan/template.h"

namespace cdb::pan::index {

// Types, functions and global variables have names of their own kind: a type and a variable may share one.
enum class Space : std::uint8_t { type, function, variable };
std::string_view space_name(Space space);  // "type", "function", "variable"

// A type as written.
struct TypeShape {
  enum class Kind : std::uint8_t { name, record, list, dict, choice, link };
  struct Field {
    std::string key;  // stored form: escaped
    bool required = true;
    std::shared_ptr<const TypeShape> type;
    Span name_span, span;
    std::string documentation;
  };
  Kind kind = Kind::name;
  Symbol name = 0;  // name
  Span span;
  std::shared_ptr<const TypeShape> element;  // list, dict, link
  std::vector<Field> fields;                 // record
  std::vector<Symbol> includes;              // record
  bool extensible = false;                   // record
  std::vector<std::string> choices;
};
using ShapePtr = std::shared_ptr<const TypeShape>;

struct Definition {
  Space space = Space::variable;
  Symbol name = 0;
  Span name_span, span;
  bool conditional = false;                 // variable X ?= ...
  bool final = false;                       // final variable
  std::optional<std::string> constant;      // variable: its value when that is a string literal
  std::vector<std::string> constant_items;  // variable: the string literals of a list(...)
  ShapePtr type;                            // type
  std::string documentation;
};

// A name that is used, not defined, here.
struct Use {
  Symbol name = 0;
  Span span;
  Space space = Space::variable;
  bool guarded = false;  // exists(X), is_defined(X), is_list(X)...: X may be missing
};

// A template or text file named in a statement or call.
struct TemplateRef {
  enum class Form : std::uint8_t { include, create, if_exists, file, object };
  struct Part {
    Symbol variable = 0;
    std::string text;  // when variable is 0
  };
  Form form = Form::include;
  bool optional = false;
  Span span;                // of the expression
  std::vector<Part> parts;  // joined they are the name
  // The name when it has no variables in it.
  std::optional<std::string> literal() const;
};

// A path of the profile in a string.
struct PathRef {
  enum class Form : std::uint8_t { assign, assign_default, remove, bind, valid, prefix, value, exists };
  Form form = Form::assign;
  Span span;                       // of the string token
  bool absolute = false;           // false: below something that only run time knows (structure templates)
  std::vector<std::string> terms;  // stored form; with the prefix when there is one
  ShapePtr type;                   // bind
};

struct FileIndex {
  std::string path;
  TemplateKind kind = TemplateKind::ordinary;
  std::string name;  // of the template; "" when the header is missing
  Span name_span;
  std::vector<Definition> definitions;
  std::vector<Use> uses;
  std::vector<TemplateRef> templates;
  std::vector<PathRef> paths;
  std::vector<Symbol> literals;  // strings that may be names of templates, each once
};

FileIndex summarize(const syntax::Tree& tree, std::string path, Names& names);

// "/a/{b/c}/d" as its steps in stored form: "a", "b_2fc", "d". What is before the first '/' of a relative path is a step too.
std::vector<std::string> path_terms(std::string_view text);
std::string path_text(const std::vector<std::string>& terms);  // "/a/{b/c}/d"

// What annotations and, failing these, comments directly above a node say about it; "" when nothing does.
std::string documentation_of(const syntax::Tree& tree, syntax::NodeId node);

}  // namespace cdb::pan::index
