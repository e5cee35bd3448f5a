#include "monitor/metric/text.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

namespace monitor::metric {
namespace {

using base::Errc;

// One line of samples, read from the left. Every function returns false when the text is not what it must be.
class Line {
 public:
  explicit Line(std::string_view rest) : rest_(rest) {}

  std::string_view word() {
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] != ' ' && rest_[n] != '\t' && rest_[n] != '{' && rest_[n] != '=' && rest_[n] != ',' &&
           rest_[n] != '}')
      ++n;
    auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  void spaces() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool quoted(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (rest_.empty()) return false;
        c = rest_[0];
        rest_.remove_prefix(1);
        if (c == 'n')
          c = '\n';
        else if (c != '\\' && c != '"')
          return false;
      }
      out += c;
    }
    return false;
  }
  bool end() {
    spaces();
    return rest_.empty();
  }

 private:
  std::string_view rest_;
};

bool read_number(std::string_view word, double& out) {
  if (word == "NaN") {
    out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (word == "+Inf" || word == "Inf" || word == "-Inf") {
    out = word[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    return true;
  }
  if (!word.empty() && word[0] == '+') word.remove_prefix(1);
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  return error == std::errc() && end == word.data() + word.size() && std::isfinite(out);
}

// "" when the line is right, else what is wrong.
std::string_view read_sample(Line line, Sample& out) {
  out.series.name = line.word();
  if (!valid_name(out.series.name)) return "no metric name";
  line.spaces();
  if (line.take('{')) {
    line.spaces();
    while (!line.take('}')) {
      std::string name(line.word()), value;
      line.spaces();
      if (!valid_label_name(name) || name == "__name__") return "bad label name";
      if (!line.take('=')) return "label without '='";
      line.spaces();
      if (!line.quoted(value)) return "label value is not a closed string";
      if (!find(out.series.labels, name).empty()) return "label given twice";
      set(out.series.labels, name, std::move(value));
      line.spaces();
      if (line.take(','))
        line.spaces();
      else if (line.take('}'))
        break;
      else
        return "labels are not closed";
    }
  }
  line.spaces();
  if (!read_number(line.word(), out.value)) return "no number";
  if (line.end()) return {};
  double stamp;
  if (!read_number(line.word(), stamp) || !line.end()) return "text behind the value";
  return {};
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  // Whole numbers stay readable: byte counts, not 1.6e+10.
  if (value == std::floor(value) && std::fabs(value) < 9007199254740992.0)
    return std::to_string(static_cast<std::int64_t>(value));
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return error == std::errc() ? std::string(buffer, end) : std::string("NaN");
}

std::string to_text(const std::vector<Sample>& samples, const std::function<std::string_view(std::string_view name)>& help) {
  std::map<std::string_view, std::size_t> index;
  std::vector<std::vector<const Sample*>> groups;
  for (const Sample& sample : samples) {
    auto [it, fresh] = index.emplace(sample.series.name, groups.size());
    if (fresh) groups.emplace_back();
    groups[it->second].push_back(&sample);
  }
  std::string out;
  for (const auto& group : groups) {
    const std::string& name = group.front()->series.name;
    std::string_view about = help ? help(name) : std::string_view();
    if (!about.empty()) out += fmt::format("# HELP {} {}\n", name, about);
    out += fmt::format("# TYPE {} {}\n", name, kind_name(group.front()->kind));
    for (const Sample* sample : group) out += sample->series.text() + ' ' + number_text(sample->value) + '\n';
  }
  return out;
}

base::Result<std::vector<Sample>> parse_text(std::string_view text, const TextLimits& limits) {
  std::vector<Sample> out;
  std::map<std::string, Kind, std::less<>> kinds;
  for (int number = 1; !text.empty(); ++number) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.size() > limits.line)
      return base::fail(Errc::exhausted, fmt::format("line {}: longer than {} bytes", number, limits.line));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (line[0] == '#') {
      if (!line.starts_with("# TYPE ")) continue;
      line.remove_prefix(7);
      std::size_t space = line.find(' ');
      if (space == std::string_view::npos) return base::fail(Errc::invalid, fmt::format("line {}: TYPE without a type", number));
      std::string_view kind = line.substr(space + 1);
      kinds[std::string(line.substr(0, space))] = kind == "counter" ? Kind::counter
                                                  : kind == "gauge" ? Kind::gauge
                                                                    : Kind::untyped;
      continue;
    }
    if (out.size() == limits.samples)
      return base::fail(Errc::exhausted, fmt::format("line {}: more than {} samples", number, limits.samples));
    Sample sample;
    if (auto wrong = read_sample(Line(line), sample); !wrong.empty())
      return base::fail(Errc::invalid, fmt::format("line {}: {}", number, wrong),
                        "write Prometheus text: name{label=\"value\"} number");
    if (auto kind = kinds.find(sample.series.name); kind != kinds.end()) sample.kind = kind->second;
    out.push_back(std::move(sample));
  }
  return out;
}

}  // namespace monitor::metric
