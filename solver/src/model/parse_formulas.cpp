// Conditions: connectives, comparisons and lists.
#include "model/parser.hpp"

namespace constrint::detail {
namespace {

bool comparison_op(Token token, Op* op) {
  switch (token) {
    case Token::equal:
      *op = Op::eq;
      return true;
    case Token::not_equal:
      *op = Op::ne;
      return true;
    case Token::less:
      *op = Op::lt;
      return true;
    case Token::less_equal:
      *op = Op::le;
      return true;
    case Token::greater:
      *op = Op::gt;
      return true;
    case Token::greater_equal:
      *op = Op::ge;
      return true;
    default:
      return false;
  }
}

Op mirrored(Op op) {
  switch (op) {
    case Op::lt:
      return Op::gt;
    case Op::le:
      return Op::ge;
    case Op::gt:
      return Op::lt;
    case Op::ge:
      return Op::le;
    default:
      return op;
  }
}

}  // namespace

template <class Rule, class Stop>
int Parser::chain(Op op, Rule rule, Stop is_operator) {
  std::size_t begin = at().begin;
  const int first = (this->*rule)();
  if (!is_operator()) return first;
  Parts parts{need_condition(first, begin)};
  while (is_operator()) {
    ++next_;
    begin = at().begin;
    // FlashRNN's files may end a list of alternatives with the operator.
    if (op == Op::logic_or && (at().token == Token::semicolon || at().token == Token::end)) break;
    parts.push_back(need_condition((this->*rule)(), begin));
  }
  return parts.size() == 1 ? parts[0] : make(op, parts);
}

int Parser::formula() {
  Nested nested(this);
  const std::size_t begin = at().begin;
  int left = implication();
  while (at().token == Token::iff || is_word("iff")) {
    need_condition(left, begin);
    ++next_;
    const std::size_t right = at().begin;
    left = make(Op::iff, {left, need_condition(implication(), right)});
  }
  return left;
}

int Parser::implication() {
  Nested nested(this);
  const std::size_t begin = at().begin;
  const int left = disjunction();
  if (at().token != Token::implies && !is_word("implies")) return left;
  need_condition(left, begin);
  ++next_;
  const std::size_t right = at().begin;
  return make(Op::implies, {left, need_condition(implication(), right)});
}

int Parser::disjunction() {
  return chain(Op::logic_or, &Parser::conjunction,
               [&] { return at().token == Token::logic_or || is_word("or"); });
}
int Parser::conjunction() {
  return chain(Op::logic_and, &Parser::negation,
               [&] { return at().token == Token::logic_and || is_word("and"); });
}
int Parser::negation() {
  if (at().token != Token::logic_not && !is_word("not")) return comparison();
  Nested nested(this);
  ++next_;
  const std::size_t begin = at().begin;
  return make(Op::logic_not, {need_condition(negation(), begin)});
}

// a < b <= c means a < b and b <= c.
int Parser::comparison() {
  Op op;
  if (at().token == Token::open_square) {  // [1, 2] == x
    const std::vector<Piece> list = value_list();
    if (!comparison_op(at().token, &op)) expected("a comparison after a list");
    ++next_;
    return against_list(mirrored(op), term(), list);
  }
  int left = term();
  if (!comparison_op(at().token, &op) && !is_word("in")) return left;
  Parts parts;
  while (comparison_op(at().token, &op)) {
    ++next_;
    if (at().token == Token::open_square) {
      parts.push_back(against_list(op, left, value_list()));
      break;
    }
    const int right = term();
    parts.push_back(make(op, {left, right}));
    left = right;
  }
  if (parts.empty() && accept_word("in")) {
    if (at().token == Token::open_square) return against_list(Op::eq, left, value_list());
    return in_piece(left, piece());
  }
  if (parts.empty()) return left;
  return parts.size() == 1 ? parts[0] : make(Op::logic_and, parts);
}

std::vector<Piece> Parser::value_list() {
  expect(Token::open_square, "'['");
  std::vector<Piece> list;
  do list.push_back(piece());
  while (accept(Token::comma));
  expect(Token::close_square, "',' or ']'");
  return list;
}

int Parser::in_piece(int left, const Piece& p) {
  if (p.highest < 0) return make(Op::eq, {left, p.lowest});
  Parts parts{make(Op::ge, {left, p.lowest}), make(Op::le, {left, p.highest})};
  if (p.step >= 0) {
    const int distance = make(Op::add, {left, make(Op::neg, {p.lowest})});
    parts.push_back(make(Op::eq, {make(Op::mod, {distance, p.step}), constant(0)}));
  }
  return make(Op::logic_and, parts);
}

// A list stands for one of its values: `==` is membership, `<=` holds for some value.
int Parser::against_list(Op op, int left, const std::vector<Piece>& list) {
  bool plain = op == Op::eq || op == Op::ne;
  for (const Piece& p : list) {
    plain = plain && p.highest < 0 && model_.exprs[p.lowest].op == Op::constant;
  }
  if (plain) {
    Rows rows;
    for (const Piece& p : list) rows.cells.push_back(model_.exprs[p.lowest].value);
    std::sort(rows.cells.begin(), rows.cells.end());
    rows.cells.erase(std::unique(rows.cells.begin(), rows.cells.end()), rows.cells.end());
    model_.rows.push_back(std::move(rows));
    const int member = make(Op::in_set, {left}, static_cast<i64>(model_.rows.size()) - 1);
    return op == Op::eq ? member : make(Op::logic_not, {member});
  }
  Parts parts;
  for (const Piece& p : list) {
    if (op == Op::eq || op == Op::ne) {
      parts.push_back(in_piece(left, p));
    } else {
      if (p.highest >= 0) fail("a range in a list goes with '==' and '!=' only");
      parts.push_back(make(op, {left, p.lowest}));
    }
  }
  const int any = parts.size() == 1 ? parts[0] : make(Op::logic_or, parts);
  return op == Op::ne ? make(Op::logic_not, {any}) : any;
}

}  // namespace constrint::detail
