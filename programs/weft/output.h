// How `weft` shows things to people: plans, diagnostics, colours, progress. Used by its sub-commands. Single-threaded; stdout for
// results, stderr for progress and diagnostics.
#pragma once

#include <string>
#include <string_view>

#include "base/profile/value.h"

namespace programs::weft {

enum class Colour { plain, bold, dim, red, green, yellow };
// Coloured when that stream is a terminal and NO_COLOR is not set.
std::string paint(Colour colour, std::string_view text, bool error_stream = false);

void print_json(const base::profile::Value& value);

// The plan of a change as the server sent it (cdb::build::Plan).
std::string plan_text(const base::profile::Value& plan);
// One line of it, {path, before, after, diff}: path padded to `width`, old → new.
std::string change_text(const base::profile::Value& change, std::size_t width);
// A diff with its lines coloured.
std::string diff_text(std::string_view diff, std::string_view indent);
// "diagnostics" of a refused change: each cause once, with place, excerpt, the way there and the hint.
std::string diagnostics_text(const base::profile::Value& answer);
// "conflicts" of a refused change: for each file the three sides, who changed it when, and the lines.
std::string conflicts_text(const base::profile::Value& answer);

// A line on stderr that is rewritten in place on a terminal and left out elsewhere.
class Progress {
 public:
  ~Progress();  // clears the line
  void show(std::string_view text);

 private:
  bool shown_ = false;
};

// "a, b, c and 7 more"
std::string some_names(const base::profile::List& names, std::size_t limit);

// The members of a list; an absent or otherwise typed one is empty.
const base::profile::List& list_of(const base::profile::Value& value, std::string_view name);

}  // namespace programs::weft
