// A worker process for crash tests: `worker URL` drives fake runs until none is due, killed at the fail point in WEFT_FAIL.
#include <cstdio>

#include "tests/unit/leaf/fakes.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto pool = base::pg::Pool::open(argv[1], 4);
  if (!pool) return 3;
  leaf::workflow::PgRunStore store(*pool);
  leaf::workflow::Engine engine(store, tests::leaf::fake_registry(*pool), {});
  try {
    tests::leaf::drive(**pool, engine);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
  return 0;
}
