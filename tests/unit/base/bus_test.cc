#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "base/bus/bus.h"

using base::Errc;
using base::bus::Bus;

// What needs a real systemd is tested on real nodes (tests/functional); here: no bus, and the notify protocol.

TEST_CASE("a bus that is not there is unavailable, with the address in the message") {
  for (const char* address : {"unix:path=/nonexistent/socket", "nonsense", "unix:path=/dev/null"}) {
    CAPTURE(address);
    auto bus = Bus::open(address);
    REQUIRE_FALSE(bus);
    CHECK(bus.error().code == Errc::unavailable);
    CHECK(bus.error().message.find(address) != std::string::npos);
  }
}

TEST_CASE("a bus that hangs up during the handshake fails the first call, not the program") {
  char name[] = "/tmp/weft-bus-XXXXXX";
  REQUIRE(::mkdtemp(name));
  const auto path = std::string(name) + "/socket";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 8) == 0);
  auto bus = Bus::open("unix:path=" + path);
  ::close(listener);
  if (bus) {
    CHECK(bus->daemon_reload().error().code == Errc::unavailable);
    CHECK(bus->start("x.service").error().code == Errc::unavailable);
    CHECK(bus->list_units().error().code == Errc::unavailable);
  }
  std::filesystem::remove_all(name);
}

TEST_CASE("notify sends the state to the socket and is silent without one") {
  ::unsetenv("NOTIFY_SOCKET");
  base::bus::notify("READY=1");
  char name[] = "/tmp/weft-notify-XXXXXX";
  REQUIRE(::mkdtemp(name));
  const auto path = std::string(name) + "/socket";
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(receiver, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  base::bus::notify("READY=1\nSTATUS=fine");
  ::unsetenv("NOTIFY_SOCKET");
  char buffer[100] = {};
  CHECK(::recv(receiver, buffer, sizeof buffer, MSG_DONTWAIT) == 19);
  CHECK(std::string(buffer) == "READY=1\nSTATUS=fine");
  ::close(receiver);
  std::filesystem::remove_all(name);
}
