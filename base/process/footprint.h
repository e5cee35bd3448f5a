// Memory of a daemon that has finished something big and now waits. Any thread; cheap enough after each run, not in a loop.
#pragma once

namespace base::process {

// Returns freed heap to the kernel, and drops the pages of programs and libraries that are clean copies of their files: what is
// needed again comes from the page cache. Changes nothing a program can see.
void release_idle_memory();

}  // namespace base::process
