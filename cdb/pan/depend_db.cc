#include "cdb/pan/depend_db.h"

#include <cstring>
#include <unordered_map>

#include "base/crypto/crypto.h"

namespace cdb::pan {

namespace {

using base::Errc;

constexpr std::string_view kFamily = "weft panc depend-db ";
constexpr std::string_view kMagic = "weft panc depend-db 1\n";

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void number(std::uint64_t v) {
    while (v >= 0x80) {
      out_ += static_cast<char>(v | 0x80);
      v >>= 7;
    }
    out_ += static_cast<char>(v);
  }
  // Small negative numbers are small, too.
  void signed_number(std::int64_t v) { number((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63)); }
  void text(std::string_view v) {
    number(v.size());
    out_ += v;
  }
  void digest(const Digest& d) { out_.append(reinterpret_cast<const char*>(d.data()), d.size()); }
  void stamp(const FileStamp& s) {
    signed_number(s.size);
    signed_number(s.modified);
    signed_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(s.changed) - static_cast<std::uint64_t>(s.modified)));
    number(s.inode);
  }
  void rising(const std::vector<std::uint32_t>& list) {
    number(list.size());
    std::uint32_t last = 0;
    for (const std::uint32_t v : list) {
      number(v - last);
      last = v;
    }
  }

 private:
  std::string& out_;
};

// Every read is checked: after the first bad one everything is zero and good() is false.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  bool good() const { return good_; }
  bool at_end() const { return in_.empty(); }
  std::uint64_t number() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) return bad();
      const auto byte = static_cast<unsigned char>(in_.front());
      in_.remove_prefix(1);
      v |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return v;
    }
    return bad();
  }
  std::int64_t signed_number() {
    const std::uint64_t v = number();
    return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
  }
  // A table's rows: at least one byte each, so that a wrong count cannot ask for the moon.
  std::size_t count() {
    const std::uint64_t n = number();
    return n <= in_.size() ? static_cast<std::size_t>(n) : static_cast<std::size_t>(bad());
  }
  std::uint32_t index(std::size_t below) {
    const std::uint64_t v = number();
    return v < below ? static_cast<std::uint32_t>(v) : static_cast<std::uint32_t>(bad());
  }
  std::string_view text() {
    const std::size_t size = count();
    const std::string_view v = in_.substr(0, size);
    in_.remove_prefix(size);
    return v;
  }
  Digest digest() {
    Digest d{};
    if (in_.size() < d.size()) {
      bad();
      return d;
    }
    std::memcpy(d.data(), in_.data(), d.size());
    in_.remove_prefix(d.size());
    return d;
  }
  FileStamp stamp() {
    FileStamp s;
    s.size = signed_number();
    s.modified = signed_number();
    // Wraps around as it was written: a file may claim any time.
    s.changed = static_cast<std::int64_t>(static_cast<std::uint64_t>(s.modified) + static_cast<std::uint64_t>(signed_number()));
    s.inode = number();
    return s;
  }
  std::vector<std::uint32_t> rising(std::size_t below) {
    std::vector<std::uint32_t> list(count());
    std::uint64_t last = 0;
    for (std::uint32_t& v : list) {
      last += number();
      if (last >= below) bad();
      v = good_ ? static_cast<std::uint32_t>(last) : 0;
    }
    return list;
  }

 private:
  std::uint64_t bad() {
    good_ = false;
    in_ = {};
    return 0;
  }
  std::string_view in_;
  bool good_ = true;
};

// Names and folders repeat: each text is written once.
class Texts {
 public:
  std::uint64_t add(std::string_view text) {
    const auto [at, fresh] = numbers_.emplace(text, list.size());
    if (fresh) list.push_back(text);
    return at->second;
  }
  std::vector<std::string_view> list;

 private:
  std::unordered_map<std::string_view, std::uint64_t> numbers_;
};

}  // namespace

bool is_depend_db(std::string_view bytes) {
  return bytes.starts_with(kFamily);
}

std::string encode(const DependDb& db) {
  Texts texts;
  std::string body;
  Writer out(body);
  out.number(db.files.size());
  for (const auto& file : db.files) {
    out.number(texts.add(file.path));
    out.stamp(file.stamp);
    out.digest(file.digest);
    out.number((file.settled ? 1u : 0u) | (file.given ? 2u : 0u));
    if (file.given) out.number(texts.add(file.object));
  }
  out.number(db.lookups.size());
  for (const auto& lookup : db.lookups) {
    out.number(static_cast<std::uint64_t>(lookup.kind) + (lookup.content ? 0 : 2));
    out.number(texts.add(lookup.name));
    out.signed_number(lookup.root);
    out.number(lookup.file == DependDb::kAbsent ? 0 : std::uint64_t{lookup.file} + 1);
  }
  out.number(db.references.size());
  for (const auto& reference : db.references) {
    out.number(texts.add(reference.object));
    out.number(texts.add(reference.path));
    out.digest(reference.digest);
  }
  out.number(db.objects.size());
  for (const auto& object : db.objects) {
    out.number(texts.add(object.name));
    out.rising(object.lookups);
    out.rising(object.references);
    out.digest(object.closure);
    out.number(object.outputs.size());
    for (const auto& output : object.outputs) {
      out.text(output.path);
      out.stamp(output.stamp);
      out.digest(output.digest);
    }
  }
  std::string all(kMagic);
  Writer head(all);
  head.digest(db.options);
  head.number(texts.list.size());
  for (const std::string_view text : texts.list) head.text(text);
  all += body;
  head.digest(base::crypto::sha256(all));
  return all;
}

base::Result<DependDb> decode_depend_db(std::string_view bytes) {
  if (!is_depend_db(bytes)) return base::fail(Errc::invalid, "is no dependency database");
  if (!bytes.starts_with(kMagic)) return base::fail(Errc::invalid, "was written by another version of panc");
  const Digest sum = bytes.size() < kMagic.size() + 64 ? Digest{} : base::crypto::sha256(bytes.substr(0, bytes.size() - 32));
  if (bytes.size() < kMagic.size() + 64 || std::memcmp(sum.data(), bytes.data() + bytes.size() - 32, 32) != 0)
    return base::fail(Errc::corrupt, "is damaged or was cut off");
  Reader in(bytes.substr(kMagic.size(), bytes.size() - kMagic.size() - 32));
  DependDb db;
  db.options = in.digest();
  std::vector<std::string_view> texts(in.count());
  for (auto& text : texts) text = in.text();
  auto text = [&] {
    const std::uint32_t i = in.index(texts.size());
    return in.good() ? std::string(texts[i]) : std::string();
  };
  db.files.resize(in.count());
  for (auto& file : db.files) {
    file.path = text();
    file.stamp = in.stamp();
    file.digest = in.digest();
    const std::uint64_t flags = in.number();
    file.settled = (flags & 1) != 0;
    file.given = (flags & 2) != 0;
    if (file.given) file.object = text();
  }
  db.lookups.resize(in.count());
  for (auto& lookup : db.lookups) {
    const std::uint32_t kind = in.index(4);
    lookup.kind = static_cast<Read::Kind>(kind % 2);
    lookup.content = kind < 2;
    lookup.name = text();
    lookup.root = static_cast<std::int32_t>(in.signed_number());
    const std::uint32_t file = in.index(db.files.size() + 1);
    lookup.file = file == 0 ? DependDb::kAbsent : file - 1;
  }
  db.references.resize(in.count());
  for (auto& reference : db.references) {
    reference.object = text();
    reference.path = text();
    reference.digest = in.digest();
  }
  db.objects.resize(in.count());
  for (auto& object : db.objects) {
    object.name = text();
    object.lookups = in.rising(db.lookups.size());
    object.references = in.rising(db.references.size());
    object.closure = in.digest();
    object.outputs.resize(in.count());
    for (auto& output : object.outputs) {
      output.path = in.text();
      output.stamp = in.stamp();
      output.digest = in.digest();
    }
  }
  if (!in.good() || !in.at_end()) return base::fail(Errc::corrupt, "does not hold together");
  return db;
}

}  // namespace cdb::pan
