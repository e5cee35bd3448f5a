// Proposals: changes that are kept until others approved them, and what people said. Made by role cdb, used by cdb/http. Any
// thread; each call is its own transaction and writes to the audit. Failure: as Store.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "base/pg/pg.h"
#include "cdb/store/types.h"

namespace cdb::store {

struct Review {
  std::string person, verdict, comment, time;  // approve | reject
  Digest effect;
};

struct Proposal {
  std::int64_t id = 0;
  std::string branch, author, message, created;
  std::optional<std::int64_t> base;
  std::string state = "open";  // open | committed | rejected | withdrawn
  Digest effect;               // of the plan under review
  std::optional<std::int64_t> revision;
  // Only where one is asked for:
  base::profile::Value plan;   // {plan, rights}
  base::profile::Value edits;  // [{path, content or null}]
  std::vector<Review> reviews;

  // Persons whose last word on this very plan is approval.
  std::vector<std::string> approvers() const;
};

class Reviews {
 public:
  static constexpr int max_open = 50;                  // of one author
  static constexpr std::size_t max_edits = 16u << 20;  // bytes of one proposal's edits
  explicit Reviews(std::shared_ptr<base::pg::Pool> pool) : pool_(std::move(pool)) {}

  // Errc::exhausted: too large, or too many open ones of this author.
  base::Result<std::int64_t> add(const Proposal& proposal) const;
  base::Result<std::vector<Proposal>> list(bool closed_too, std::int64_t before, int limit) const;  // newest first
  base::Result<Proposal> one(std::int64_t id) const;                                                // Errc::not_found
  // `effect`: of the plan that he saw. Errc::conflict when it is planned otherwise by now, or closed. A rejection closes it.
  base::Result<> review(std::int64_t id, std::string_view person, bool approve, const Digest& effect,
                        std::string_view comment) const;
  // Another plan for the same edits: earlier approvals count no more.
  base::Result<> plan_again(std::int64_t id, const Digest& effect, const base::profile::Value& plan) const;
  base::Result<> close(std::int64_t id, const Actor& actor, std::string_view state, std::optional<std::int64_t> revision) const;

 private:
  std::shared_ptr<base::pg::Pool> pool_;
};

}  // namespace cdb::store
