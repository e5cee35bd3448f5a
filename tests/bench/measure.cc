// measure COMMAND ARGUMENTS...: runs it and prints "wall cpu memory" (seconds, seconds of user and system, MB at most) on
// standard error's last line; ends with its status. For scripts: a child that Python starts counts Python's own memory as its
// own.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstring>

extern char** environ;

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: measure COMMAND ARGUMENTS...\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (const int error = posix_spawnp(&child, argv[1], nullptr, nullptr, argv + 1, environ); error != 0) {
    std::fprintf(stderr, "measure: %s: %s\n", argv[1], std::strerror(error));
    return 127;
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) return 127;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  std::fprintf(stderr, "%.3f %.3f %.1f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
               seconds(usage.ru_utime) + seconds(usage.ru_stime), static_cast<double>(usage.ru_maxrss) / 1024);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
