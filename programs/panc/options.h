// panc's command line: the reference compiler's long options, some short ones of our own, and @listfile. Used by main.cc. Wrong
// usage is an error for exit status 2.
#pragma once

#include <string>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/compiler.h"
#include "cdb/pan/output.h"

namespace panc {

struct CommandLine {
  cdb::pan::Options compiler;
  std::vector<std::string> include_path;  // absolute
  std::string output_dir = ".";
  std::vector<cdb::pan::OutputFormat> formats;
  std::vector<std::string> files;
  std::vector<std::string> explain;  // paths; not empty: nothing is written
  bool json = false;
  std::string depend_db;  // "": build everything, record nothing
  bool rebuild = false;
  bool verbose = false;
  bool help = false;
  bool man = false;
  bool version = false;
};

base::Result<CommandLine> parse_command_line(int argc, char** argv);
std::string usage();
void print_manual();  // roff on stdout

}  // namespace panc
