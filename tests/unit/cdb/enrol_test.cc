#include <doctest/doctest.h>

#include "base/crypto/crypto.h"
#include "base/text/text.h"
#include "cdb/enrol/enrolment.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::enrol;
using base::Errc;

namespace {

struct Site {
  tests::cdb_database::Fresh db = tests::cdb_database::fresh();
  base::crypto::Authority authority = *base::crypto::Authority::create("test CA");
  std::unique_ptr<Enrolment> enrolment = std::move(*Enrolment::open({authority, "PUBLIC", std::chrono::hours(24)}, db.store));
  cdb::store::Actor alice{"person", "alice"};

  Site() {
    cdb::store::Commit commit;
    commit.branch = "main";
    commit.author = alice;
    commit.message = "why";
    commit.edits = {{"a.pan", std::nullopt, "x"}};
    commit.plan = "{}";
    for (const auto* name : {"n1", "n2"})
      commit.nodes.push_back({name, name, cdb::store::digest(name), true, "data", 4, "", R"({"ip":"127.77.1.1"})"});
    REQUIRE(db.store->commit(commit));
  }
  static std::string csr(const char* kind, const char* name) { return base::crypto::make_request({kind, name})->csr_pem; }
};

}  // namespace

TEST_CASE("a token becomes a certificate for that node, and says which CA to trust") {
  Site site;
  const auto token = site.enrolment->token(site.alice, "n1", std::chrono::hours(1));
  REQUIRE(token);
  CHECK(token->ends_with("." + *base::crypto::certificate_fingerprint(site.authority.certificate_pem)));
  const auto issued = site.enrolment->enrol("n1", *token, Site::csr("node", "n1"));
  REQUIRE(issued);
  CHECK(issued->ca == site.authority.certificate_pem);
  CHECK(issued->signing_key == "PUBLIC");
  const auto subject = base::crypto::certificate_subject(issued->certificate);
  CHECK(subject->kind == "node");
  CHECK(subject->name == "n1");
  CHECK(site.db.store->certificate("n1").value()->fingerprint == *base::crypto::certificate_fingerprint(issued->certificate));
  CHECK(site.enrolment->enrol("n1", *token, Site::csr("node", "n1")).error().code == Errc::denied);  // another key
}

TEST_CASE("what is wrong is refused and leaves the token good") {
  Site site;
  CHECK(site.enrolment->token(site.alice, "n3", std::chrono::hours(1)).error().code == Errc::not_found);
  CHECK(site.enrolment->token(site.alice, "n1", std::chrono::seconds(1)).error().code == Errc::invalid);
  CHECK(site.enrolment->token(site.alice, "n1", std::chrono::hours(24 * 365)).error().code == Errc::invalid);
  const auto token = *site.enrolment->token(site.alice, "n1", std::chrono::hours(1));
  const auto csr = Site::csr("node", "n1");
  for (const auto& [kind, name] : {std::pair{"person", "n1"}, std::pair{"server", "n1"}, std::pair{"node", "n2"}}) {
    CHECK_FALSE(site.enrolment->enrol("n1", token, Site::csr(kind, name)));
  }
  CHECK(site.enrolment->enrol("n2", token, Site::csr("node", "n2")).error().code == Errc::denied);
  CHECK(site.enrolment->enrol("n1", token.substr(0, 20), csr).error().code == Errc::invalid);
  CHECK(site.enrolment->enrol("n1", "weft2" + token.substr(5), csr).error().code == Errc::invalid);
  CHECK(site.enrolment->enrol("n1", token, "no request").error().code == Errc::invalid);
  CHECK(site.enrolment->enrol("n1", token, std::string(Enrolment::max_request + 1, 'x')).error().code == Errc::exhausted);
  CHECK(site.enrolment->enrol("", token, csr).error().code == Errc::invalid);
  CHECK(site.enrolment->enrol("n1", token, csr));
  // A stranger cannot tell an unknown node from a wrong token.
  const auto unknown = site.enrolment->enrol("nobody", token, Site::csr("node", "nobody"));
  CHECK(unknown.error().code == Errc::denied);
}

TEST_CASE("renewal gives the same name a new certificate, and nothing else") {
  Site site;
  const auto first = site.enrolment->renew("n1", Site::csr("node", "n1"));
  REQUIRE(first);
  CHECK_FALSE(site.enrolment->renew("n1", Site::csr("node", "n2")));
  CHECK_FALSE(site.enrolment->renew("n1", Site::csr("person", "n1")));
  CHECK(!site.db.store->verify_audit().value().broken);
}

TEST_CASE("a node that left the configuration gets no certificate, by token or by renewal, until it is described again") {
  Site site;
  const auto token = *site.enrolment->token(site.alice, "n1", std::chrono::hours(1));
  cdb::store::Commit commit;
  commit.branch = "main";
  commit.author = site.alice;
  commit.message = "n1 is scrapped";
  commit.head = 1;
  commit.edits = {{"a.pan", cdb::store::digest("x"), "y"}};
  commit.plan = "{}";
  commit.removed = {"n1"};
  REQUIRE(site.db.store->commit(commit));
  CHECK(site.enrolment->enrol("n1", token, Site::csr("node", "n1")).error().code == Errc::denied);
  CHECK(site.enrolment->renew("n1", Site::csr("node", "n1")).error().code == Errc::denied);
  CHECK_FALSE(site.db.store->certificate("n1").value());
  CHECK(site.enrolment->renew("n2", Site::csr("node", "n2")));
  commit.head = 2;
  commit.removed.clear();
  commit.edits = {{"a.pan", cdb::store::digest("y"), "x"}};
  commit.nodes.push_back({"n1", "n1", cdb::store::digest("n1"), true, "data", 4, "", "{}"});
  REQUIRE(site.db.store->commit(commit));
  CHECK(site.enrolment->renew("n1", Site::csr("node", "n1")));
}

TEST_CASE("a stranger who guesses tokens does not keep the owner of the true one out") {
  Site site;
  const auto token = *site.enrolment->token(site.alice, "n1", std::chrono::hours(1));
  for (int i = 0; i < 50; ++i) {
    const auto guess = "weft1." + std::to_string(i) + token.substr(token.rfind('.'));
    CHECK(site.enrolment->enrol("n1", guess, Site::csr("node", "n1")).error().code == Errc::denied);
  }
  CHECK(site.enrolment->enrol("n1", token, Site::csr("node", "n1")));
}

TEST_CASE("the limiter lets a burst pass, then the rate, for each key and for all") {
  Limiter limiter({.burst = 3, .per_second = 1}, {.burst = 10, .per_second = 1}, 4);
  auto now = Limiter::Clock::now();
  for (int i = 0; i < 3; ++i) CHECK(limiter.allow("a", now));
  CHECK_FALSE(limiter.allow("a", now));
  CHECK(limiter.allow("b", now));
  now += std::chrono::seconds(1);
  CHECK(limiter.allow("a", now));
  CHECK_FALSE(limiter.allow("a", now));
  int passed = 0;
  for (int i = 0; i < 1000; ++i)
    passed += limiter.allow("key" + std::to_string(i), now);  // memory stays bounded, the common rate holds
  CHECK(passed < 10);
  now += std::chrono::hours(1);
  CHECK(limiter.allow("fresh", now));
}
