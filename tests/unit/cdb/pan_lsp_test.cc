#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "base/text/text.h"
#include "tests/unit/cdb/pan_lsp_client.h"

using pan_test::Client;
using pan_test::Dict;
using pan_test::Folder;
using pan_test::List;
using pan_test::Value;

namespace {

constexpr int kParseError = -32700, kInvalidRequest = -32600, kNoMethod = -32601, kInvalidParams = -32602,
              kNotInitialized = -32002, kRefused = -32803;

const char* const kTypes =
    "declaration template lib/types;\n"
    "@documentation{ desc = one disk }\n"
    "type disk = { @{ desc = in GiB } 'size' : long(1..) 'name' ? string };\n"
    "type machine = { 'disks' : disk{} 'role' ? choice('a', 'b') };\n"
    "bind '/machine' = machine;\n"
    "@documentation{ desc = doubles a number }\n"
    "function twice = { if (ARGC != 1) error('usage: twice(LONG)'); 2 * ARGV[0]; };\n"
    "variable SITE ?= 'here';\n"
    "variable WHAT = 'types';\n";
const char* const kNode =
    "object template node1;\n"
    "include 'lib/types';\n"
    "'/machine/disks/sda/size' = twice(10);\n"
    "'/machine/role' = 'a';\n"
    "variable COUNT = { total = 0; foreach (k; v; list(1, 2)) { total = total + v; }; total; };\n"
    "'/count' = COUNT;\n"
    "'/site' = SITE;\n";

void fill(const Folder& folder) {
  folder.put("lib/types.pan", kTypes);
  folder.put("profiles/node1.pan", kNode);
}

// "file:line:character" of locations, in order.
std::string places(const Folder& folder, const Value& answer) {
  const Value* result = answer.get("result");
  if (result == nullptr || result->list() == nullptr) return "?";
  std::string out;
  for (const Value& one : *result->list()) {
    std::string uri(one.get_string("uri"));
    const std::string base = folder.uri("");
    if (uri.starts_with(base)) uri = uri.substr(base.size() + 1);
    const Value& start = *one.get("range")->get("start");
    out += (out.empty() ? "" : " ") + uri + ":" + std::to_string(start.get_integer("line")) + ":" +
           std::to_string(start.get_integer("character"));
  }
  return out;
}

std::string labels(const Value& answer) {
  const Value* result = answer.get("result");
  if (result == nullptr) return "?";
  const Value* items = result->get("items");
  const List* list = items != nullptr ? items->list() : result->list();
  std::string out;
  for (const Value& item : *list) out += (out.empty() ? "" : " ") + std::string(item.get_string("label"));
  return out;
}

std::string hover_text(const Value& answer) {
  const Value* result = answer.get("result");
  return result == nullptr || result->get("contents") == nullptr ? std::string()
                                                                 : std::string(result->get("contents")->get_string("value"));
}

std::string replaced(const char* text, std::string_view from, std::string_view to) {
  std::string out(text);
  const auto at = out.find(from);
  REQUIRE(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

// A WorkspaceEdit's "changes": "file:line:character=text".
std::string edits(const Folder& folder, const Value& answer) {
  const Value* result = answer.get("result");
  if (result == nullptr || result->get("changes") == nullptr) return "?";
  std::string out;
  for (const auto& [uri, list] : *result->get("changes")->dict()) {
    for (const Value& edit : *list.list()) {
      const Value& start = *edit.get("range")->get("start");
      out += (out.empty() ? "" : " ") + uri.substr(folder.uri("").size() + 1) + ":" + std::to_string(start.get_integer("line")) +
             ":" + std::to_string(start.get_integer("character")) + "=" + std::string(edit.get_string("newText"));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("life: initialize, shutdown, exit") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  CHECK(client.error("textDocument/hover", Dict{}) == kNotInitialized);
  client.notify("textDocument/didOpen", Dict{});
  const Value answer = client.initialize();
  CHECK(answer.get("capabilities")->get_boolean("hoverProvider"));
  CHECK(answer.get("serverInfo")->get_string("name") == "weft pan lsp");
  CHECK(client.error("initialize", Dict{}) == kInvalidRequest);
  CHECK(client.error("textDocument/nothing", Dict{}) == kNoMethod);
  CHECK(client.result("shutdown", nullptr).is_null());
  CHECK(client.error("textDocument/hover", Dict{}) == kInvalidRequest);
  client.notify("exit", nullptr);
  CHECK(client.exit_code() == 0);
}

TEST_CASE("life: exit without shutdown is a failure, the end of the stream is not") {
  const Folder folder;
  {
    Client client(folder);
    client.notify("exit", nullptr);
    CHECK(client.exit_code() == 1);
  }
  {
    Client client(folder);
    client.initialize();
    client.send_bytes("Content-Length: 100\r\n\r\n{");
    CHECK(client.exit_code() == 0);
  }
}

TEST_CASE("malformed messages are answered by JSON-RPC's codes and the server goes on") {
  const Folder folder;
  Client client(folder);
  const auto code = [&](const std::string& body) {
    client.send(body);
    return client.wait([](const Value& message) { return message.get("error") != nullptr; }).get("error")->get_integer("code");
  };
  CHECK(code("{") == kParseError);
  CHECK(code("") == kParseError);
  CHECK(code("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2}") == kParseError);
  CHECK(code(std::string(1000, '[')) == kParseError);
  CHECK(code(std::string("{\"a\":\"\xff\"}")) == kParseError);
  CHECK(code("[]") == kInvalidRequest);
  CHECK(code("3") == kInvalidRequest);
  CHECK(code("{\"id\":1,\"method\":\"initialize\"}") == kInvalidRequest);
  CHECK(code("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"initialize\"}") == kInvalidRequest);
  CHECK(code("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}") == kInvalidRequest);
  CHECK(code("{\"jsonrpc\":\"2.0\",\"id\":1}") == kInvalidRequest);
  CHECK(code(std::string(200'000, ' ')) == kParseError);
  client.send_bytes("hello\r\n\r\n");
  CHECK(client.wait([](const Value& message) { return message.get("error") != nullptr; }).get("error")->get_integer("code") ==
        kParseError);
  CHECK(client.initialize().is_dict());
  client.send("{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":null}");
  client.send("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
  CHECK(client.result("workspace/symbol", Dict{{"query", ""}}).list() != nullptr);
}

TEST_CASE("wrong parameters are refused, each by name") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  client.open("profiles/node1.pan", kNode);
  const Dict document{{"uri", folder.uri("profiles/node1.pan")}};
  for (const char* method :
       {"textDocument/definition", "textDocument/references", "textDocument/documentHighlight", "textDocument/hover",
        "textDocument/signatureHelp", "textDocument/completion", "textDocument/prepareRename", "textDocument/rename"}) {
    CAPTURE(std::string(method));
    CHECK(client.error(method, nullptr) == kInvalidParams);
    CHECK(client.error(method, List{}) == kInvalidParams);
    CHECK(client.error(method, Dict{{"textDocument", 3}}) == kInvalidParams);
    CHECK(client.error(method, Dict{{"textDocument", document}}) == kInvalidParams);
    CHECK(client.error(method, Dict{{"textDocument", document}, {"position", Dict{{"line", -1}, {"character", 0}}}}) ==
          kInvalidParams);
    CHECK(client.error(method, Dict{{"textDocument", Dict{{"uri", "file:///nowhere.pan"}}},
                                    {"position", Dict{{"line", 0}, {"character", 0}}}}) == kInvalidParams);
  }
  for (const char* method :
       {"textDocument/documentSymbol", "textDocument/formatting", "textDocument/foldingRange", "textDocument/codeAction"}) {
    CAPTURE(std::string(method));
    CHECK(client.error(method, Dict{}) == kInvalidParams);
    CHECK(client.error(method, Dict{{"textDocument", Dict{{"uri", "file:///nowhere.pan"}}}}) == kInvalidParams);
  }
  CHECK(client.error("workspace/symbol", Dict{}) == kInvalidParams);
  client.notify("textDocument/didChange", Dict{{"textDocument", document}, {"contentChanges", 3}});
  const Value log = client.wait([](const Value& message) { return message.get_string("method") == "window/logMessage"; });
  CHECK(log.get("params")->get_string("message") == "textDocument/didChange: 'contentChanges' must be a list");
  // A place behind the end is the end.
  CHECK(
      client.call("textDocument/hover", Dict{{"textDocument", document}, {"position", Dict{{"line", 9999}, {"character", 9999}}}})
          .get("result")
          ->is_null());
}

TEST_CASE("options: what is wrong in them is said") {
  const Folder folder;
  {
    Client client(folder);
    CHECK(client.error("initialize", Dict{{"rootUri", folder.uri("")},
                                          {"initializationOptions", Dict{{"no_rules", List{"nlits"}}}}}) == kInvalidParams);
    CHECK(client.error("initialize", Dict{{"rootUri", folder.uri("")}, {"initializationOptions", Dict{{"include_path", "x"}}}}) ==
          kInvalidParams);
    CHECK(client.error("initialize", Dict{{"rootUri", folder.uri("")}, {"initializationOptions", Dict{{"objects", List{1}}}}}) ==
          kInvalidParams);
    client.initialize(Dict{{"inclde_path", List{}}});
    const Value log = client.wait([](const Value& message) { return message.get_string("method") == "window/logMessage"; });
    CHECK(log.get("params")->get_string("message") == "initializationOptions has no 'inclde_path' (did you mean include_path?)");
  }
  {
    Client client(folder);
    client.initialize(Dict{{"include_path", List{"nowhere"}}});
    const Value log = client.wait([](const Value& message) { return message.get_string("method") == "window/logMessage"; });
    CHECK(log.get("params")->get_string("message").find("nowhere on the include path does not exist") != std::string::npos);
    client.open("a.pan", "template a;\ninclude 'b';\n");
    CHECK(client.diagnostics("a.pan", "") == "");
  }
  {
    folder.put("broken/a.pan", "template a;\n");
    Client client(folder);
    client.result("initialize", Dict{{"rootUri", folder.uri("broken")}});
    const Value log = client.wait([](const Value& message) { return message.get_string("method") == "window/logMessage"; });
    CHECK(log.get("params")->get_string("message") == "weft.yaml is wrong");
  }
  {
    Client client(folder);
    client.result("initialize", Dict{{"rootUri", nullptr}});
    client.open("a.pan", "template a;\nvariable X = nlist(;\n");
    CHECK(client.diagnostics("a.pan", "syntax").find("syntax:1") != std::string::npos);
  }
  {
    Client client(folder);
    client.initialize(Dict{{"no_rules", List{"nlist", "unused-variable"}}});
    client.open("a.pan", "template a;\nvariable X = nlist();\n");
    CHECK(client.diagnostics("a.pan", "") == "");
  }
}

TEST_CASE("diagnostics as one types: syntax and lint at once, profiles soon after") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  client.open("profiles/node1.pan", kNode);
  CHECK(client.diagnostics("profiles/node1.pan", "") == "");
  client.change("profiles/node1.pan", replaced(kNode, "twice(10);", "twice(10;"));
  CHECK(client.diagnostics("profiles/node1.pan", "syntax").starts_with("syntax:2"));
  client.change("profiles/node1.pan", replaced(kNode, "twice(10)", "twcie(10)"));
  CHECK(client.diagnostics("profiles/node1.pan", "undefined-function") == "undefined-function:2");
  client.change("profiles/node1.pan", replaced(kNode, "twice(10)", "'ten'"));
  CHECK(client.diagnostics("profiles/node1.pan", "validation error") == "validation error:2");
  client.change("profiles/node1.pan", kNode);
  CHECK(client.diagnostics("profiles/node1.pan", "") == "");
  // An edit of a file that a profile includes.
  client.open("lib/types.pan", kTypes);
  client.change("lib/types.pan", replaced(kTypes, "2 * ARGV[0]", "-2 * ARGV[0]"));
  CHECK(client.diagnostics("profiles/node1.pan", "validation error") == "validation error:2");
  // Closed without being saved: the disk's text counts again.
  client.notify("textDocument/didClose", Dict{{"textDocument", Dict{{"uri", folder.uri("lib/types.pan")}}}});
  CHECK(client.diagnostics("profiles/node1.pan", "") == "");
  // A file that another program changed.
  folder.put("lib/types.pan", replaced(kTypes, "function twice", "function thrice"));
  client.notify("workspace/didChangeWatchedFiles",
                Dict{{"changes", List{Dict{{"uri", folder.uri("lib/types.pan")}, {"type", 2}}}}});
  CHECK(client.diagnostics("profiles/node1.pan", "undefined-function") == "undefined-function:2");
  folder.put("lib/types.pan", kTypes);
  client.notify("workspace/didChangeWatchedFiles",
                Dict{{"changes", List{Dict{{"uri", folder.uri("lib/types.pan")}, {"type", 2}}}}});
  CHECK(client.diagnostics("profiles/node1.pan", "") == "");
}

TEST_CASE("definitions") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto go = [&](std::string_view from, std::string_view to) {
    return places(folder, client.at("textDocument/definition", "profiles/node1.pan", replaced(kNode, from, to)));
  };
  CHECK(go("twice", "tw|ice") == "lib/types.pan:6:9");
  CHECK(go("= SITE", "= SITE|") == "lib/types.pan:7:9");
  CHECK(go("'lib/types'", "'lib/ty|pes'") == "lib/types.pan:0:21");
  CHECK(go("'lib/types'", "{ 'lib/' + WHAT +| '' }") == "lib/types.pan:0:21");
  CHECK(go("'lib/types'", "'lib/|nothing'") == "");
  CHECK(go("total;", "to|tal;") == "profiles/node1.pan:4:19");
  CHECK(go("disks/sda/size", "disks/sda/si|ze") == "lib/types.pan:2:33");
  CHECK(go("disks/sda", "di|sks/sda") == "lib/types.pan:3:17");
  CHECK(go("/machine/role", "/mach|ine/role") == "lib/types.pan:3:15");
  CHECK(go("list(1", "li|st(1") == "");
  CHECK(go("object", "obj|ect") == "");
  CHECK(places(folder, client.at("textDocument/definition", "lib/types.pan", replaced(kTypes, "= machine;", "= mach|ine;"))) ==
        "lib/types.pan:3:5");
}

TEST_CASE("references and highlights") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto all = [&](std::string_view from, std::string_view to, bool declaration = true) {
    return places(folder, client.at("textDocument/references", "profiles/node1.pan", replaced(kNode, from, to),
                                    Dict{{"context", Dict{{"includeDeclaration", declaration}}}}));
  };
  CHECK(all("twice", "tw|ice") == "lib/types.pan:6:9 profiles/node1.pan:2:28");
  CHECK(all("twice", "tw|ice", false) == "profiles/node1.pan:2:28");
  CHECK(all("v; list", "|v; list") == "profiles/node1.pan:4:42 profiles/node1.pan:4:75");
  CHECK(all("'lib/types'", "'lib/ty|pes'") == "profiles/node1.pan:1:8");
  CHECK(all("/machine/role", "/mach|ine/role") == "lib/types.pan:4:5 profiles/node1.pan:2:0 profiles/node1.pan:3:0");
  CHECK(all("list(1", "li|st(1") == "profiles/node1.pan:4:45");
  CHECK(all("object", "obj|ect") == "");
  const Value marks = client.at("textDocument/documentHighlight", "profiles/node1.pan", replaced(kNode, "= COUNT", "= COU|NT"));
  CHECK(marks.get("result")->list()->size() == 2);
}

TEST_CASE("hover") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  client.open("profiles/node1.pan", kNode);
  CHECK(client.diagnostics("profiles/node1.pan", "") == "");
  const auto text = [&](std::string_view from, std::string_view to) {
    return hover_text(client.at("textDocument/hover", "profiles/node1.pan", replaced(kNode, from, to)));
  };
  CHECK(text("twice", "tw|ice").find("doubles a number") != std::string::npos);
  CHECK(text("twice", "tw|ice").find("defined in lib/types") != std::string::npos);
  CHECK(text("sda/size", "sda/si|ze").find("in GiB") != std::string::npos);
  CHECK(text("sda/size", "sda/si|ze").find("type long, required, from lib/types") != std::string::npos);
  CHECK(text("list(1", "li|st(1").find("list([value]...): list") != std::string::npos);
  CHECK(text("'/count'", "'/co|unt'").find("no type is bound here") != std::string::npos);
  CHECK(text("'lib/types'", "'lib/ty|pes'").find("declaration template lib/types") != std::string::npos);
  CHECK(text("total;", "to|tal;") == "local variable total");
  CHECK(text("list(1", "SELF| + list(1").find("value") != std::string::npos);
  CHECK(text("object", "obj|ect") == "");
  const auto types = [&](std::string_view from, std::string_view to) {
    return hover_text(client.at("textDocument/hover", "lib/types.pan", replaced(kTypes, from, to)));
  };
  CHECK(types("disk{}", "di|sk{}").find("one disk") != std::string::npos);
  CHECK(types("long(", "lo|ng(").find("A whole number") != std::string::npos);
  CHECK(types("'size'", "'si|ze'").find("in GiB") != std::string::npos);
}

TEST_CASE("hover shows what a compiled profile has") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  std::string text = kNode;
  client.open("profiles/node1.pan", text);
  // A wrong text and back: when its diagnostics have come and gone, the profile is about to be compiled.
  client.change("profiles/node1.pan", replaced(kNode, "twice(10)", "'ten'"));
  client.diagnostics("profiles/node1.pan", "validation error");
  client.change("profiles/node1.pan", text);
  client.diagnostics("profiles/node1.pan", "");
  std::string shown;
  for (int tries = 0; tries < 200 && shown.find("node1: 20") == std::string::npos; ++tries) {
    if (tries != 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    shown = hover_text(client.call("textDocument/hover", Dict{{"textDocument", Dict{{"uri", folder.uri("profiles/node1.pan")}}},
                                                              {"position", Client::place(text, text.find("sda/size") + 5)}}));
  }
  CHECK(shown.find("node1: 20") != std::string::npos);
}

TEST_CASE("completion") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto offered = [&](const std::string& text) {
    return labels(
        client.at("textDocument/completion", "profiles/node1.pan", "object template node1;\ninclude 'lib/types';\n" + text));
  };
  CHECK(offered("'/machine/|'") == "disks role");
  CHECK(offered("'/machine/|") == "disks role");
  CHECK(offered("'/machine/di|'") == "disks");
  CHECK(offered("'/machine/disks/sda/|") == "size name");
  CHECK(offered("'/machine/disks/{x/y}/n|") == "name");
  CHECK(offered("prefix '/machine';\n'disks/sda/|' = 1;") == "size name");
  CHECK(offered("'|'") == "");
  CHECK(offered("'/m|") == "machine");
  CHECK(offered("'/x' = value('/machine/r|'") == "role");
  CHECK(offered("include '|'") == "lib/types node1");
  CHECK(offered("include { 'li|") == "lib/types");
  CHECK(offered("'/x' = create('li|") == "lib/types");
  CHECK(offered("'/x' = 'li|") == "");
  CHECK(offered("variable X = { subtotal = 1; subt|") == "subtotal");
  CHECK(offered("variable X = twi|") == "twice");
  CHECK(offered("variable X = SIT|") == "SITE");
  CHECK(offered("variable X = to_l|") == "to_long to_lowercase");
  CHECK(offered("fore|") == "foreach");
  CHECK(offered("type t = { 'a' : dis|") == "disk");
  CHECK(offered("bind '/x' = mach|") == "machine");
  CHECK(offered("bind '/x' = str|") == "string");
  CHECK(offered("# twi|") == "");
  CHECK(offered("variable X = <<EOF;\ntwi|\nEOF\n") == "");
  CHECK(offered("|").find("variable") != std::string::npos);
}

TEST_CASE("signature help") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto help = [&](const std::string& text) {
    const Value answer = client.at("textDocument/signatureHelp", "profiles/node1.pan", "object template node1;\n" + text);
    const Value& result = *answer.get("result");
    return result.is_null() ? std::string()
                            : std::string(result.get("signatures")->list()->front().get_string("label")) + " " +
                                  std::to_string(result.get_integer("activeParameter"));
  };
  CHECK(help("variable X = substr('a', |") == "substr(text, start, [length]): string 1");
  CHECK(help("variable X = substr('a,b', length(list(1, 2)), |") == "substr(text, start, [length]): string 2");
  CHECK(help("variable X = substr((1 + |") == "substr(text, start, [length]): string 0");
  CHECK(help("variable X = format('%s', 1, 2, |") == "format(format, value...): string 1");
  CHECK(help("variable X = twice(|") == "twice(...) 0");
  CHECK(help("variable X = nothing(|") == "");
  CHECK(help("variable X = substr('a'); |") == "");
  CHECK(help("|") == "");
}

TEST_CASE("symbols of a document and of the tree") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  client.open("lib/types.pan", kTypes);
  const Value answer =
      client.result("textDocument/documentSymbol", Dict{{"textDocument", Dict{{"uri", folder.uri("lib/types.pan")}}}});
  std::string names;
  for (const Value& symbol : *answer.list()) {
    names += std::string(symbol.get_string("name"));
    if (const Value* children = symbol.get("children")) names += "(" + std::to_string(children->list()->size()) + ")";
    names += " ";
  }
  CHECK(names == "lib/types disk(2) machine(2) /machine twice SITE WHAT ");
  const auto found = [&](const char* query) {
    std::string out;
    const Value listed = client.result("workspace/symbol", Dict{{"query", query}});
    for (const Value& symbol : *listed.list()) out += std::string(symbol.get_string("name")) + " ";
    return out;
  };
  CHECK(found("COUNT") == "COUNT ");
  CHECK(found("isk") == "disk ");
  CHECK(found("no such name") == "");
}

TEST_CASE("rename") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto rename = [&](std::string_view from, std::string_view to, const char* name) {
    return client.at("textDocument/rename", "profiles/node1.pan", replaced(kNode, from, to), Dict{{"newName", name}});
  };
  CHECK(edits(folder, rename("twice", "tw|ice", "doubled")) == "lib/types.pan:6:9=doubled profiles/node1.pan:2:28=doubled");
  CHECK(edits(folder, rename("= SITE", "= SI|TE", "PLACE")) == "lib/types.pan:7:9=PLACE profiles/node1.pan:6:10=PLACE");
  CHECK(edits(folder, rename("total;", "to|tal;", "sum")) ==
        "profiles/node1.pan:4:19=sum profiles/node1.pan:4:59=sum profiles/node1.pan:4:67=sum profiles/node1.pan:4:81=sum");
  CHECK(edits(folder, rename("twice", "tw|ice", "twice")) == "");
  const auto refused = [&](std::string_view from, std::string_view to, const char* name) {
    const Value answer = rename(from, to, name);
    return answer.get("error") == nullptr ? std::string("-") : std::string(answer.get("error")->get_string("message"));
  };
  CHECK(refused("twice", "tw|ice", "2nd").starts_with("'2nd' is no name"));
  CHECK(refused("twice", "tw|ice", "").starts_with("'' is no name"));
  CHECK(refused("twice", "tw|ice", "a b").starts_with("'a b' is no name"));
  CHECK(refused("twice", "tw|ice", "foreach") == "'foreach' is a word of the language");
  CHECK(refused("twice", "tw|ice", "length") == "length() is a function of Pan itself");
  CHECK(refused("= SITE", "= SI|TE", "COUNT") == "there is a variable COUNT already");
  CHECK(refused("= SITE", "= SI|TE", "SELF") == "'SELF' is set by the compiler");
  CHECK(refused("= COUNT", "= COU|NT", "total") == "-");
  CHECK(refused("total;", "to|tal;", "v") == "there is a local variable v already");
  CHECK(refused("total;", "to|tal;", "SITE").starts_with("there is a global variable SITE"));
  CHECK(refused("list(1", "li|st(1", "x") == "list() is a function of Pan itself");
  CHECK(refused("'/count'", "'/co|unt'", "x").starts_with("paths and fields cannot be renamed"));
  CHECK(refused("'lib/types'", "'lib|/types'", "x") == "templates are renamed with their files");
  CHECK(refused("object", "ob|ject", "x") == "there is no name here");
  CHECK(refused("= SITE", "= STI|E", "x") == "no template of this tree defines variable STIE");
  const Value prepared = client.at("textDocument/prepareRename", "profiles/node1.pan", replaced(kNode, "twice", "tw|ice"));
  CHECK(prepared.get("result")->get_string("placeholder") == "twice");
  CHECK(client.at("textDocument/prepareRename", "profiles/node1.pan", replaced(kNode, "object", "ob|ject"))
            .get("error")
            ->get_integer("code") == kRefused);
  // A local variable of the new name where the global one is used.
  const Value hidden =
      client.at("textDocument/rename", "profiles/node1.pan",
                replaced(kNode, "total = 0; foreach", "total = 0; total = SI|TE; foreach"), Dict{{"newName", "total"}});
  CHECK(hidden.get("error")->get_string("message").find("has a local variable total where SITE is used") != std::string::npos);
}

TEST_CASE("formatting") {
  const Folder folder;
  Client client(folder);
  client.initialize();
  const auto formatted = [&](const std::string& text) {
    client.open("a.pan", text);
    return client.call("textDocument/formatting", Dict{{"textDocument", Dict{{"uri", folder.uri("a.pan")}}},
                                                       {"options", Dict{{"tabSize", 4}, {"insertSpaces", true}}}});
  };
  const Value edit = formatted("template a;\n\nvariable X   =  1;\n");
  REQUIRE(edit.get("result")->list()->size() == 1);
  CHECK(edit.get("result")->list()->front().get_string("newText") == "variable X = 1;\n");
  CHECK(edit.get("result")->list()->front().get("range")->get("start")->get_integer("line") == 2);
  CHECK(formatted("template a;\n\nvariable X = 1;\n").get("result")->list()->empty());
  CHECK(formatted("template a;\n\nvariable X = (1;\n").get("error")->get_integer("code") == kRefused);
}

TEST_CASE("quick fixes") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize();
  const auto titles = [&](const std::string& text) {
    client.open("a.pan", text);
    const Value list = client.result(
        "textDocument/codeAction",
        Dict{{"textDocument", Dict{{"uri", folder.uri("a.pan")}}},
             {"range", Dict{{"start", Dict{{"line", 1}, {"character", 0}}}, {"end", Dict{{"line", 1}, {"character", 90}}}}},
             {"context", Dict{{"diagnostics", List{}}}}});
    std::string out;
    for (const Value& action : *list.list()) out += std::string(action.get_string("title")) + "; ";
    return out;
  };
  CHECK(titles("template a;\n'/x' = nlist();\n") == "write dict; allow nlist in this line; ");
  CHECK(titles("template a;\n'/x' = twcie(1);\n") == "change to twice; allow undefined-function in this line; ");
  CHECK(titles("template a;\ninclude 'lib/tpyes';\n") == "change to lib/types; allow missing-include in this line; ");
  CHECK(titles("template a;\n\n'/x' = nlist();\n") == "");
  CHECK(titles("template a;\n'/x' = (;\n") == "");
}

TEST_CASE("folding") {
  const Folder folder;
  Client client(folder);
  client.initialize();
  client.open("a.pan", "# one\n# two\ntemplate a;\nvariable X = {\n  if (true) {\n    1;\n  };\n};\n");
  std::string out;
  const Value listed = client.result("textDocument/foldingRange", Dict{{"textDocument", Dict{{"uri", folder.uri("a.pan")}}}});
  for (const Value& range : *listed.list())
    out += std::to_string(range.get_integer("startLine")) + "-" + std::to_string(range.get_integer("endLine")) +
           std::string(range.get_string("kind")) + " ";
  CHECK(out.find("3-7 ") != std::string::npos);
  CHECK(out.find("4-6 ") != std::string::npos);
  CHECK(out.find("0-1comment ") != std::string::npos);
}

TEST_CASE("every half of a text is answered at every place") {
  const Folder folder;
  fill(folder);
  Client client(folder);
  client.initialize(Dict{{"compile", false}});
  const std::string text =
      "object template node1;\nvariable X = { a = nlist('b', 1); f(a[0], \"c\\\"\"); <<E; };\nx\nE\ntype t = { 'f' ? string[] "
      "};\nprefix '/m{';\n'n/{o}' = create('s";
  for (std::size_t size = 1; size <= text.size(); size += 3) {
    const std::string half = text.substr(0, size);
    client.open("profiles/node1.pan", half);
    const Dict document{{"uri", folder.uri("profiles/node1.pan")}};
    for (const std::size_t cursor : {size, size / 2}) {
      const Dict params{{"textDocument", document}, {"position", Client::place(half, cursor)}, {"newName", "zz"}};
      for (const char* method :
           {"textDocument/definition", "textDocument/references", "textDocument/documentHighlight", "textDocument/hover",
            "textDocument/signatureHelp", "textDocument/completion", "textDocument/rename"}) {
        const std::int64_t code = client.error(method, params);
        CHECK((code == 0 || code == kRefused));
      }
    }
    CHECK(client.error("textDocument/documentSymbol", Dict{{"textDocument", document}}) == 0);
    CHECK(client.error("textDocument/foldingRange", Dict{{"textDocument", document}}) == 0);
  }
}
