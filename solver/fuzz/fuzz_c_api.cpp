// Any bytes as a sequence of calls of the C interface on two models, dead handles included.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "constrint/constrint.h"

namespace {

class Input {
 public:
  Input(const unsigned char* data, std::size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  unsigned char byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::string text() {
    const std::size_t length = byte();
    std::string s(reinterpret_cast<const char*>(data_), length < left_ ? length : left_);
    data_ += s.size();
    left_ -= s.size();
    return s;
  }

 private:
  const unsigned char* data_;
  std::size_t left_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input in(data, size);
  constrint_model* models[2] = {nullptr, nullptr};
  constrint_model* dead = nullptr;
  constrint_options options{};
  options.struct_size = sizeof options;
  options.max_nodes = 16;
  options.max_solutions = 10;
  options.max_seconds = 0.004;
  constrint_result result{};
  result.struct_size = sizeof result;
  const auto visit = [](const std::int64_t*, std::size_t, void* user) -> int {
    return ++*static_cast<int*>(user) < 10;
  };
  for (int calls = 0; calls < 64 && !in.empty(); ++calls) {
    const unsigned char what = in.byte();
    constrint_model*& m = models[what & 1];
    constrint_model* target = (what & 0x80) != 0 ? dead : m;
    constrint_status status = CONSTRINT_SOLVED;
    const char* text = nullptr;
    switch ((what >> 1) & 15) {
      case 0:
      case 1: {
        const std::string s = in.text();
        constrint_destroy(m);
        if (m != nullptr) dead = m;
        status = constrint_parse(s.data(), s.size(), "fuzz", &m);
        if ((status == CONSTRINT_SOLVED) != (m != nullptr)) std::abort();
        if (m == dead) dead = nullptr;  // the address was given out again
        break;
      }
      case 2:
      case 3: {
        const std::string s = in.text();
        status = constrint_add(target, s.data(), s.size());
        break;
      }
      case 4: {
        const std::string name = in.text();
        status = constrint_set(target, name.c_str(), static_cast<signed char>(in.byte()));
        break;
      }
      case 5:
        status = constrint_push(target);
        break;
      case 6:
        status = constrint_pop(target);
        break;
      case 7: {
        std::size_t count = 0;
        const char* const* names = nullptr;
        status = constrint_variables(target, &count, &names);
        if (status == CONSTRINT_SOLVED && count > 0 && std::strlen(names[count - 1]) == 0) {
          std::abort();
        }
        break;
      }
      case 8:
      case 9: {
        std::vector<std::int64_t> values(in.byte());
        status = constrint_solve(target, &options, values.data(), values.size(), &result);
        break;
      }
      case 10: {
        int seen = 0;
        status = constrint_solve_all(target, &options, visit, &seen, &result);
        break;
      }
      case 11:
        status = constrint_count(target, &options, &result);
        break;
      case 12:
        status = constrint_explain(target, &options, &text);
        break;
      case 13:
        status = constrint_text(target, &text);
        break;
      case 14:
        status = constrint_destroy(target);
        if (target == m) m = nullptr;
        break;
      default:
        options.order = in.byte() % 4;
        break;
    }
    if (status == CONSTRINT_INTERNAL) {
      __builtin_printf("%s\n", constrint_message());
      std::abort();
    }
  }
  for (constrint_model* m : models) constrint_destroy(m);
  return 0;
}
