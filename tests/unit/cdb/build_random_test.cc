// Random edits of a small site: after each one, what the branch holds must be what compiling everything from nothing gives. What
// is missed here would leave a node on an old profile.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "cdb/build/branch.h"
#include "cdb/build/builder.h"
#include "tests/unit/cdb/database.h"

using namespace cdb::build;
using tests::cdb_database::fresh;

namespace {

constexpr std::string_view roots[] = {"", "lib/", "std/"};
constexpr std::string_view prefixes[] = {"", "a/", "b/"};
constexpr int templates = 5, nodes = 6;

struct Files : cdb::pan::Source {
  std::map<std::string, std::string, std::less<>> files;
  std::shared_ptr<const std::string> read(std::string_view path) const override {
    const auto found = files.find(path);
    return found == files.end() ? nullptr : std::make_shared<const std::string>(found->second);
  }
};

class RandomSite {
 public:
  explicit RandomSite(unsigned seed) : random_(seed) {
    files_["weft.yaml"] = "include_path: [\".\", lib, std]\nobjects: [\"profiles/*.pan\", \"more/*.pan\"]\n";
    for (int i = 0; i < templates; ++i) files_["std/t" + std::to_string(i) + ".pan"] = body(i);
    for (int i = 0; i < nodes; ++i) files_["profiles/n" + std::to_string(i) + ".pan"] = node(i);
    files_["std/hidden.pan"] = "object template hidden;\ninclude 't4';\n'/hidden' = value('n0:/of', 'nothing');\n";
  }

  const std::map<std::string, std::string>& files() const { return files_; }

  // One to three files that come, go or change.
  std::vector<Edit> edit() {
    std::map<std::string, std::optional<std::string>> edits;
    for (auto n = 1 + below(3); n > 0; --n) {
      const int i = below(templates), k = below(nodes);
      const auto place = std::string(roots[below(3)]) + std::string(prefixes[below(3)]);
      switch (below(10)) {
        case 0:
        case 1:
        case 2: edits[place + "t" + std::to_string(i) + (below(4) ? ".pan" : ".tpl")] = body(i); break;
        case 3:
        case 4: edits[any("t")] = std::nullopt; break;
        case 5: edits[place + "text.d/motd"] = "text " + std::to_string(below(100)); break;
        case 6: edits[any("text.d/")] = std::nullopt; break;
        case 7: edits["profiles/n" + std::to_string(k) + ".pan"] = node(k); break;
        case 8:
          edits["profiles/n" + std::to_string(k) + ".pan"] = std::nullopt;
          if (below(2)) edits["more/n" + std::to_string(k) + ".pan"] = node(k);
          break;
        default: edits["sms/n" + std::to_string(k) + ".pan"] = sms(k); break;
      }
    }
    std::vector<Edit> out;
    for (auto& [path, content] : edits) {
      if (!path.empty()) out.push_back({path, std::move(content)});
    }
    return out;
  }

  std::map<std::string, std::string> with(const std::vector<Edit>& edits) const {
    auto out = files_;
    for (const auto& edit : edits) {
      if (edit.content) {
        out[edit.path] = *edit.content;
      } else {
        out.erase(edit.path);
      }
    }
    return out;
  }
  void adopt(const std::vector<Edit>& edits) { files_ = with(edits); }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  std::string body(int i) {
    const auto name = "t" + std::to_string(i);
    std::string out = "template " + name + ";\n'/" + name + "' = " + std::to_string(below(3)) + ";\n";
    if (i + 1 < templates && below(2)) out += "include if_exists('t" + std::to_string(i + 1) + "');\n";
    if (below(12) == 0) out += "include 't" + std::to_string(below(templates)) + "';\n";  // may be a circle
    if (below(3) == 0) out += "'/text' = if (file_exists('text.d/motd')) file_contents('text.d/motd') else 'none';\n";
    if (below(25) == 0) out += "'/broken' = NOWHERE;\n";
    return out;
  }

  std::string node(int i) {
    std::string out = "object template n" + std::to_string(i) + ";\n";
    if (below(2)) out += below(2) ? "variable LOADPATH = list('a', 'b');\n" : "variable LOADPATH = list('b');\n";
    out += "include if_exists('t" + std::to_string(below(templates)) + "');\ninclude if_exists('sms/' + OBJECT);\n";
    static constexpr std::string_view paths[] = {"t1", "t4", "of", "sms", "text"};
    const auto path = paths[below(5)];
    switch (below(5)) {
      case 0: out += "'/of' = value('n" + std::to_string(below(nodes)) + ":/" + std::string(path) + "', 'none');\n"; break;
      case 1: out += "'/of' = value('hidden:/" + std::string(below(2) ? "t4" : "hidden") + "', 'none');\n"; break;
      case 2:
        // Only while it is validated: such reads may go in circles.
        out += "type peer = string with exists('n" + std::to_string(below(nodes)) + ":/" + std::string(path) +
               "') || true;\nbind '/peer' = peer;\n'/peer' = 'x';\n";
        break;
      case 3: out += "'/exists' = exists('n" + std::to_string(below(nodes)) + ":/" + std::string(path) + "');\n"; break;
      default: break;
    }
    return out;
  }

  std::string sms(int k) { return "template sms/n" + std::to_string(k) + ";\n'/sms' = " + std::to_string(below(3)) + ";\n"; }

  // An existing file whose name holds `part`; "" when there is none.
  std::string any(std::string_view part) {
    std::vector<std::string> found;
    for (const auto& [path, content] : files_) {
      const auto name = path.substr(path.rfind('/') + 1);
      if (part == "t" ? name.starts_with("t") : path.find(part) != std::string::npos) found.push_back(path);
    }
    return found.empty() ? std::string() : found[static_cast<std::size_t>(below(static_cast<int>(found.size())))];
  }

  std::mt19937 random_;
  std::map<std::string, std::string> files_;
};

// Everything compiled from nothing: node → root, or none when it fails.
std::map<std::string, std::optional<cdb::store::Digest>> compile_all(const std::map<std::string, std::string>& files) {
  auto source = std::make_shared<Files>();
  source->files.insert(files.begin(), files.end());
  const auto site = *parse_site(source->files.at("weft.yaml"));
  std::map<std::string, std::size_t> folders;
  std::vector<std::string> names;
  for (const auto& [path, content] : files) {
    if (!site.is_object(path)) continue;
    ++folders[folder_of(path)];
    names.push_back(*cdb::pan::object_name(content));
  }
  cdb::pan::Options options;
  options.include_path = whole_include_path(site, folders);
  options.threads = 1;
  std::map<std::string, std::optional<cdb::store::Digest>> out;
  cdb::pan::Compiler(source, options).compile(names, [&](cdb::pan::Output&& output) {
    if (output.index >= names.size()) return;
    out[std::string(output.object)] = output.good ? std::optional(output.root) : std::nullopt;
  });
  return out;
}

}  // namespace

TEST_CASE("after random edits every node has the profile that compiling everything would give") {
  std::size_t stored = 0, refused = 0, compiled = 0, changed = 0, could_change = 0;
  int sites = 0;
  for (unsigned seed = 1; sites < 3; ++seed) {
    CAPTURE(seed);
    REQUIRE(seed < 40);
    auto db = fresh();
    const auto publish = [](const std::vector<Fresh>&) { return base::Result<>(); };
    // Two servers in turn: what one learns from the database must be as good as what the other saw itself.
    Builder servers[] = {Builder(db.store, publish), Builder(db.store, publish)};
    RandomSite site(seed);
    Change change;
    change.message = "import";
    change.author = {"person", "alice"};
    for (const auto& [path, content] : site.files()) change.edits.push_back({path, content});
    // The first draft may be broken; then another one is.
    auto outcome = servers[0].change(change);
    REQUIRE(outcome);
    if (outcome->kind != Outcome::Kind::stored) continue;
    ++sites;
    auto before = compile_all(site.files());
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      change.edits = site.edit();
      if (change.edits.empty()) continue;
      std::string shown;
      for (const auto& edit : change.edits) shown += edit.path + ": " + edit.content.value_or("removed\n");
      CAPTURE(shown);
      const auto after = compile_all(site.with(change.edits));
      const auto now = servers[step % 2].change(change);
      if (!now) {
        CHECK(now.error().message.find("names no object") != std::string::npos);
        continue;
      }
      const bool good = std::all_of(after.begin(), after.end(), [](const auto& node) { return node.second.has_value(); });
      // The same node in two folders is refused as well.
      if (now->kind == Outcome::Kind::refused) {
        ++refused;
        const auto& message = now->findings.front().diagnostic.message;
        CHECK((!good || message.find(" is in '") != std::string::npos));
        continue;
      }
      CHECK(good);
      site.adopt(change.edits);
      if (now->kind != Outcome::Kind::stored) continue;
      ++stored;
      for (const auto& [name, root] : after) {
        const auto desired = db.store->desired(name);
        REQUIRE_MESSAGE(desired, name);
        CHECK_MESSAGE(desired->root == root, name);
        changed += !before.contains(name) || before.at(name) != root;
      }
      compiled += now->compiled;
      could_change += after.size();
      before = after;
    }
  }
  MESSAGE(stored << " stored, " << refused << " refused; " << compiled << " compiled of " << could_change << ", " << changed
                 << " changed");
  CHECK(stored > 80);
  CHECK(refused > 10);
  // Edits that change no value (a template written anew as it was read before) are compiled too, but far from everything.
  CHECK(compiled < could_change * 3 / 4);
}
