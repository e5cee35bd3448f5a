#include "base/http/front_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/http/wire.h"

namespace base::http {
namespace {

// nginx expands $ in many places, even in quotes, and has no escape for it.
Result<> plain(std::string_view what, std::string_view text) {
  const bool odd = std::ranges::any_of(text, [](unsigned char c) {
    return c < 0x20 || c == 0x7f || std::string_view("$\"\\;{}#").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!odd && !text.empty()) return {};
  return fail(Errc::invalid, fmt::format("{} \"{}\" cannot be written into nginx's configuration", what, text),
              "Use a name without $ \" \\ ; { } # and control characters.");
}

std::string problem_answer(int status, Errc code, std::string_view detail, std::string_view hint) {
  return fmt::format(
      "default_type application/problem+json;\n      return {} "
      "'{{\"type\":\"urn:weft:error:{}\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\",\"hint\":\"{}\"}}';",
      status, errc_name(code), errc_name(code), status, detail, hint);
}

}  // namespace

Result<std::string> front_config(const FrontOptions& options, const FrontSystem& system) {
  for (const auto& [what, path] : {std::pair{"the front's folder", options.folder},
                                   {"the certificate", options.certificate},
                                   {"the key", options.key},
                                   {"the CA", options.client_ca},
                                   {"the file root", options.file_root}}) {
    WEFT_TRY(plain(what, path.string()));
  }
  WEFT_TRY(plain("the hop secret", options.hop_secret));
  if (options.listen.empty()) return fail(Errc::invalid, "the front has no address to listen on", "Give --listen ADDRESS:PORT.");

  std::string listen;
  for (const auto& address : options.listen) {
    WEFT_TRY(plain("the listen address", address));
    if (address.find(':') == std::string::npos || address.find(' ') != std::string::npos) {
      return fail(Errc::invalid, fmt::format("bad listen address \"{}\"", address),
                  "Write ADDRESS:PORT, for example 127.0.0.1:8443.");
    }
    listen += fmt::format("    listen {} ssl backlog=4096 so_keepalive=on;\n", address);
  }
  if (!options.unix_socket.empty()) {
    WEFT_TRY(plain("the socket", options.unix_socket.string()));
    listen += fmt::format("    listen \"unix:{}\" ssl;\n", options.unix_socket.string());
  }
  std::string crl;
  if (!options.crl.empty()) {
    WEFT_TRY(plain("the CRL", options.crl.string()));
    crl = fmt::format("    ssl_crl \"{}\";\n", options.crl.string());
  }
  const long files = std::clamp(system.descriptor_limit, 1024L, 65536L);
  const auto user = system.worker_user.empty() ? "" : fmt::format("user {} {};\n", system.worker_user, system.worker_group);
  const auto folder = options.folder.string();

  std::string out =
      fmt::format(R"(# Written by Weft at every start.
daemon off;
{user}worker_processes auto;
worker_rlimit_nofile {files};
worker_shutdown_timeout 5s;
working_directory "{folder}";
pid "{folder}/nginx.pid";
error_log "{folder}/error.log" error;
events {{
  worker_connections {connections};
}}
http {{
  access_log off;
  server_tokens off;
  types {{ }}
  default_type application/octet-stream;
  client_body_temp_path "{folder}/tmp/body";
  proxy_temp_path "{folder}/tmp/proxy";
  fastcgi_temp_path "{folder}/tmp/fastcgi";
  uwsgi_temp_path "{folder}/tmp/uwsgi";
  scgi_temp_path "{folder}/tmp/scgi";
  sendfile on;
  tcp_nopush on;
  gzip off;
  open_file_cache max=20000 inactive=120s;

  # Time and space that a client may take.
  client_header_timeout 15s;
  client_body_timeout 30s;
  send_timeout 30s;
  keepalive_timeout 75s;
  keepalive_requests 1000000;
  reset_timedout_connection on;
  client_header_buffer_size 2k;
  large_client_header_buffers 4 16k;
  client_max_body_size {max_body};
  # Strangers are held short: there is not much for them to ask. Known clients only so far that one address cannot take all
  # connections; a whole site may stand behind it, each node with a long poll.
  map $ssl_client_verify $anonymous {{
    NONE $binary_remote_addr;
    default "";
  }}
  limit_conn_zone $binary_remote_addr zone=address:4m;
  limit_conn_zone $anonymous zone=strangers:4m;
  limit_conn address {per_address};
  limit_conn strangers 256;
  limit_conn_status 429;
  limit_req_zone $anonymous zone=anonymous:4m rate=50r/s;
  limit_req zone=anonymous burst=500 nodelay;
  limit_req_status 429;

  upstream weft {{
    server 127.0.0.1:{port} max_fails=0;
    keepalive 64;
    keepalive_requests 1000000;
    keepalive_timeout 30s;
  }}
)",
                  fmt::arg("user", user), fmt::arg("files", files), fmt::arg("folder", folder),
                  // A descriptor for each connection, a waiting node has two: its own and the one to us; the rest is for files.
                  fmt::arg("connections", files - 256), fmt::arg("per_address", files * 3 / 4),
                  fmt::arg("max_body", options.max_body), fmt::arg("port", options.upstream_port));

  out += fmt::format(
      R"(
  server {{
{listen}    server_name _;
    ssl_certificate "{certificate}";
    ssl_certificate_key "{key}";
    ssl_client_certificate "{ca}";
{crl}    ssl_verify_client optional;
    ssl_verify_depth 1;
    ssl_protocols TLSv1.3;
    # A resumed session would skip the revocation list.
    ssl_session_cache off;
    ssl_session_tickets off;

    location / {{
      proxy_pass http://weft;
      proxy_http_version 1.1;
      proxy_connect_timeout 5s;
      proxy_send_timeout 60s;
      proxy_read_timeout 330s;
      proxy_next_upstream off;
      proxy_redirect off;
      proxy_buffer_size 16k;
      proxy_buffers 16 32k;
      proxy_busy_buffers_size 64k;
      proxy_set_header Connection keep-alive;
      proxy_set_header Host weft;
      proxy_set_header Weft-Hop "{hop}";
      proxy_set_header Weft-Client-Verify $ssl_client_verify;
      proxy_set_header Weft-Client-Subject $ssl_client_s_dn;
      proxy_set_header X-Forwarded-For $remote_addr;
      # Pistache refuses or mangles what it parses itself; what matters travels under another name.
      proxy_set_header Weft-Content-Encoding $http_content_encoding;
      proxy_set_header Content-Encoding "";
      proxy_set_header Accept "";
      proxy_set_header Cache-Control "";
      proxy_set_header Date "";
      proxy_set_header Cookie "";
      proxy_set_header Expect "";
      proxy_set_header TE "";
      proxy_set_header Upgrade "";
    }}

    # Reached by X-Accel-Redirect only. The ETag is the application's: nginx's own would miss a rewrite of equal size and second.
    location {internal} {{
      internal;
      alias "{files}/";
      etag off;
      if_modified_since off;
      max_ranges 0;
      add_header ETag $upstream_http_etag;
      add_header Content-Encoding $upstream_http_content_encoding;
      add_header Vary $upstream_http_vary;
      add_header Weft-Manifest $upstream_http_weft_manifest;
    }}

    error_page 495 496 = @certificate;
    location @certificate {{
      {certificate_problem}
    }}
    error_page 413 = @too_large;
    location @too_large {{
      {size_problem}
    }}
    error_page 429 = @too_many;
    location @too_many {{
      {rate_problem}
    }}
    # nginx's own errors only: a body that it cannot write down.
    error_page 500 = @broken;
    location @broken {{
      {broken_problem}
    }}
    error_page 502 504 = @down;
    location @down {{
      {down_problem}
    }}
  }}
}}
)",
      fmt::arg("listen", listen), fmt::arg("certificate", options.certificate.string()), fmt::arg("key", options.key.string()),
      fmt::arg("ca", options.client_ca.string()), fmt::arg("crl", crl), fmt::arg("hop", options.hop_secret),
      fmt::arg("internal", internal_files), fmt::arg("files", options.file_root.string()),
      fmt::arg("certificate_problem",
               problem_answer(403, Errc::denied, "the client certificate is not valid here: another issuer, expired or revoked",
                              "Use a certificate that this Weft server issued.")),
      fmt::arg("size_problem",
               problem_answer(413, Errc::exhausted, fmt::format("the request body is larger than {} bytes", options.max_body),
                              "Send it in smaller parts.")),
      fmt::arg("rate_problem",
               problem_answer(429, Errc::exhausted, "too many requests or connections from this address", "Try again later.")),
      fmt::arg("broken_problem", problem_answer(507, Errc::exhausted, "the server cannot take this request; its disk may be full",
                                                "Nothing was done. Free space below the state folder of weftd and try again.")),
      fmt::arg("down_problem",
               problem_answer(503, Errc::unavailable, "weftd does not answer behind its front; it may be restarting",
                              "Try again in a few seconds.")));
  return out;
}

}  // namespace base::http
