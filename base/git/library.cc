#include "base/git/library.h"

#include <git2.h>

#include <fmt/format.h>

namespace base::git {

Result<> library() {
  static const int started = git_libgit2_init();
  if (started < 0) return library_failure("starting libgit2");
  return {};
}

tl::unexpected<Error> library_failure(std::string_view doing) {
  const auto* error = git_error_last();
  const bool network = error && (error->klass == GIT_ERROR_NET || error->klass == GIT_ERROR_SSL ||
                                 error->klass == GIT_ERROR_SSH || error->klass == GIT_ERROR_HTTP);
  return fail(network ? Errc::unavailable : Errc::internal,
              fmt::format("{}: {}", doing, error && error->message ? error->message : "libgit2 gave no reason"));
}

}  // namespace base::git
