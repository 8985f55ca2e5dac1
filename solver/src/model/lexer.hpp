// Tokens of the text format, each with its place.
#ifndef CONSTRINT_MODEL_LEXER_HPP
#define CONSTRINT_MODEL_LEXER_HPP

#include <string>
#include <string_view>
#include <vector>

#include "math/wide.hpp"

namespace constrint::detail {

enum class Token : std::uint8_t {
  end,
  name,
  number,
  semicolon,
  comma,
  open_round,
  close_round,
  open_square,
  close_square,
  dots,
  assign,
  plus,
  minus,
  times,
  slash,
  double_slash,
  percent,
  caret,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  logic_or,
  logic_and,
  logic_not,
  implies,
  iff,
};

// Small, since a text has many.
struct Lexeme {
  Token token;
  std::uint32_t begin, end;  // bytes of the text
};
i64 number_at(std::string_view text, const Lexeme& lexeme);

// Throws ParseError for bytes that begin no token, for numbers beyond 2^62 and for texts beyond
// 4 GiB.
std::vector<Lexeme> tokenise(std::string_view text, const std::string& filename);
[[noreturn]] void fail_at(std::string_view text, const std::string& filename, std::size_t offset,
                          const std::string& message);
void locate(std::string_view text, std::size_t offset, int* line, int* column);
// How a token reads in a message: "';'", "a name", ...
std::string describe(std::string_view text, const Lexeme& lexeme);

}  // namespace constrint::detail

#endif  // CONSTRINT_MODEL_LEXER_HPP
