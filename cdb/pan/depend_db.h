// What `panc --depend-db FILE` remembers between runs: for each profile that was written, what it read and what was written, by
// content. Used by programs/panc. Pure data; bytes in, bytes out: files are the caller's. One thread.
//
// Format, all numbers LEB128: "weft panc depend-db 1\n", 32 bytes options digest, the tables below in order (each its count, then
// its rows), 32 bytes SHA-256 of everything before. Read sets are rising numbers of look-ups, written as differences: profiles
// share most of them. A file that was cut off, changed or written by another version does not decode.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diag/result.h"
#include "cdb/pan/compiler.h"

namespace cdb::pan {

using Digest = std::array<unsigned char, 32>;

// A file as stat() sees it; nanoseconds. An equal stamp means equal content, once the file has been left alone for a while.
struct FileStamp {
  std::int64_t size = -1;  // -1: no regular file
  std::int64_t modified = 0, changed = 0;
  std::uint64_t inode = 0;
  bool exists() const { return size >= 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct DependDb {
  // A template or text file that was read.
  struct File {
    std::string path;
    FileStamp stamp;
    Digest digest{};
    bool settled = false;  // false: changed so recently that an equal stamp proves nothing
    bool given = false;    // was on the command line and is a template; `object`: its name when it is an object template
    std::string object;
  };
  // One look-up: where `name` was found in the include path up to `root` (-1: all of it).
  struct Lookup {
    Read::Kind kind = Read::Kind::template_file;
    std::string name;
    std::int32_t root = -1;
    std::uint32_t file = kAbsent;  // index into files
    bool content = true;           // false: only where it is counts: an object that is read by path, whose values are references
    friend auto operator<=>(const Lookup&, const Lookup&) = default;
  };
  // What value("object:/path") gave.
  struct Reference {
    std::string object, path;
    Digest digest{};  // zeros: there was nothing
    friend auto operator<=>(const Reference&, const Reference&) = default;
  };
  struct Output {
    std::string path;
    FileStamp stamp;
    Digest digest{};
  };
  struct Object {
    std::string name;
    std::vector<std::uint32_t> lookups;     // rising
    std::vector<std::uint32_t> references;  // rising
    Digest closure{};                       // of all its look-ups with those of the objects it reads: what a .dep file holds
    std::vector<Output> outputs;
  };
  static constexpr std::uint32_t kAbsent = 0xffffffffu;

  Digest options{};
  std::vector<File> files;
  std::vector<Lookup> lookups;
  std::vector<Reference> references;
  std::vector<Object> objects;
};

// Does the text begin like a file of ours, of any version?
bool is_depend_db(std::string_view bytes);
std::string encode(const DependDb& db);
// Errc::corrupt: cut off or changed; Errc::invalid: another version's, or no file of ours at all.
base::Result<DependDb> decode_depend_db(std::string_view bytes);

}  // namespace cdb::pan
