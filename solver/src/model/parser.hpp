// The parser's state and its rules; bodies are in parse_statements.cpp, parse_formulas.cpp and
// parse_terms.cpp.
#ifndef CONSTRINT_MODEL_PARSER_HPP
#define CONSTRINT_MODEL_PARSER_HPP

#include <algorithm>

#include "math/few.hpp"
#include "model/data.hpp"
#include "model/lexer.hpp"

namespace constrint::detail {

inline constexpr int kMaxNesting = 200;  // of brackets and prefixes

bool is_reserved(std::string_view word);

class Parser {
 public:
  Parser(ModelData* model, std::string_view text, const std::string& filename);
  void run();

 private:
  // ---- tokens ----
  const Lexeme& at() const { return tokens_[next_]; }
  std::string_view word(const Lexeme& t) const { return text_.substr(t.begin, t.end - t.begin); }
  bool is_word(std::string_view w) const { return at().token == Token::name && word(at()) == w; }
  bool accept(Token token) {
    if (at().token != token) return false;
    ++next_;
    return true;
  }
  bool accept_word(std::string_view w) {
    if (!is_word(w)) return false;
    ++next_;
    return true;
  }
  [[noreturn]] void fail(const std::string& message) const {
    fail_at(text_, filename_, at().begin, message);
  }
  [[noreturn]] void expected(std::string_view what) const {
    std::string message = "expected " + std::string(what) + ", found " + describe(text_, at());
    if (at().token == Token::assign) message += " (equality is written '==')";
    fail(message);
  }
  [[noreturn]] void already_declared(std::string_view name) const {
    fail("'" + std::string(name) + "' is already declared");
  }
  void expect(Token token, std::string_view what) {
    if (!accept(token)) expected(what);
  }
  std::string_view expect_new_name(std::string_view what) {
    if (at().token != Token::name || is_reserved(word(at()))) expected(what);
    const std::string_view name = word(at());
    if (model_.find(name) != nullptr) already_declared(name);
    ++next_;
    return name;
  }

  // ---- terms, with the place they began for messages ----
  using Parts = Few<int, 8>;
  int make(Op op, std::initializer_list<int> arguments, i64 value = 0) {
    return make(op, std::span(arguments.begin(), arguments.size()), value);
  }
  int make(Op op, std::span<const int> arguments, i64 value = 0) {
    try {
      return model_.make(op, arguments, value);
    } catch (const ModelError& e) {
      fail(e.what());
    }
  }
  int constant(i64 value) { return make(Op::constant, {}, value); }
  bool condition(int expr) const { return is_condition(model_.exprs[expr].op); }
  int need_condition(int expr, std::size_t begin) const {
    if (!condition(expr)) {
      fail_at(text_, filename_, begin,
              "expected a condition (a comparison, for example), found a term");
    }
    return expr;
  }

  struct Nested {
    explicit Nested(Parser* p) : parser(p) {
      if (++parser->nesting_ > kMaxNesting) parser->fail("brackets nested too deeply");
    }
    ~Nested() { --parser->nesting_; }
    Parser* parser;
  };

  // ---- statements ----
  void statement();
  Source source(std::size_t first, std::size_t last) const;
  void declare_variables();
  Piece piece();
  void declare_parameter();
  void declare_let();
  void preferences();
  void projection();

  // ---- conditions, loosest first ----
  int formula();
  int implication();
  template <class Rule, class Stop>
  int chain(Op op, Rule rule, Stop is_operator);
  int disjunction();
  int conjunction();
  int negation();
  int comparison();
  std::vector<Piece> value_list();
  int in_piece(int left, const Piece& p);
  int against_list(Op op, int left, const std::vector<Piece>& list);

  // ---- terms ----
  // Which operators stood outside brackets.
  struct Bare {
    bool added = false, multiplied = false;
  };
  int term();
  int sum(Bare* bare);
  int product(Bare* bare);
  int prefix();
  int power();
  int primary();
  int function();
  std::vector<int> argument_list();
  std::vector<int> exactly(std::vector<int> arguments, std::size_t count, const std::string& name);
  int table();
  i64 number();

  ModelData& model_;
  std::string_view text_;
  const std::string& filename_;
  std::vector<Lexeme> tokens_;
  std::size_t next_ = 0;
  int nesting_ = 0;
  // Where source() last looked: statements come in order, so lines are counted once.
  mutable std::size_t seen_ = 0, line_start_ = 0;
  mutable int line_ = 1;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_MODEL_PARSER_HPP
