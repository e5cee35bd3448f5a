// Role cdb: the configuration database behind the HTTP routes of cdb/http.
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file/file.h"
#include "base/log/log.h"
#include "cdb/http/api.h"
#include "programs/weftd/role.h"
#include "programs/weftd/rollout_hooks.h"

namespace programs::weftd {
namespace {

using base::fail;
namespace log = base::log;

class CdbRole : public Role {
 public:
  static base::Result<std::unique_ptr<Role>> start(Context& context);
  ~CdbRole() override {
    {
      const std::scoped_lock lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (values_) values_->stop();
    if (house_keeping_.joinable()) house_keeping_.join();
    if (recording_.joinable()) recording_.join();
  }

 private:
  void keep_house();
  void record();

  std::shared_ptr<cdb::store::Store> store_;
  std::unique_ptr<cdb::publish::Publisher> publisher_;
  std::unique_ptr<cdb::publish::WakeHub> wake_;
  std::unique_ptr<cdb::publish::Presence> presence_;
  std::unique_ptr<cdb::enrol::Enrolment> enrolment_;
  std::unique_ptr<cdb::build::Builder> builder_;
  std::unique_ptr<cdb::rollout::Engine> rollout_;
  std::unique_ptr<cdb::values::Recorder> values_;
  std::unique_ptr<cdb::http::Api> api_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread house_keeping_, recording_;
};

base::Result<std::chrono::hours> certificate_validity(const base::profile::Value& settings) {
  const auto* cdb = settings.get("cdb");
  const auto days = cdb ? cdb->get_integer("certificate_days", 365) : 365;
  if (days < 1 || days > 3650) {
    return fail(base::Errc::invalid, fmt::format("weftd.yaml: cdb.certificate_days cannot be {}", days), "choose 1 to 3650 days");
  }
  return std::chrono::hours(days * 24);
}

base::Result<std::unique_ptr<Role>> CdbRole::start(Context& context) {
  auto role = std::make_unique<CdbRole>();
  role->store_ = WEFT_TRY(cdb::store::Store::open(context.pool));
  const auto signing_key = WEFT_TRY(base::file::read(context.signing_key));
  role->publisher_ = WEFT_TRY(cdb::publish::Publisher::open(context.file_root, signing_key, role->store_));
  role->wake_ = WEFT_TRY(cdb::publish::WakeHub::start(role->store_, context.pool->url()));
  role->presence_ = std::make_unique<cdb::publish::Presence>(role->store_);
  cdb::enrol::Options enrol;
  enrol.authority = {WEFT_TRY(base::file::read(context.ca_key)), WEFT_TRY(base::file::read(context.ca_certificate))};
  enrol.signing_public_pem = WEFT_TRY(base::crypto::ed25519_public(signing_key));
  enrol.validity = WEFT_TRY(certificate_validity(context.settings));
  role->enrolment_ = WEFT_TRY(cdb::enrol::Enrolment::open(std::move(enrol), role->store_));
  role->builder_ = std::make_unique<cdb::build::Builder>(
      role->store_, [publisher = role->publisher_.get()](const std::vector<cdb::build::Fresh>& fresh) {
        std::vector<cdb::publish::Publisher::Item> items;
        for (const auto& one : fresh) items.push_back({one.root, one.data});
        return publisher->prepare(items);
      });
  role->values_ = std::make_unique<cdb::values::Recorder>(role->store_);
  role->rollout_ = std::make_unique<cdb::rollout::Engine>(role->store_, rollout_hooks(*role->builder_, context.service));
  role->api_ = std::make_unique<cdb::http::Api>(cdb::http::Services{
      role->store_, role->builder_.get(), role->publisher_.get(), role->wake_.get(), role->presence_.get(),
      role->enrolment_.get(), role->rollout_.get(), std::make_shared<cdb::store::Reviews>(context.pool), role->values_.get()});
  role->api_->add_routes(*context.server);
  role->rollout_->start();
  role->house_keeping_ = std::thread([raw = role.get()] { raw->keep_house(); });
  role->recording_ = std::thread([raw = role.get()] { raw->record(); });
  return role;
}

// Warms the main branch once; then writes every few seconds who was heard of, and every hour sweeps unused profile files.
void CdbRole::keep_house() {
  using Clock = std::chrono::steady_clock;
  if (auto warm = builder_->warm("main"); !warm) log::warning("cannot load branch main: " + warm.error().text());
  auto next_sweep = Clock::now() + std::chrono::hours(1);
  bool reachable = true;  // a lost database is logged once, not every five seconds
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, std::chrono::seconds(5), [&] { return stop_; })) {
    lock.unlock();
    auto written = presence_->write();
    if (!written && reachable) log::warning("cannot note which nodes were heard of: " + written.error().text());
    reachable = written.has_value();
    if (Clock::now() >= next_sweep) {
      next_sweep = Clock::now() + std::chrono::hours(1);
      auto removed = publisher_->sweep(std::chrono::hours(48));
      if (!removed) {
        log::warning("cannot sweep profile files: " + removed.error().text());
      } else if (*removed > 0) {
        log::info("removed unused profile files", {{"files", std::to_string(*removed)}});
      }
    }
    lock.lock();
  }
}

// Values follow the revisions soon after each commit, whoever made it; queries do not wait for this thread, they catch up
// themselves.
void CdbRole::record() {
  // Commits come first: this thread, and those that it starts, take what processor time is left. Refused: then not.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);
  bool reachable = true;
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    auto recorded = values_->catch_up();
    if (!recorded && reachable) log::warning("cannot record values: " + recorded.error().text());
    reachable = recorded.has_value();
    lock.lock();
  } while (!changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stop_; }));
}

}  // namespace

base::Result<std::unique_ptr<Role>> start_cdb(Context& context) {
  auto role = CdbRole::start(context);
  if (!role) return fail(std::move(role.error()).during("starting role cdb"));
  return role;
}

}  // namespace programs::weftd
