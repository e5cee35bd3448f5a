// A profile of templates/example as panc compiles it, so that tests of its readers cannot drift from the schema. For tests that
// are built with WEFT_PANC and WEFT_SOURCE.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file/file.h"
#include "base/process/process.h"
#include "base/profile/json.h"

namespace tests {

inline base::profile::Value example_profile(const std::string& node) {
  std::string folder = (std::filesystem::temp_directory_path() / "weft-example-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string source = WEFT_SOURCE;
  base::process::Command command;
  command.argv = {
      WEFT_PANC, "-I", ".:profiles:" + source + "/schemas/pan", "-o", folder, "-f", "json", "profiles/" + node + ".pan"};
  command.folder = source + "/templates/example";
  const auto outcome = base::process::run(command);
  REQUIRE_MESSAGE((outcome && outcome->status == 0), (outcome ? outcome->out + outcome->err : outcome.error().text()));
  const auto text = base::file::read(folder + "/" + node + ".json");
  std::filesystem::remove_all(folder);
  REQUIRE(text);
  auto profile = base::profile::parse_json(*text);
  REQUIRE(profile);
  return std::move(*profile);
}

}  // namespace tests
