#include "model/lexer.hpp"

#include <algorithm>
#include <array>

#include "constrint/constrint.hpp"

namespace constrint::detail {
namespace {

constexpr std::uint8_t kLetter = 1, kDigit = 2, kBlank = 4;

constexpr std::array<std::uint8_t, 256> kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (int c = 'a'; c <= 'z'; ++c) kinds[c] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) kinds[c] = kLetter;
  kinds['_'] = kLetter;
  for (int c = '0'; c <= '9'; ++c) kinds[c] = kDigit;
  for (char c : {' ', '\t', '\n', '\r'}) kinds[static_cast<unsigned char>(c)] = kBlank;
  return kinds;
}();

bool is(char c, std::uint8_t kinds) { return (kKinds[static_cast<unsigned char>(c)] & kinds) != 0; }

struct Fixed {
  Token token;
  std::size_t length;  // 0: no token begins so
};

// The longest token that begins with a, followed by b and c (0 at the end of the text).
Fixed fixed(char a, char b, char c) {
  const auto two = [&](char second, Token longer, Token shorter) {
    return b == second ? Fixed{longer, 2} : Fixed{shorter, 1};
  };
  switch (a) {
    case '<':
      if (b == '-' && c == '>') return {Token::iff, 3};
      return two('=', Token::less_equal, Token::less);
    case '>':
      return two('=', Token::greater_equal, Token::greater);
    case '=':
      return two('=', Token::equal, Token::assign);
    case '!':
      return two('=', Token::not_equal, Token::logic_not);
    case '-':
      return two('>', Token::implies, Token::minus);
    case '|':
      return two('|', Token::logic_or, Token::logic_or);
    case '&':
      return two('&', Token::logic_and, Token::logic_and);
    case '/':
      return two('/', Token::double_slash, Token::slash);
    case '.':
      return b == '.' ? Fixed{Token::dots, 2} : Fixed{Token::end, 0};
    case ';':
      return {Token::semicolon, 1};
    case ',':
      return {Token::comma, 1};
    case '(':
      return {Token::open_round, 1};
    case ')':
      return {Token::close_round, 1};
    case '[':
      return {Token::open_square, 1};
    case ']':
      return {Token::close_square, 1};
    case '+':
      return {Token::plus, 1};
    case '*':
      return {Token::times, 1};
    case '%':
      return {Token::percent, 1};
    case '^':
      return {Token::caret, 1};
    default:
      return {Token::end, 0};
  }
}

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
  if (text.size() > UINT32_MAX) fail_at(text, filename, 0, "text beyond 4 GiB");
  out.reserve(text.size() / 4 + 8);
  const auto append = [&](Token token, std::size_t begin, std::size_t end) {
    out.push_back({token, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  };
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (is(c, kBlank)) {
      ++i;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (is(c, kLetter)) {
      const std::size_t begin = i;
      while (i < text.size() && is(text[i], kLetter | kDigit)) ++i;
      append(Token::name, begin, i);
    } else if (is(c, kDigit)) {
      const std::size_t begin = i;
      Int value = 0;
      for (; i < text.size() && is(text[i], kDigit); ++i) {
        value = value * 10 + (text[i] - '0');
        if (value > kLimit) fail_at(text, filename, begin, "number beyond 2^62");
      }
      if (i < text.size() && is(text[i], kLetter)) {
        fail_at(text, filename, i, "expected an operator between a number and a name");
      }
      append(Token::number, begin, i);
    } else {
      const Fixed match = fixed(c, i + 1 < text.size() ? text[i + 1] : '\0',
                                i + 2 < text.size() ? text[i + 2] : '\0');
      if (match.length == 0) fail_at(text, filename, i, "unexpected " + printable(c));
      append(match.token, i, i + match.length);
      i += match.length;
    }
  }
  append(Token::end, text.size(), text.size());
  return out;
}

i64 number_at(std::string_view text, const Lexeme& lexeme) {
  i64 value = 0;  // tokenise() saw that it fits
  for (std::uint32_t i = lexeme.begin; i < lexeme.end; ++i) value = value * 10 + (text[i] - '0');
  return value;
}

std::string describe(std::string_view text, const Lexeme& lexeme) {
  if (lexeme.token == Token::end) return "the end of the text";
  return "'" + std::string(text.substr(lexeme.begin, lexeme.end - lexeme.begin)) + "'";
}

}  // namespace constrint::detail
