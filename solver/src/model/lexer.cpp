#include "model/lexer.hpp"

#include "constrint/constrint.hpp"

namespace constrint::detail {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Fixed {
  std::string_view text;
  Token token;
};
// Longest first, so that "<=" wins over "<" and "<->" over "<=".
constexpr Fixed kFixed[] = {
    {"<->", Token::iff},         {"..", Token::dots},       {"==", Token::equal},
    {"!=", Token::not_equal},    {"<=", Token::less_equal}, {">=", Token::greater_equal},
    {"->", Token::implies},      {"||", Token::logic_or},   {"&&", Token::logic_and},
    {"//", Token::double_slash}, {";", Token::semicolon},   {",", Token::comma},
    {"(", Token::open_round},    {")", Token::close_round}, {"[", Token::open_square},
    {"]", Token::close_square},  {"=", Token::assign},      {"+", Token::plus},
    {"-", Token::minus},         {"*", Token::times},       {"/", Token::slash},
    {"%", Token::percent},       {"^", Token::caret},       {"<", Token::less},
    {">", Token::greater},       {"|", Token::logic_or},    {"&", Token::logic_and},
    {"!", Token::logic_not},
};

std::string printable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return std::string("'") + c + "'";
  static const char* hex = "0123456789abcdef";
  return std::string("byte 0x") + hex[byte >> 4] + hex[byte & 15];
}

}  // namespace

void locate(std::string_view text, std::size_t offset, int* line, int* column) {
  *line = 1;
  std::size_t start = 0;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') ++*line, start = i + 1;
  }
  *column = static_cast<int>(offset - start) + 1;
}

void fail_at(std::string_view text, const std::string& filename, std::size_t offset,
             const std::string& message) {
  int line = 0, column = 0;
  locate(text, offset, &line, &column);
  throw ParseError(filename, line, column, message);
}

std::vector<Lexeme> tokenise(std::string_view text, const std::string& filename) {
  std::vector<Lexeme> out;
  out.reserve(text.size() / 4 + 8);
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++i;
    } else if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
    } else if (is_letter(c)) {
      const std::size_t begin = i;
      while (i < text.size() && (is_letter(text[i]) || is_digit(text[i]))) ++i;
      out.push_back({Token::name, begin, i});
    } else if (is_digit(c)) {
      const std::size_t begin = i;
      Int value = 0;
      for (; i < text.size() && is_digit(text[i]); ++i) {
        value = value * 10 + (text[i] - '0');
        if (value > kLimit) fail_at(text, filename, begin, "number beyond 2^62");
      }
      if (i < text.size() && is_letter(text[i])) {
        fail_at(text, filename, i, "expected an operator between a number and a name");
      }
      out.push_back({Token::number, begin, i, static_cast<i64>(value)});
    } else {
      const std::string_view rest = text.substr(i);
      const Fixed* match = nullptr;
      for (const Fixed& fixed : kFixed) {
        if (rest.substr(0, fixed.text.size()) == fixed.text) {
          match = &fixed;
          break;
        }
      }
      if (match == nullptr) fail_at(text, filename, i, "unexpected " + printable(c));
      out.push_back({match->token, i, i + match->text.size()});
      i += match->text.size();
    }
  }
  out.push_back({Token::end, text.size(), text.size()});
  return out;
}

std::string describe(std::string_view text, const Lexeme& lexeme) {
  if (lexeme.token == Token::end) return "the end of the text";
  return "'" + std::string(text.substr(lexeme.begin, lexeme.end - lexeme.begin)) + "'";
}

}  // namespace constrint::detail
