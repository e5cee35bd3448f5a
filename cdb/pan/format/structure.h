// What the syntax tree says about the place of each token: spaces, breaks that are wanted or unwanted, and the bracket groups
// that indentation follows. Private to this room.
#pragma once

#include <cstdint>
#include <vector>

#include "cdb/pan/format/element.h"
#include "cdb/pan/syntax/tree.h"

namespace cdb::pan::format {

using GroupId = std::uint32_t;

struct Group {
  enum class Kind : std::uint8_t {
    block,   // { DML; }
    record,  // { fields }
    data,    // dict( list( nlist( choice(
    call,    // other calls
    paren,   // ( ) round an expression, if ( ), for ( )
    index,   // [ ]
    body     // of an `if` and the like without braces: no brackets
  };
  Kind kind = Kind::paren;
  syntax::NodeId node = syntax::kNone;
  syntax::TokenId anchor = 0;  // what stands in the group is one step deeper than the line of this token
  syntax::TokenId open = 0, close = 0;
  std::vector<syntax::TokenId> items;  // first tokens
  bool pairs = false;                  // dict(): items come in twos
};

enum class Rule : std::uint8_t {
  free,   // broken where the author breaks
  join,   // on the line of the token before, unless there is a comment
  force,  // on a new line
};

struct Place {
  bool space = true;
  Rule rule = Rule::free;
  GroupId group = syntax::kNone;         // innermost; a closing bracket is in the group outside
  syntax::TokenId item = 0;              // first token of the item of `group` that it is in; itself: begins it
  GroupId closes = syntax::kNone;        // a closing bracket: its group
  GroupId opens = syntax::kNone;         // an opening bracket: its group
  syntax::TokenId like = syntax::kNone;  // indented like the line of that token: else
  syntax::NodeId chain = syntax::kNone;  // an operator ||, && or + of that chain
  bool aligns = false;                   // '=' of a statement, ':' of a field: columns that the author aligned are kept
  bool borrows = false;                  // behind a comma: a break before the comma becomes one behind it
};

struct Structure {
  std::vector<Place> places;  // by token
  std::vector<Group> groups;
};

Structure structure_of(const syntax::Tree& tree, const Elements& elements);

}  // namespace cdb::pan::format
