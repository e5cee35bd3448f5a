// Where the values of a profile come from: plain data, made by Compiler::explain() and Provenance, shown by `panc --explain`,
// `GET /v1/profile/NODE/explain` and `weft profile explain`. Values only: nothing points into the compiler.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/profile/value.h"
#include "cdb/pan/compiler.h"

namespace cdb::pan {

// A piece of a source file.
struct SourceRange {
  std::string file;                                        // as the Source names it; "" when there is no file (initial data)
  int line = 0, column = 0, end_line = 0, end_column = 0;  // 1-based; 0: unknown
  std::string text;                                        // its first line, without surrounding space
};

// What happened to an element at one place.
struct Origin {
  enum class How {
    initial,  // initial data
    set,      // a statement gave it this value
    made,     // it was made on the way to something below it
    kept,     // a "?=" found a value and left it
    removed,  // it was taken away
    edited,   // elements of this list were removed or moved
    filled    // a default of a type
  };
  struct Step {
    enum class Kind { include, create, call } kind = Kind::include;
    std::string name;   // of the template or function that begins here
    SourceRange place;  // the include statement or call
  };
  // What the statement used.
  struct Use {
    enum class Kind { variable, path, function } kind = Kind::variable;
    std::string name;
    SourceRange place;  // the statement that set it last; a function's definition
  };
  How how = How::set;
  SourceRange place;                // the statement; for a default, the type (or field) that has it
  std::vector<Step> chain;          // from the object template to the place, outermost first
  std::optional<SourceRange> line;  // the innermost line of DML that gave it, when it is known and another one
  std::string function;             // the function that line is in; "" for the statement's own block
  base::profile::Value value;       // null: removed or undef; for lists and dicts: null
  std::string text;                 // the value in short: "\"x\"", "dict of 3", "undef", "nothing"
  bool conditional = false;         // "?="
  bool final = false;
  std::string structure;               // the structure template the place is in
  std::vector<SourceRange> placed_by;  // for it: the statements that put it into the tree, innermost first
  std::string type, field;             // default: of field `field` of type `type`; field "" for a default of the type itself
  std::vector<Use> uses;
};

// A type that an element must have, from its own up to the bind statement.
struct TypeBinding {
  struct Step {
    std::string field;  // key of a record, "[]" and "{}" for elements of lists and dicts, "" for the type bound
    std::string owner;  // the named type this is a field of; "" when it has no name
    std::string type;   // the field's type as written: "type_fqdn", "long(1..10)"
    SourceRange place;
    std::string description;  // annotation `desc` of the field or of its type; "" when there is none
  };
  std::string path;         // of the bind statement
  SourceRange place;        // the type in it
  std::vector<Step> steps;  // from the bound type down to the element
};

struct Explained {
  std::string path;  // "/" for the root
  base::profile::Value value;
  std::string type;             // Pan's word: "string", "dict"; "nothing" for what was removed
  std::string text;             // the value in short
  std::vector<Origin> history;  // newest first; the first that is not `kept` is what set it
  std::vector<TypeBinding> types;
  // The entry that set it last; null pointer when nothing is known.
  const Origin* origin() const;
};

struct Explanation {
  struct Unknown {
    std::string path;
    std::string hint;  // "did you mean ...?"
  };
  std::string object;
  bool complete = false;            // false: the profile failed; what is known so far
  std::vector<Explained> elements;  // in path order
  std::vector<Unknown> unknown;     // paths asked for that match nothing
  std::vector<Diagnostic> diagnostics;
};

// As JSON; the schema is docs/explain.md's.
base::profile::Value to_value(const Explanation& explanation);
// That document for people: one paragraph for each element. File names below `folder` are shown relative to it.
std::string explain_text(const base::profile::Value& document, std::string_view folder = {});

}  // namespace cdb::pan
