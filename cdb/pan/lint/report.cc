#include "cdb/pan/lint/report.h"

#include <fmt/format.h>

namespace cdb::pan::lint {
namespace {

constexpr std::size_t kLongestExcerpt = 160;

// Tabs are kept, so that the carets stand right whatever their width.
std::string excerpt(const Finding& finding, std::string_view source) {
  const syntax::LineIndex lines(source);
  const std::uint32_t number = lines.line_of(finding.span.begin);
  std::string_view line = lines.line(number);
  const std::size_t start = finding.span.begin - lines.start_of(number);
  const std::size_t stop = std::max<std::size_t>(start + 1, finding.span.end - lines.start_of(number));
  if (line.size() > kLongestExcerpt) line = line.substr(0, kLongestExcerpt);
  std::string carets;
  for (std::size_t i = 0; i < line.size() && i < stop; ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xc0) == 0x80) continue;
    carets += i < start ? (line[i] == '\t' ? '\t' : ' ') : '^';
  }
  if (carets.empty() || carets.back() != '^') carets += '^';
  return fmt::format("{}\n{}\n", line, carets);
}

}  // namespace

std::string report_text(const Finding& finding, std::string_view file, std::string_view source) {
  std::string out = fmt::format("{}:{}:{}: {}: {} [{}]\n{}", file, finding.line, finding.column, severity_name(finding.severity),
                                finding.message, finding.rule, excerpt(finding, source));
  if (!finding.hint.empty()) out += fmt::format("hint: {}\n", finding.hint);
  return out;
}

base::profile::Value report_json(const Finding& finding, std::string_view file) {
  return base::profile::Dict{{"file", file},
                             {"line", finding.line},
                             {"column", finding.column},
                             {"end_line", finding.end_line},
                             {"end_column", finding.end_column},
                             {"severity", severity_name(finding.severity)},
                             {"rule", finding.rule},
                             {"message", finding.message},
                             {"hint", finding.hint},
                             {"fixable", !finding.fixes.empty()}};
}

}  // namespace cdb::pan::lint
