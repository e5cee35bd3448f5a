// Finding the first of a few characters in source text, sixteen at a time where the processor can. Used by the lexer. Pure.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace cdb::pan {

// The first character in [at, end) that is one of `stops`; `end` when there is none.
template <char... stops>
const char* find_any(const char* at, const char* end) {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    __m128i hits = _mm_setzero_si128();
    ((hits = _mm_or_si128(hits, _mm_cmpeq_epi8(text, _mm_set1_epi8(stops)))), ...);
    if (const int mask = _mm_movemask_epi8(hits)) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  while (at != end && !((*at == stops) || ...)) ++at;
  return at;
}

}  // namespace cdb::pan
