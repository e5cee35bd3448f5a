#include "monitor/sensord/pusher.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>

#include <fmt/format.h>

#include "base/profile/json.h"

namespace monitor::sensord {
namespace {

using base::profile::Dict;
using base::profile::List;

constexpr std::chrono::seconds longest_pause{60};
constexpr std::size_t events_per_request = 100;
constexpr std::size_t most_notices = 20;

bool refused_for_good(const base::http::ClientResponse& response) {
  if (response.headers.contains("weft-refused")) return true;
  // Without our header it is the store itself, or a proxy. The protocol says 400 is final, but a front that dislikes our
  // certificate answers 400 in HTML, and that says nothing about the samples.
  auto type = response.headers.find("content-type");
  bool html = type != response.headers.end() && type->second.starts_with("text/html");
  return !html && (response.status == 400 || response.status == 413 || response.status == 422);
}

std::chrono::seconds retry_after(const base::http::ClientResponse& response) {
  auto header = response.headers.find("retry-after");
  if (header == response.headers.end()) return {};
  int seconds = 0;
  std::from_chars(header->second.data(), header->second.data() + header->second.size(), seconds);
  return std::chrono::seconds(std::clamp(seconds, 0, 3600));
}

std::string answer_text(const base::http::ClientResponse& response) {
  auto problem = base::profile::parse_json(response.body, {.bytes = 64u << 10, .depth = 8});
  std::string detail(problem ? problem->get_string("detail") : std::string_view(response.body).substr(0, 200));
  while (!detail.empty() && (detail.back() == '\n' || detail.back() == ' ')) detail.pop_back();
  return fmt::format("status {}{}{}", response.status, detail.empty() ? "" : ": ", detail);
}

}  // namespace

std::pair<std::string, std::string> split_url(const std::string& url) {
  std::size_t host = url.find("://");
  std::size_t path = url.find('/', host == std::string::npos ? 0 : host + 3);
  if (path == std::string::npos) return {url, "/"};
  return {url.substr(0, path), url.substr(path)};
}

Pusher::Pusher(Spool& spool, PushTarget target) : spool_(spool), target_(std::move(target)) {
  thread_ = std::thread([this] { run(); });
}

Pusher::~Pusher() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void Pusher::set_target(PushTarget target) {
  std::lock_guard lock(mutex_);
  target_ = std::move(target);
  target_changed_ = woken_ = true;
  pause_ = {};
  wake_.notify_all();
}

void Pusher::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  wake_.notify_all();
}

void Pusher::set_events(std::string epoch, std::vector<rule::Event> events) {
  std::lock_guard lock(mutex_);
  epoch_ = std::move(epoch);
  events_ = std::move(events);
  woken_ = woken_ || !events_.empty();
  wake_.notify_all();
}

Pusher::Figures Pusher::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

std::vector<std::string> Pusher::notices() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> out(notices_.begin(), notices_.end());
  notices_.clear();
  return out;
}

void Pusher::note(std::string text) {
  std::lock_guard lock(mutex_);
  notices_.push_back(std::move(text));
  if (notices_.size() > most_notices) notices_.pop_front();
}

Pusher::Outcome Pusher::failed(std::string why, std::chrono::seconds at_least) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::chrono::milliseconds pause(std::min<std::int64_t>(longest_pause.count() * 1000, 1000ll << std::min(failures_, 10)));
  // Half fixed, half chance: thousands of nodes that lost the same server must not come back in the same second.
  pause = pause / 2 + std::chrono::milliseconds(random() % static_cast<unsigned>(pause.count() / 2 + 1));
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    ++figures_.errors;
    ++failures_;
    pause_ = std::max<std::chrono::milliseconds>(pause, at_least);
    first = !failing_;
    failing_ = true;
  }
  if (first) note(fmt::format("samples cannot be sent, they are kept on disk: {}", why));
  return Outcome::later;
}

void Pusher::run() {
  std::optional<base::http::Client> samples, alarms;
  std::string write_path;
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (target_changed_) {
      target_changed_ = false;
      auto [base_url, path] = split_url(target_.write_url);
      auto options = target_.options;
      options.base_url = base_url;
      options.max_body = 64u << 10;
      samples.emplace(options);
      write_path = path;
      alarms.reset();
      if (target_.server != base_url) {
        options.base_url = target_.server;
        alarms.emplace(std::move(options));
      }
    }
    woken_ = false;
    lock.unlock();
    send_events(alarms ? *alarms : *samples);
    Outcome outcome = send_batch(*samples, write_path);
    lock.lock();
    if (outcome == Outcome::sent) {
      if (failing_) {
        failing_ = false;
        notices_.push_back(fmt::format("samples are sent again after {} failed attempts", failures_));
      }
      failures_ = 0;
      pause_ = {};
      continue;  // while there is more, at full speed
    }
    bool events_wait = !events_.empty() && events_.back().seq > acknowledged_;
    if (outcome == Outcome::later)
      wake_.wait_for(lock, pause_, [&] { return stop_ || target_changed_; });
    else if (events_wait)
      wake_.wait_until(lock, events_retry_, [&] { return stop_ || woken_ || target_changed_; });
    else
      wake_.wait(lock, [&] { return stop_ || woken_ || target_changed_; });
  }
}

void Pusher::send_events(base::http::Client& client) {
  std::vector<rule::Event> events;
  std::string epoch;
  {
    std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() < events_retry_) return;
    epoch = epoch_;
    for (const auto& event : events_)
      if (event.seq > acknowledged_ && events.size() < events_per_request) events.push_back(event);
  }
  if (events.empty()) return;
  List list;
  for (const auto& event : events) list.push_back(event.body);
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = "/v1/alarm";
  request.body = base::profile::to_json(Dict{{"epoch", epoch}, {"events", std::move(list)}});
  request.cancel = &stop_;
  auto response = client.send(request);
  bool good = response && response->status / 100 == 2;
  bool refused = response && response->headers.contains("weft-refused");
  std::lock_guard lock(mutex_);
  if (good || refused) {
    acknowledged_ = events.back().seq;
    events_failing_ = false;
    events_failures_ = 0;
    if (!refused) return;
    figures_.refused_events += events.size();
    notices_.push_back(fmt::format("the server refused {} events for good: {}", events.size(), answer_text(*response)));
    return;
  }
  events_retry_ = std::chrono::steady_clock::now() +
                  std::min<std::chrono::seconds>(longest_pause, std::chrono::seconds(1 << std::min(events_failures_++, 8)));
  ++figures_.errors;
  if (!events_failing_)
    notices_.push_back("alarms cannot be told to the server, they wait: " +
                       (response ? answer_text(*response) : response.error().text()));
  events_failing_ = true;
}

Pusher::Outcome Pusher::send_batch(base::http::Client& client, const std::string& path) {
  auto batch = spool_.front();
  if (!batch) return failed(batch.error().text());
  if (!*batch) return Outcome::idle;
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = path;
  request.body = std::move((*batch)->body);
  request.content_type = "application/x-protobuf";
  request.headers = {{"Content-Encoding", "snappy"},
                     {"X-Prometheus-Remote-Write-Version", "0.1.0"},
                     {"User-Agent", "weft-sensord/" WEFT_VERSION}};
  request.cancel = &stop_;
  auto response = client.send(request);
  if (!response) return failed(response.error().text());
  bool good = response->status / 100 == 2;
  if (!good && !refused_for_good(*response)) return failed(answer_text(*response), retry_after(*response));
  if (!good)
    note(fmt::format("the server refused a batch of {} samples for good: {}", (*batch)->samples, answer_text(*response)));
  if (auto popped = spool_.pop(**batch); !popped) return failed(popped.error().text());
  std::lock_guard lock(mutex_);
  (good ? figures_.sent_samples : figures_.refused_samples) += (*batch)->samples;
  if (good)
    figures_.last_success_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return Outcome::sent;
}

}  // namespace monitor::sensord
