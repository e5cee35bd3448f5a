// `--depend-db FILE`: which profiles need to be built, and the record of those that were. Used by main.cc; owned by one run.
// load(), plan(), next() and save() from the main thread between engine runs; built() and failed() from any thread during one.
//
// Everything is judged by content, and a FILE that is not to be trusted (cut off, of another version, other options) means that
// everything is built. FILE is replaced as a whole at the end: of two runs at once the last one wins, and what the other one
// wrote is noticed by its content.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/depend_check.h"
#include "cdb/pan/engine.h"
#include "programs/panc/file_source.h"
#include "programs/panc/options.h"

namespace panc {

class Incremental {
 public:
  Incremental(const CommandLine& line, FileSource& files);

  // What a person should know about FILE; "" when all is well.
  std::string load();
  // The object template in a file named on the command line ("" for another kind), when the file is as it was; none: parse it.
  std::optional<std::string> known(const std::string& path);
  // All templates named on the command line that parse, with the names of the object templates ("" for others).
  void give(const std::string& path, const std::string& object);
  // The objects to build, in this order, of those asked for and the ones they read.
  std::vector<std::string> plan(std::span<const std::string> objects);
  // Should the object be written? No when it was already, or is up to date and was built only because another one reads it.
  bool wanted(std::string_view object);
  void built(const cdb::pan::Finished& object, std::vector<cdb::pan::DependDb::Output> outputs);
  void failed(std::string_view object);
  // Objects that read something that has changed; to be called after each run until it is empty.
  std::vector<std::string> next();
  base::Result<> save();
  // "9998 of 10000 profiles were up to date" and for the others one line for each reason.
  std::string report() const;

 private:
  struct Made {
    std::vector<cdb::pan::Read> reads;
    std::vector<cdb::pan::DependDb::Output> outputs;
    cdb::pan::Digest closure{};
  };
  enum class State { fresh, stale };  // not stale: up to date
  const cdb::pan::DependDb::Object* find(std::string_view name) const;
  State visit(const std::string& name);
  void mark(const std::string& name, std::string reason);
  void follow(std::string_view object, const cdb::pan::Value* root, const cdb::pan::Digest& closure);
  void start();

  const CommandLine& line_;
  FileSource& files_;
  bool dep_format_ = false;
  bool foreign_ = false;  // FILE holds something else: it is left alone
  cdb::pan::DependDb db_;
  std::unique_ptr<cdb::pan::DependCheck> check_;
  std::map<std::string, std::string, std::less<>> given_;      // object templates of the command line: name to file
  std::map<std::string, std::string, std::less<>> parsed_;     // files of the command line: file to name, "" for other kinds
  std::unordered_map<std::string_view, std::size_t> by_name_;  // into db_.objects
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> wanted_values_;  // object to references in db_
  std::unordered_map<std::string_view, std::uint32_t> by_path_;                     // into db_.files
  std::vector<char> moved_;                                                         // per reference: has its value changed?

  mutable std::mutex mutex_;
  std::map<std::string, State, std::less<>> visited_;
  std::vector<std::string> todo_;
  std::map<std::string, std::string, std::less<>> reasons_;  // of all that were built
  std::map<std::string, Made, std::less<>> made_;
  std::set<std::string, std::less<>> failed_;
  std::size_t up_to_date_ = 0;
  bool changed_ = false;
};

}  // namespace panc
