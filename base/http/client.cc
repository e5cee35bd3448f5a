#include "base/http/client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/compress/compress.h"

namespace base::http {
namespace {

// Everything one transfer writes to. Lives for one send().
struct Transfer {
  ClientResponse response;
  std::size_t max_body = 0;
  bool too_large = false;
  const std::atomic<bool>* cancel = nullptr;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) transfer.response.headers.clear();  // a new head: the one before was 100 Continue
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && colon > 0) {
    std::string name(trimmed(line.substr(0, colon)));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    transfer.response.headers.emplace(std::move(name), trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.response.body.size() + size * count > transfer.max_body) {
    transfer.too_large = true;
    return 0;
  }
  transfer.response.body.append(data, size * count);
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(user);
  return transfer.cancel && transfer.cancel->load() ? 1 : 0;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

struct Client::Impl {
  ClientOptions options;
  CURL* curl = nullptr;
  char text[CURL_ERROR_SIZE] = {};

  ~Impl() { curl_easy_cleanup(curl); }

  Error failure(CURLcode code, const ClientRequest& request, const Transfer& transfer) const {
    const auto where =
        options.unix_socket.empty() ? options.base_url : fmt::format("{} at {}", options.base_url, options.unix_socket.string());
    const std::string why = text[0] ? text : curl_easy_strerror(code);
    const auto error = [&](Errc errc, std::string message, std::string hint) {
      return Error{errc, std::move(message), std::move(hint), {}};
    };
    if (transfer.too_large) {
      return error(Errc::exhausted, fmt::format("{}{} answered more than {} bytes", where, request.path, options.max_body), "");
    }
    switch (code) {
      case CURLE_ABORTED_BY_CALLBACK: return error(Errc::unavailable, fmt::format("the request to {} was abandoned", where), "");
      case CURLE_OPERATION_TIMEDOUT:
        return error(
            Errc::timeout,
            fmt::format("{} did not answer {} {} in {} ms", where, request.method, request.path, request.timeout.count()),
            "Check whether the server is overloaded; whether the request took effect is unknown.");
      case CURLE_COULDNT_RESOLVE_HOST:
      case CURLE_COULDNT_RESOLVE_PROXY:
        return error(Errc::unavailable, fmt::format("cannot find the host of {}: {}", where, why),
                     "Check the name in the setting `server`, and DNS.");
      case CURLE_COULDNT_CONNECT:
        return error(Errc::unavailable, fmt::format("cannot connect to {}: {}", where, why),
                     "Check that weftd runs there and the port is right.");
      case CURLE_SSL_CACERT_BADFILE:
        return error(Errc::denied, fmt::format("cannot use the CA certificate {}: {}", options.ca.string(), why),
                     "Fetch it again from the server: GET /v1/ca.");
      case CURLE_PEER_FAILED_VERIFICATION:
        return error(
            Errc::denied, fmt::format("{} did not prove its identity: {}", where, why),
            fmt::format("Check that {} is this server's CA and that the certificate covers the host name.", options.ca.string()));
      case CURLE_SSL_CERTPROBLEM:
        return error(Errc::denied, fmt::format("cannot use the client certificate {}: {}", options.certificate.string(), why),
                     "Check that certificate and key exist, are readable and belong together.");
      case CURLE_SSL_CONNECT_ERROR:
      case CURLE_SSL_CIPHER:
      case CURLE_SSL_ISSUER_ERROR:
        return error(Errc::denied, fmt::format("no TLS connection with {}: {}", where, why),
                     "Check that the port speaks TLS and the certificates are valid.");
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
        return error(Errc::invalid, fmt::format("bad server address {}{}: {}", options.base_url, request.path, why),
                     "Write it as https://HOST:PORT.");
      case CURLE_WRITE_ERROR:
      case CURLE_BAD_CONTENT_ENCODING: return error(Errc::corrupt, fmt::format("{} sent a broken body: {}", where, why), "");
      case CURLE_OUT_OF_MEMORY: return error(Errc::exhausted, "out of memory in an HTTP request", "");
      default: break;
    }
    // TLS 1.3 reports a refused client certificate only when the answer is read.
    if (code == CURLE_RECV_ERROR && why.find("alert") != std::string::npos) {
      return error(Errc::denied, fmt::format("{} refused our certificate: {}", where, why),
                   "Check that it was issued by this server and is not expired.");
    }
    return error(Errc::unavailable, fmt::format("the connection to {} broke: {}", where, why), "Try again.");
  }

  void set_up(const ClientRequest& request, Transfer& transfer, const std::string& url, curl_slist* headers) {
    curl_easy_reset(curl);  // keeps connections and TLS sessions
    text[0] = '\0';
    const auto set = [&](auto option, auto value) { curl_easy_setopt(curl, option, value); };
    set(CURLOPT_ERRORBUFFER, text);
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_PROXY, "");  // an http_proxy in the environment must not see our traffic
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_HEADERFUNCTION, on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_WRITEFUNCTION, on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_XFERINFOFUNCTION, on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, options.unix_socket.c_str());
    if (options.insecure) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!options.ca.empty()) {
      set(CURLOPT_CAINFO, options.ca.c_str());
      set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // our CA alone, not the machine's
    }
    if (!options.certificate.empty()) {
      set(CURLOPT_SSLCERT, options.certificate.c_str());
      set(CURLOPT_SSLKEY, options.key.c_str());
    }
    if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->options = std::move(options);
  impl_->curl = curl_easy_init();
}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;

Result<ClientResponse> Client::send(const ClientRequest& request) {
  const auto& options = impl_->options;
  if (!impl_->curl) return fail(Errc::exhausted, "cannot create an HTTP client: out of memory");
  if (options.certificate.empty() != options.key.empty()) {
    return fail(Errc::invalid, "a client certificate and its key are needed together",
                "Set `certificate` and `key`, or neither.");
  }
  if (options.ca.empty() && !options.insecure && options.base_url.starts_with("https:")) {
    return fail(Errc::invalid, fmt::format("no CA is set to verify {} with", options.base_url),
                "Set `ca` to the server's CA certificate.");
  }
  if (!request.path.starts_with('/') || has_line_break(request.path) || request.path.find(' ') != std::string::npos) {
    return fail(Errc::invalid, fmt::format("bad request path \"{}\"", request.path), "Percent-encode it.");
  }

  std::unique_ptr<curl_slist, FreeList> headers;
  bool bad_header = false;
  const auto add = [&](const std::string& name, const std::string& value) {
    bad_header = bad_header || has_line_break(name) || has_line_break(value);
    // "Name;" is curl's way to write a header with an empty value.
    auto* list = curl_slist_append(headers.get(), (value.empty() ? name + ";" : name + ": " + value).c_str());
    if (list) static_cast<void>(headers.release()), headers.reset(list);
  };
  bool encoding_set = false;
  for (const auto& [name, value] : request.headers) {
    add(name, value);
    encoding_set = encoding_set || curl_strequal(name.c_str(), "accept-encoding");
  }
  if (!encoding_set) add("Accept-Encoding", "zstd, gzip");
  const bool has_body = !request.body.empty() || (request.method != "GET" && request.method != "HEAD");
  if (has_body) add("Content-Type", request.content_type);
  headers.reset(curl_slist_append(headers.release(), "Expect:"));  // no round trip before a large body
  if (bad_header) return fail(Errc::invalid, "a request header contains a line break");

  auto base = options.base_url;
  while (base.ends_with('/')) base.pop_back();
  const auto url = base + request.path;
  Transfer transfer;
  transfer.max_body = options.max_body;
  transfer.cancel = request.cancel;
  impl_->set_up(request, transfer, url, headers.get());
  const auto code = curl_easy_perform(impl_->curl);
  if (code != CURLE_OK) return fail(impl_->failure(code, request, transfer));
  long status = 0;
  curl_easy_getinfo(impl_->curl, CURLINFO_RESPONSE_CODE, &status);
  auto& response = transfer.response;
  response.status = static_cast<int>(status);

  // Other codings (dcz needs a dictionary that only the caller has) stay as they are, visible in the header.
  const auto coding = response.headers.find("content-encoding");
  if (coding != response.headers.end() && !response.body.empty()) {
    const bool zstd = coding->second == "zstd", gzip = coding->second == "gzip";
    if (zstd || gzip) {
      auto plain = zstd ? compress::unzstd(response.body, options.max_body) : compress::gunzip(response.body, options.max_body);
      if (!plain) return fail(std::move(plain).error().during(fmt::format("decoding the answer of {}", url)));
      response.body = std::move(*plain);
      response.headers.erase("content-encoding");
    }
  }
  return std::move(response);
}

}  // namespace base::http
