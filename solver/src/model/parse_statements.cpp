// Statements: declarations, preferences, objectives, conditions that must hold. Recursive descent
// over docs/language.md, one function a rule.
#include <array>

#include "model/parser.hpp"

namespace constrint::detail {
namespace {

constexpr std::string_view kReserved[] = {
    "var",   "param", "let",       "prefer",   "minimize", "maximize",     "project", "in",
    "and",   "or",    "not",       "implies",  "iff",      "min",          "max",     "abs",
    "floor", "ceil",  "floor_div", "ceil_div", "table",    "all_different"};

// By first letter, a bit for each length: nearly every name is told apart by that.
constexpr auto kReservedLengths = [] {
  std::array<std::uint32_t, 128> lengths{};
  for (std::string_view r : kReserved) lengths[static_cast<std::size_t>(r[0])] |= 1u << r.size();
  return lengths;
}();

// Room for `more`, doubled at the least: a model may be added to a statement at a time, and what is
// reserved to measure would be moved each time.
template <class Container>
void make_room(Container* c, std::size_t capacity, std::size_t more) {
  if (c->size() + more > capacity) c->reserve(std::max(c->size() + more, 2 * c->size()));
}

}  // namespace

bool is_reserved(std::string_view word) {
  if (word.size() > 31 || (kReservedLengths[word[0] & 127] >> word.size() & 1) == 0) return false;
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

Parser::Parser(ModelData* model, std::string_view text, const std::string& filename)
    : model_(*model), text_(text), filename_(filename), tokens_(tokenise(text, filename)) {
  // A term is about a token, and most tokens are terms.
  make_room(&model_.exprs, model_.exprs.capacity(), tokens_.size() / 2);
  make_room(&model_.args, model_.args.capacity(), tokens_.size() / 2);
  // One declaration anywhere makes undeclared names an error everywhere in the text.
  bool starts = true;
  std::size_t statements = 0;
  for (const Lexeme& t : tokens_) {
    if (starts && t.token == Token::name && (word(t) == "var" || word(t) == "param")) {
      model_.strict = true;
    }
    starts = t.token == Token::semicolon;
    statements += starts ? 1 : 0;
  }
  make_room(&model_.constraints, model_.constraints.capacity(), statements);
  make_room(&model_.variables, model_.variables.capacity(), statements);
  make_room(&model_.names, model_.names.bucket_count(), statements);
}

void Parser::run() {
  while (at().token != Token::end) {
    if (accept(Token::semicolon)) continue;
    statement();
    if (at().token != Token::end) expect(Token::semicolon, "';' or an operator");
  }
}

void Parser::statement() {
  if (accept_word("var")) return declare_variables();
  if (accept_word("param")) return declare_parameter();
  if (accept_word("let")) return declare_let();
  if (accept_word("prefer")) return preferences();
  if (is_word("minimize") || is_word("maximize")) {
    model_.maximise = is_word("maximize");
    ++next_;
    model_.objective = term();
    return;
  }
  if (accept_word("project")) return projection();
  const std::size_t begin = next_;
  const int expr = formula();
  if (!condition(expr) && at().token != Token::semicolon && at().token != Token::end) {
    expected("an operator");
  }
  need_condition(expr, tokens_[begin].begin);
  model_.constraints.push_back({expr, source(begin, next_)});
}

// The statement's text with comments dropped and white space made single blanks.
Source Parser::source(std::size_t first, std::size_t last) const {
  Source s;
  s.file = filename_;
  const std::size_t place = tokens_[first].begin;
  while ((seen_ = std::min(text_.find('\n', seen_), place)) < place) {
    ++line_;
    line_start_ = ++seen_;
  }
  s.line = line_;
  s.column = static_cast<int>(place - line_start_) + 1;
  s.text.reserve(tokens_[last - 1].end - tokens_[first].begin);
  // Stretches that are so already are copied whole.
  std::size_t begin = tokens_[first].begin;
  for (std::size_t i = first; i < last; ++i) {
    const std::size_t end = tokens_[i].end;
    const std::size_t next = i + 1 < last ? tokens_[i + 1].begin : 0;
    if (next == end || (next == end + 1 && text_[end] == ' ')) continue;
    s.text += text_.substr(begin, end - begin);
    if (next != 0) s.text += ' ';
    begin = next;
  }
  return s;
}

void Parser::declare_variables() {
  Few<std::string_view, 8> names;
  do {
    names.push_back(expect_new_name("the name of a variable"));
    if (std::count(names.begin(), names.end(), names.back()) > 1) already_declared(names.back());
  } while (accept(Token::comma));
  if (!accept_word("in")) expected("'in' and a domain");
  Variable declaration;
  if (accept(Token::open_square)) {
    do declaration.pieces.push_back(piece());
    while (accept(Token::comma));
    expect(Token::close_square, "',' or ']'");
  } else {
    declaration.pieces.push_back(piece());
  }
  for (std::string_view name : names) model_.variable(std::string(name), declaration);
}

Piece Parser::piece() {
  Piece p{term(), -1, -1};
  if (accept(Token::dots)) p.highest = term();
  if (p.highest >= 0 && accept_word("by")) p.step = term();
  return p;
}

void Parser::declare_parameter() {
  const std::string_view name = expect_new_name("the name of a parameter");
  std::optional<i64> value;
  if (accept(Token::assign)) {
    const std::size_t begin = at().begin;
    const int expr = term();
    try {
      value = evaluate_constant(model_, expr);
    } catch (const ModelError& e) {
      fail_at(text_, filename_, begin, e.what());
    }
  }
  model_.parameter(std::string(name), value);
}

void Parser::declare_let() {
  const std::string_view name = expect_new_name("a name for the term");
  if (!accept(Token::assign)) expected("'='");
  const int expr = formula();
  model_.lets.emplace_back(name, expr);
  model_.names.emplace(name, Name{Name::Kind::let, static_cast<int>(model_.lets.size()) - 1});
}

void Parser::preferences() {
  do {
    Preference preference{term(), Prefer::smallest, -1};
    if (accept_word("largest")) {
      preference.prefer = Prefer::largest;
    } else if (accept_word("nearest")) {
      preference.prefer = Prefer::nearest;
      preference.nearest_to = term();
    } else if (!accept_word("smallest")) {
      expected("'smallest', 'largest' or 'nearest' and a value");
    }
    model_.preferences.push_back(preference);
  } while (accept(Token::comma));
}

void Parser::projection() {
  std::vector<int> chosen;
  do {
    if (at().token != Token::name) expected("the name of a variable");
    const Name* name = model_.find(word(at()));
    if (name == nullptr || name->kind != Name::Kind::variable) {
      expected("the name of a declared variable");
    }
    chosen.push_back(name->index);
    ++next_;
  } while (accept(Token::comma));
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  model_.projected = true;
  model_.projection = std::move(chosen);
}

void parse_into(ModelData* model, std::string_view text, const std::string& filename) {
  model->push();
  try {
    Parser(model, text, filename).run();
  } catch (...) {
    model->pop();
    throw;
  }
  model->drop_mark();
}

}  // namespace constrint::detail
