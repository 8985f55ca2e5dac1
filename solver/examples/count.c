/* Solves and counts a model from C. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "constrint/constrint.h"

int main(void) {
  const char *text = "param N = 720; var x, y in 1..1000; x * y == N; x <= y; maximize x;";
  constrint_model *model = NULL;
  constrint_result result;
  int64_t values[2];
  memset(&result, 0, sizeof result);
  result.struct_size = sizeof result;
  if (constrint_parse(text, strlen(text), "count", &model) != CONSTRINT_SOLVED ||
      constrint_set(model, "N", 5040) != CONSTRINT_SOLVED) {
    fprintf(stderr, "%s\n", constrint_message());
    return 1;
  }
  if (constrint_solve(model, NULL, values, 2, &result) == CONSTRINT_SOLVED) {
    printf("x = %" PRId64 ", y = %" PRId64 "\n", values[0], values[1]);
  }
  if (constrint_count(model, NULL, &result) == CONSTRINT_SOLVED) {
    printf("%" PRIu64 " solutions\n", result.solutions);
  }
  constrint_destroy(model);
  return 0;
}
