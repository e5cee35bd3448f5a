// What Pan's own functions are called with and do, for hover, completion and signature help. Immutable, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cdb::pan::lsp {

struct BuiltinDoc {
  std::string_view name;
  std::string_view parameters;  // "list, start, [length]": comma-separated; [x] may be left out, x... repeats
  std::string_view result;      // "long"; "" when it gives none
  std::string_view text;        // a sentence or two
  std::string signature() const;
};

// In order of name; tests/unit checks them against the compiler's table.
std::span<const BuiltinDoc> builtin_docs();
const BuiltinDoc* find_builtin_doc(std::string_view name);

struct WordDoc {
  std::string_view word, text;
};
std::span<const WordDoc> automatic_variable_docs();  // SELF, ARGV, ...
std::span<const WordDoc> keyword_docs();
std::span<const WordDoc> type_docs();  // string, long, ...

}  // namespace cdb::pan::lsp
