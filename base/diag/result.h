// Expected failures as values. Every library of Weft returns base::Result<T>; programs turn an Error into text for a person
// (programs/) or problem+json (base/http). Thread: values, no shared state. Never throws on its own.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace base {

// One value per way a caller reacts, not per cause; see errc_name() for the one sentence each.
enum class Errc {
  invalid,      // the input is wrong: the caller must change it (HTTP 400/422)
  not_found,    // what was named does not exist (404)
  conflict,     // the state moved since it was read, or a unique thing exists already (409)
  denied,       // identity or rights do not allow it (403)
  unavailable,  // a neighbour is down or busy: retrying later may help (503)
  timeout,      // a neighbour did not answer in time; whether it acted is unknown (504)
  corrupt,      // stored or received data fails its checksum, signature or format
  exhausted,    // a limit, quota, budget or disk is full (429/507)
  internal,     // a defect in Weft
};

std::string_view errc_name(Errc code);

// What a person needs: what happened, where, what to do next. `hint` is one imperative sentence, may be empty. `chain` holds the
// circumstances from the innermost outwards ("while compiling profile disk01", ...).
struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::string hint;
  std::vector<std::string> chain;

  // Adds an outer circumstance and hands the error on: `return fail(std::move(r.error()).during("reading " + path));`
  Error&& during(std::string circumstance) &&;
  // "message\n  while ...\n  hint: ..." without a final newline.
  std::string text() const;
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
inline tl::unexpected<Error> fail(Errc code, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(hint), {}});
}

}  // namespace base

// Value of a Result, or return its error from the enclosing function: `auto text = WEFT_TRY(file::read(path));`
// A statement expression (GCC and Clang), the only way to have this as an expression before C++ gets one.
#define WEFT_TRY(...)                                                              \
  __extension__({                                                                  \
    auto weft_try_result = (__VA_ARGS__);                                          \
    if (!weft_try_result) return ::base::fail(std::move(weft_try_result).error()); \
    ::base::detail::take(std::move(weft_try_result));                              \
  })

namespace base::detail {
template <class T>
T take(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace base::detail
