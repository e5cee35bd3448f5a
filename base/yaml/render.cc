#include <yaml-cpp/emitter.h>

#include "base/profile/json.h"
#include "base/yaml/scalar.h"
#include "base/yaml/yaml.h"

namespace base::yaml {
namespace {

void text(YAML::Emitter& out, const std::string& value) {
  if (safe_plain(value)) {
    out << value;
  } else {
    out << YAML::DoubleQuoted << value;
  }
}

void emit(YAML::Emitter& out, const profile::Value& value) {
  switch (value.type()) {
    case profile::Type::null: out << YAML::Null; break;
    case profile::Type::boolean: out << *value.boolean(); break;
    // Numbers in our canonical text: the emitter's own precision would change doubles.
    case profile::Type::integer:
    case profile::Type::real: out << profile::to_json(value); break;
    case profile::Type::string: text(out, *value.string()); break;
    case profile::Type::list:
      if (value.list()->empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& item : *value.list()) emit(out, item);
      out << YAML::EndSeq;
      break;
    case profile::Type::dict:
      if (value.dict()->empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& [key, child] : *value.dict()) {
        out << YAML::Key;
        text(out, key);
        out << YAML::Value;
        emit(out, child);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

std::string render(const profile::Value& value) {
  YAML::Emitter out;
  out.SetIndent(2);
  out.SetNullFormat(YAML::LowerNull);
  emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace base::yaml
