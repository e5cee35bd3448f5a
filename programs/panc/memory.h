// How the process gets its memory from the system. Called once by main() before threads begin.
#pragma once

#include <cstddef>

namespace panc {

// For a run that ends within a tenth of a second, asking for memory page by page is a third of the time: one arena, grown in a
// large step, on large pages where the system offers them. Long runs keep an arena per thread. Failure changes nothing but speed.
void prepare_memory(std::size_t objects);

}  // namespace panc
