/* The C header compiles as C99 and its calls link from C. */
#include "constrint/constrint.h"

int constrint_c99_check(void);

int constrint_c99_check(void) {
  constrint_model *model = 0;
  constrint_result result = {sizeof result, 0, 0, 0, 0, 0, 0.0};
  static const char text[] = "var x in 1..9; x % 4 == 0;";
  if (constrint_parse(text, sizeof text - 1, "c99", &model) != CONSTRINT_SOLVED) return 1;
  if (constrint_count(model, 0, &result) != CONSTRINT_SOLVED) return 2;
  if (constrint_destroy(model) != CONSTRINT_SOLVED) return 3;
  return result.solutions == 2 ? 0 : 4;
}
