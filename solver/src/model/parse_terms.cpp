// Terms: arithmetic, functions and tables.
#include "model/parser.hpp"

namespace constrint::detail {

// '%' binds looser than '+' and '*', as in FlashRNN's files: a % b * c is a % (b * c). Where
// variables are declared, text that other languages would read otherwise must have brackets.
int Parser::term() {
  const std::size_t begin = at().begin;
  Bare bare;
  int left = sum(&bare);
  if (at().token == Token::percent && model_.strict && bare.added) {
    fail_at(text_, filename_, begin,
            "put brackets around the left side of '%': it binds looser than '+' and '-' here");
  }
  while (accept(Token::percent)) {
    const std::size_t right_begin = at().begin;
    Bare right_bare;
    const int right = sum(&right_bare);
    if (model_.strict && (right_bare.added || right_bare.multiplied)) {
      fail_at(text_, filename_, right_begin,
              "put brackets around the right side of '%': it binds looser than '+' and '*' here");
    }
    left = make(Op::mod, {left, right});
  }
  return left;
}

int Parser::sum(Bare* bare) {
  const int first = product(bare);
  if (at().token != Token::plus && at().token != Token::minus) return first;  // nearly always
  Parts parts{first};
  while (at().token == Token::plus || at().token == Token::minus) {
    const bool minus = at().token == Token::minus;
    ++next_;
    bare->added = true;
    const int part = product(bare);
    parts.push_back(minus ? make(Op::neg, {part}) : part);
  }
  return make(Op::add, parts);
}

int Parser::product(Bare* bare) {
  const auto is_operator = [](Token t) {
    return t == Token::times || t == Token::slash || t == Token::double_slash;
  };
  const int first = prefix();
  if (!is_operator(at().token)) return first;
  Parts parts{first};
  const auto folded = [&] { return parts.size() == 1 ? parts[0] : make(Op::mul, parts); };
  while (true) {
    const Token token = at().token;
    if (!is_operator(token)) break;
    ++next_;
    bare->multiplied = true;
    const int right = prefix();
    if (token == Token::times) {
      parts.push_back(right);
    } else {
      const int left = folded();
      parts = {make(token == Token::slash ? Op::exact_div : Op::floor_div, {left, right})};
    }
  }
  return folded();
}

int Parser::prefix() {
  if (!accept(Token::minus)) return power();
  Nested nested(this);
  const int operand = prefix();
  if (model_.exprs[operand].op == Op::constant) return constant(-model_.exprs[operand].value);
  return make(Op::neg, {operand});
}

int Parser::power() {
  const int base = primary();
  if (!accept(Token::caret)) return base;
  Nested nested(this);
  return make(Op::pow, {base, prefix()});
}

int Parser::primary() {
  Nested nested(this);
  const Lexeme t = at();
  if (accept(Token::number)) return constant(number_at(text_, t));
  if (accept(Token::open_round)) {
    const int inner = formula();
    expect(Token::close_round, "')' or an operator");
    return inner;
  }
  if (t.token != Token::name) expected("a term");
  if (is_reserved(word(t))) return function();
  ++next_;
  if (const Name* name = model_.find(word(t))) {
    switch (name->kind) {
      case Name::Kind::variable:
        return model_.variables[name->index].expr;
      case Name::Kind::parameter:
        return model_.parameters[name->index].expr;
      case Name::Kind::let:
        return model_.lets[name->index].second;
    }
  }
  if (model_.strict) {
    --next_;
    fail("'" + std::string(word(t)) + "' is not declared");
  }
  Variable declaration;
  declaration.implicit = true;
  return model_.variable(std::string(word(t)), std::move(declaration));
}

int Parser::function() {
  const std::string name(word(at()));
  if (name == "min" || name == "max") {
    ++next_;
    return make(name == "min" ? Op::min : Op::max, argument_list());
  }
  if (name == "all_different") {
    ++next_;
    return make(Op::all_different, argument_list());
  }
  if (name == "abs") {
    ++next_;
    return make(Op::abs, exactly(argument_list(), 1, name));
  }
  if (name == "floor_div" || name == "ceil_div") {
    ++next_;
    return make(name == "floor_div" ? Op::floor_div : Op::ceil_div,
                exactly(argument_list(), 2, name));
  }
  if (name == "floor" || name == "ceil") {
    ++next_;
    const std::size_t begin = at().end;  // behind the bracket
    const int inner = exactly(argument_list(), 1, name)[0];
    if (model_.exprs[inner].op != Op::exact_div) {
      fail_at(text_, filename_, begin, "expected a quotient inside " + name + "(a / b)");
    }
    const int* arg = model_.arguments(model_.exprs[inner]);
    return make(name == "floor" ? Op::floor_div : Op::ceil_div, {arg[0], arg[1]});
  }
  if (name == "table") {
    ++next_;
    return table();
  }
  expected("a term");
}

std::vector<int> Parser::argument_list() {
  expect(Token::open_round, "'('");
  std::vector<int> arguments;
  do arguments.push_back(formula());
  while (accept(Token::comma));
  expect(Token::close_round, "',' or ')'");
  return arguments;
}

std::vector<int> Parser::exactly(std::vector<int> arguments, std::size_t count,
                                 const std::string& name) {
  if (arguments.size() != count) {
    fail(name + " takes " + std::to_string(count) + " arguments, not " +
         std::to_string(arguments.size()));
  }
  return arguments;
}

// table([x, y], [[1, 2], [3, 4]])
int Parser::table() {
  expect(Token::open_round, "'('");
  expect(Token::open_square, "'[' and the terms of the table");
  std::vector<int> terms;
  do terms.push_back(term());
  while (accept(Token::comma));
  expect(Token::close_square, "',' or ']'");
  expect(Token::comma, "','");
  expect(Token::open_square, "'[' and the rows of the table");
  Rows rows;
  rows.width = static_cast<int>(terms.size());
  if (at().token != Token::close_square) {
    do {
      const std::size_t begin = at().begin;
      expect(Token::open_square, "'[' and a row");
      std::size_t width = 0;
      do {
        rows.cells.push_back(number());
        ++width;
      } while (accept(Token::comma));
      expect(Token::close_square, "',' or ']'");
      if (width != terms.size()) {
        fail_at(text_, filename_, begin,
                "a row of " + std::to_string(width) + " values for " +
                    std::to_string(terms.size()) + " terms");
      }
    } while (accept(Token::comma));
  }
  expect(Token::close_square, "',' or ']'");
  expect(Token::close_round, "')'");
  model_.rows.push_back(std::move(rows));
  return make(Op::table, terms, static_cast<i64>(model_.rows.size()) - 1);
}

i64 Parser::number() {
  const bool negative = accept(Token::minus);
  if (at().token != Token::number) expected("a number");
  const i64 value = number_at(text_, at());
  ++next_;
  return negative ? -value : value;
}

}  // namespace constrint::detail
