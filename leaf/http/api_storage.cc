// Files in pools.
#include <fmt/format.h>

#include "leaf/http/api.h"
#include "leaf/http/input.h"

namespace leaf::http {

using base::Errc;
using base::fail;
using base::http::Response;
using base::profile::Dict;
using base::profile::List;
using base::profile::Value;

namespace {

struct Permit {
  explicit Permit(std::counting_semaphore<8>& semaphore) : semaphore_(semaphore) { semaphore_.acquire(); }
  ~Permit() { semaphore_.release(); }
  std::counting_semaphore<8>& semaphore_;
};

}  // namespace

Api::Answer Api::storage_pools(const Request&) {
  Permit permit(asking_);
  std::vector<std::string> pools = WEFT_TRY(services_.dirpool->pools());
  return Response::json(Dict{{"pools", List(pools.begin(), pools.end())}});
}

Api::Answer Api::storage_list(const Request& request) {
  Permit permit(asking_);
  return Response::json(WEFT_TRY(services_.dirpool->list(request.params.at("pool"))));
}

Api::Answer Api::storage_check(const Request& request) {
  Permit permit(asking_);
  return Response::json(WEFT_TRY(services_.dirpool->check(request.params.at("pool"))));
}

Api::Answer Api::storage_put(const Request& request) {
  Permit permit(asking_);
  return Response::json(WEFT_TRY(services_.dirpool->put(request.params.at("pool"), request.params.at("name"), request.body)),
                        201);
}

Api::Answer Api::storage_get(const Request& request) {
  Permit permit(asking_);
  Response response;
  response.body = WEFT_TRY(services_.dirpool->get(request.params.at("pool"), request.params.at("name")));
  response.content_type = "application/octet-stream";
  return response;
}

Api::Answer Api::storage_forget(const Request& request) {
  WEFT_TRY(services_.identities->forget(request.params.at("node"), request.params.at("fs")));
  return Response::json(Dict{{"forgotten", true}});
}

}  // namespace leaf::http
