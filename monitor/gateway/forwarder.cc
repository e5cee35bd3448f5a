#include "monitor/gateway/forwarder.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/metrics/metrics.h"

namespace monitor::gateway {
namespace {

using State = Forwarded::State;

std::pair<std::string, std::string> split_url(const std::string& url) {
  std::size_t host = url.find("://");
  std::size_t path = url.find('/', host == std::string::npos ? 0 : host + 3);
  return path == std::string::npos ? std::pair{url, std::string("/api/v1/write")}
                                   : std::pair{url.substr(0, path), url.substr(path)};
}

// One sample of a request, so that it can be sent again without its neighbours.
struct One {
  const wire::SeriesView* series;
  wire::Point point;
};

std::string encode_some(std::span<const One> some) {
  std::vector<wire::Row> rows;
  rows.reserve(some.size());
  for (const auto& one : some) rows.push_back({{one.series->labels.begin(), one.series->labels.end()}, {one.point}});
  return wire::encode_raw(rows);
}

}  // namespace

Forwarder::Forwarder(ForwarderOptions options) : options_(std::move(options)) {
  for (int i = 0; i < options_.senders; ++i) threads_.emplace_back([this] { run(); });
}

Forwarder::~Forwarder() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    cancel_ = true;
    wake_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  for (auto& item : queue_) item.done({State::away, 0, "the gateway is stopping"});
}

bool Forwarder::offer(wire::Request request, Done done) {
  std::lock_guard lock(mutex_);
  std::size_t size = request.raw().size();
  if (stop_ || (queued_ > 0 && queued_ + size > options_.queue)) return false;
  queued_ += size;
  queue_.push_back({std::move(request), std::move(done)});
  wake_.notify_one();
  return true;
}

void Forwarder::run() {
  auto [base_url, unused] = split_url(options_.url);
  base::http::ClientOptions client_options;
  client_options.base_url = base_url;
  client_options.max_body = 1u << 20;
  base::http::Client client(client_options);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    std::vector<Item> items;
    std::size_t bytes = 0;
    while (!queue_.empty() && (items.empty() || bytes + queue_.front().request.raw().size() <= options_.merge)) {
      bytes += queue_.front().request.raw().size();
      items.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    lock.unlock();
    Forwarded outcome;
    if (items.size() == 1) {
      outcome = send(client, items[0].request.raw());
    } else {
      std::string merged;
      merged.reserve(bytes);
      for (const auto& item : items) merged += item.request.raw();
      outcome = send(client, merged);
    }
    for (auto& item : items) {
      // The store takes a request whole or not at all: whoever is to blame, the others get their own try.
      Forwarded own = outcome;
      if (outcome.state == State::refused && items.size() > 1) own = send(client, item.request.raw());
      if (own.state == State::refused) own = send_split(client, item.request, own.reason);
      item.done(own);
    }
    lock.lock();
    queued_ -= bytes;
  }
}

Forwarded Forwarder::send(base::http::Client& client, std::string_view raw) {
  base::http::ClientRequest request;
  request.method = "POST";
  request.path = split_url(options_.url).second;
  request.body = wire::compress(raw);
  request.content_type = "application/x-protobuf";
  request.headers = {
      {"Content-Encoding", "snappy"}, {"X-Prometheus-Remote-Write-Version", "0.1.0"}, {"User-Agent", "weftd/" WEFT_VERSION}};
  request.cancel = &cancel_;
  auto begin = std::chrono::steady_clock::now();
  auto response = client.send(request);
  base::metrics::observe_seconds("weft_gateway_store_seconds", "Time the store took to answer.", {},
                                 std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (!response) return {State::away, 0, response.error().message};
  if (response->status / 100 == 2) return {State::stored, 0, {}};
  std::string reason = response->body.substr(0, 500);
  while (!reason.empty() && (reason.back() == '\n' || reason.back() == ' ')) reason.pop_back();
  reason = fmt::format("the store answered {}{}{}", response->status, reason.empty() ? "" : ": ", reason);
  // Only these speak about the samples. Anything else (401, 404, 5xx, 429) is about the store or its address: nodes keep their
  // data.
  bool refused = response->status == 400 || response->status == 413 || response->status == 422;
  return {refused ? State::refused : State::away, 0, std::move(reason)};
}

// The store refused the body as a whole, for one sample perhaps: a repetition after a lost answer begins with samples it has.
// Tried time by time, oldest first, then halves of what is still refused, within a budget; what nobody tried counts as refused.
Forwarded Forwarder::send_split(base::http::Client& client, const wire::Request& request, const std::string& reason) {
  std::vector<One> all;
  all.reserve(request.samples());
  for (const auto& series : request.series())
    for (const auto& point : series.points) all.push_back({&series, point});
  std::stable_sort(all.begin(), all.end(),
                   [](const One& a, const One& b) { return a.point.timestamp_ms < b.point.timestamp_ms; });
  std::deque<std::span<const One>> open;
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin;
    while (end < all.size() && all[end].point.timestamp_ms == all[begin].point.timestamp_ms) ++end;
    open.push_back(std::span(all).subspan(begin, end - begin));
    begin = end;
  }
  Forwarded out{State::stored, 0, reason};
  if (open.size() == 1 && all.size() == 1) return {State::refused, 1, reason};
  for (std::size_t sent = 0; !open.empty();) {
    auto some = open.front();
    open.pop_front();
    if (sent++ >= options_.split_requests) {
      out.refused_samples += some.size();
      continue;
    }
    auto answer = send(client, encode_some(some));
    if (answer.state == State::away) return answer;  // the node sends all of it again; what is stored is refused then as known
    if (answer.state == State::stored) continue;
    out.reason = answer.reason;
    if (some.size() == 1) {
      ++out.refused_samples;
      continue;
    }
    // Halves go to the front: samples of one time before those of the next.
    open.push_front(some.subspan(some.size() / 2));
    open.push_front(some.first(some.size() / 2));
  }
  if (out.refused_samples > 0) out.state = State::refused;
  return out;
}

}  // namespace monitor::gateway
