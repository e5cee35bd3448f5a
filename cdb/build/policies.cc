#include "cdb/build/policies.h"

#include <fmt/format.h>

#include "cdb/build/attributes.h"

namespace cdb::build {

base::Result<Policies::Current> Policies::current() {
  const auto number = WEFT_TRY(store_->policy_number());
  {
    const std::scoped_lock lock(mutex_);
    if (cached_.number == number) return cached_;
  }
  const auto stored = WEFT_TRY(store_->policy(number));
  auto policy = rights::parse_policy(stored.text, attribute_names());
  if (!policy) {
    auto error = std::move(policy.error()).during(fmt::format("reading policy {} of the database", number));
    error.code = base::Errc::corrupt;
    error.hint = "the first administrator sets another one: weft rights set FILE";
    return base::fail(std::move(error));
  }
  Current fresh{number, std::make_shared<const rights::Policy>(std::move(*policy))};
  const std::scoped_lock lock(mutex_);
  if (fresh.number > cached_.number) cached_ = fresh;
  return fresh;
}

}  // namespace cdb::build
