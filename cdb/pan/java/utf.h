// UTF-8 one code point at a time, and simple case mappings. Room-internal; pure functions, any thread. Input is valid UTF-8; a
// stray byte is taken as U+FFFD so that nothing is read out of bounds.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cdb::pan::java {

// Code point at `at`; moves `at` behind it. Precondition: at < s.size().
char32_t next_code(std::string_view s, std::size_t& at);
void append_code(char32_t code, std::string& out);

char32_t simple_lower(char32_t code);
char32_t simple_upper(char32_t code);

// Calls visit(code) for each code point that has a simple lower- or upper-case partner.
template <class Visit>
void each_cased(Visit visit);

struct CaseRun {
  char32_t first, last;
  char32_t step;
  int delta;
};
struct CaseTables {
  const CaseRun* lower_begin;
  const CaseRun* lower_end;
  const CaseRun* upper_begin;
  const CaseRun* upper_end;
};
const CaseTables& case_tables();
// Upper case of several code points ("ss" for sharp s); null pointer when there is none. Ends with 0.
const char32_t* special_upper(char32_t code);

template <class Visit>
void each_cased(Visit visit) {
  for (char32_t c = 'A'; c <= 'Z'; ++c) visit(c), visit(c + 32);
  const CaseTables& tables = case_tables();
  for (auto* run = tables.lower_begin; run != tables.lower_end; ++run)
    for (char32_t c = run->first; c <= run->last; c += run->step) visit(c);
  for (auto* run = tables.upper_begin; run != tables.upper_end; ++run)
    for (char32_t c = run->first; c <= run->last; c += run->step) visit(c);
}

}  // namespace cdb::pan::java
