/* ConstrINT: the C interface.
 *
 * Ownership: a model is made by constrint_parse and given back by constrint_destroy. Strings that a
 * call returns belong to the model (or, for constrint_message, to the calling thread) and hold
 * until the next call on the same model (from the same thread). Buffers are the caller's. Errors:
 * every call that can fail returns a status; constrint_message() then gives the sentence. Nothing
 * is thrown or printed across this boundary. A model is used by one thread at a time; different
 * models are independent.
 */
#ifndef CONSTRINT_CONSTRINT_H
#define CONSTRINT_CONSTRINT_H

#include <stddef.h>
#include <stdint.h>

#if defined(CONSTRINT_SHARED) && defined(__GNUC__)
#define CONSTRINT_API __attribute__((visibility("default")))
#else
#define CONSTRINT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CONSTRINT_VERSION_MAJOR 0
#define CONSTRINT_VERSION_MINOR 1
#define CONSTRINT_VERSION_PATCH 0

typedef struct constrint_model constrint_model;

/* Values are pinned and never reused. */
typedef enum constrint_status {
  CONSTRINT_SOLVED = 0,       /* found, proved optimal, or complete */
  CONSTRINT_INFEASIBLE = 1,   /* proved that there is no solution */
  CONSTRINT_LIMIT = 2,        /* a limit was met first */
  CONSTRINT_STOPPED = 3,      /* the callback asked to stop */
  CONSTRINT_BAD_ARGUMENT = 4, /* null, a dead handle, a buffer too small, an unknown name */
  CONSTRINT_BAD_TEXT = 5,     /* the text is not a model; the message has line and column */
  CONSTRINT_BAD_MODEL = 6,    /* the model cannot be solved as it stands */
  CONSTRINT_NO_MEMORY = 7,
  CONSTRINT_INTERNAL = 8
} constrint_status;

typedef enum constrint_order {
  CONSTRINT_ORDER_AUTOMATIC = 0,
  CONSTRINT_ORDER_PREFERENCE = 1,
  CONSTRINT_ORDER_FASTEST = 2
} constrint_order;

/* struct_size first, set by the caller to sizeof; zero means default for every other field. */
typedef struct constrint_options {
  size_t struct_size;
  uint64_t max_nodes;
  uint64_t max_solutions;
  double max_seconds;
  uint32_t threads; /* 0 and 1: the calling thread alone */
  uint32_t order;   /* constrint_order */
} constrint_options;

typedef struct constrint_result {
  size_t struct_size; /* set by the caller */
  uint64_t solutions; /* found or counted; held at 2^64 - 1 when larger */
  int64_t objective;  /* of the solution, where the model has one */
  uint64_t nodes;
  uint64_t failures;
  uint64_t propagations;
  double solve_microseconds;
} constrint_result;

/* values: constrint_variables() numbers, the callee's, for the time of the call. Non-zero goes on.
 */
typedef int (*constrint_visitor)(const int64_t *values, size_t count, void *user);

/* "major.minor.patch", static. */
CONSTRINT_API const char *constrint_version(void);

/* The calling thread's last message; "" before any. Never null. */
CONSTRINT_API const char *constrint_message(void);

/* text: length bytes, need not end in 0. filename: for messages, may be null. */
CONSTRINT_API constrint_status constrint_parse(const char *text, size_t length,
                                               const char *filename, constrint_model **model);

/* Null is allowed and does nothing. */
CONSTRINT_API constrint_status constrint_destroy(constrint_model *model);

/* Adds statements; on failure the model is unchanged. */
CONSTRINT_API constrint_status constrint_add(constrint_model *model, const char *text,
                                             size_t length);

/* Sets a named parameter for the solves that follow. */
CONSTRINT_API constrint_status constrint_set(constrint_model *model, const char *name,
                                             int64_t value);

/* Marks a place to go back to; constrint_pop undoes everything since the last mark. */
CONSTRINT_API constrint_status constrint_push(constrint_model *model);
CONSTRINT_API constrint_status constrint_pop(constrint_model *model);

/* The number of variables in a solution, in *count; where names is not null, *names points to their
 * names, owned by the model. */
CONSTRINT_API constrint_status constrint_variables(constrint_model *model, size_t *count,
                                                   const char *const **names);

/* One solution: the best where the model has an objective, else the first in preference order.
 * values: room for capacity numbers, at least the number of variables; written only where a
 * solution was found (CONSTRINT_SOLVED, or CONSTRINT_LIMIT with result->solutions == 1).
 * options and result may be null. */
CONSTRINT_API constrint_status constrint_solve(constrint_model *model,
                                               const constrint_options *options, int64_t *values,
                                               size_t capacity, constrint_result *result);

/* Every solution, to visit; it must not call back into the same model. */
CONSTRINT_API constrint_status constrint_solve_all(constrint_model *model,
                                                   const constrint_options *options,
                                                   constrint_visitor visit, void *user,
                                                   constrint_result *result);

/* The number of solutions, in result->solutions. */
CONSTRINT_API constrint_status constrint_count(constrint_model *model,
                                               const constrint_options *options,
                                               constrint_result *result);

/* CONSTRINT_INFEASIBLE: *text is a minimal clashing set, one "file:line:column: source" a line,
 * owned by the model. CONSTRINT_SOLVED: nothing clashes and *text is "". */
CONSTRINT_API constrint_status constrint_explain(constrint_model *model,
                                                 const constrint_options *options,
                                                 const char **text);

/* The model in canonical text, owned by the model. */
CONSTRINT_API constrint_status constrint_text(constrint_model *model, const char **text);

#ifdef __cplusplus
}
#endif

#endif /* CONSTRINT_CONSTRINT_H */
