/* SPDX-License-Identifier: Apache-2.0 */
/* FlashRNN: fused multi-head recurrent networks behind a stable C ABI.
 *
 * The rules that hold for every call are written once here; docs/ tells them at length.
 *
 * Axes: B batch, T time, G gates, N heads, D head dimension, S states. A cell reads Gi input gates,
 * Gr recurrent gates and Gb biases (flashrnn_get_cell_info); state 0 is always h.
 *
 * Tensors: a pointer, a dtype and one stride per axis in elements, axes in the order that the
 * comment at the tensor gives. All strides zero means packed in that order. Data are addresses of
 * the plan's device (host pointers on the CPU), aligned to their element. data == NULL means absent
 * where a tensor is optional.
 *
 * Structs: set struct_size to sizeof the struct and zero the rest: zero is every field's default.
 *
 * Handles: opaque. One that was closed, or that never was one, is refused with
 * FLASHRNN_INVALID_HANDLE; NULL is accepted by the closing calls and ignored.
 *
 * Ownership: the caller owns every buffer, workspace and saved memory included. What a call writes
 * lies apart, as ranges of bytes, from all else that the call is given. Nothing is kept past a
 * call, except that a workspace keeps the packed weights for FLASHRNN_RUN_WEIGHTS_UNCHANGED.
 *
 * Errors: every call returns a status; flashrnn_last_error_message() gives the value and the rule
 * that it broke. A call that fails its checks has written nothing. Nothing is thrown, printed or
 * aborted.
 *
 * Threads: devices and plans may be used from any number of threads at once, each run with its own
 * workspace, saved memory and outputs. One stream or event is used by one thread at a time.
 */
#ifndef FLASHRNN_FLASHRNN_H_
#define FLASHRNN_FLASHRNN_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(FLASHRNN_BUILDING)
#define FLASHRNN_API __declspec(dllexport)
#elif defined(FLASHRNN_STATIC)
#define FLASHRNN_API
#else
#define FLASHRNN_API __declspec(dllimport)
#endif
#else
#define FLASHRNN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define FLASHRNN_VERSION_MAJOR 0
#define FLASHRNN_VERSION_MINOR 1
#define FLASHRNN_VERSION_PATCH 0

/* ---- status and messages ---- */

/* Enum values are pinned: a value is never changed or used again. Enums travel as int32_t in
 * structs and calls, so that an unknown value is an error with a message instead of undefined
 * behaviour. */
typedef int32_t flashrnn_status;
enum {
  FLASHRNN_OK = 0,
  FLASHRNN_INVALID_ARGUMENT = 1, /* a value breaks the rule that the message states */
  FLASHRNN_INVALID_HANDLE = 2,   /* NULL, closed, or not a handle of this kind */
  FLASHRNN_UNSUPPORTED = 3,      /* well formed, but no backend or kernel here does it */
  FLASHRNN_OUT_OF_MEMORY = 4,    /* an allocation failed (never while running a plan) */
  FLASHRNN_DEVICE_UNAVAILABLE =
      5,                     /* the backend is not built in, or its driver or device is missing */
  FLASHRNN_DEVICE_ERROR = 6, /* the device's own runtime reported an error */
  FLASHRNN_INFEASIBLE =
      7, /* the tiling constraints admit no configuration; the message names the clash */
  FLASHRNN_INTERNAL = 8 /* a fault of the library */
};

/* Static string such as "FLASHRNN_OK"; "unknown status" for a value that is none. */
FLASHRNN_API const char* flashrnn_status_name(flashrnn_status status);

/* Message of the last failed call on the calling thread, "" if none failed yet. Valid until that
 * thread's next call. */
FLASHRNN_API const char* flashrnn_last_error_message(void);

/* The library's version as major * 1000000 + minor * 1000 + patch, to compare with the macros
 * compiled against. */
FLASHRNN_API int32_t flashrnn_version(void);

/* 1 if the named feature is in this build, else 0. Names: a backend ("cpu", "cuda", "hip",
 * "vulkan"), a cell by its name ("lstm", ...), "recompute", "lengths", "resets", "step", "threads"
 * (the CPU backend runs more than one). */
FLASHRNN_API int32_t flashrnn_has_feature(const char* name);

typedef int32_t flashrnn_log_level;
enum {
  FLASHRNN_LOG_DEBUG = 1,
  FLASHRNN_LOG_INFO = 2,
  FLASHRNN_LOG_WARNING = 3,
  FLASHRNN_LOG_ERROR = 4,
  FLASHRNN_LOG_OFF = 5
};

/* message is valid during the callback only. The callback may come from any thread, never from two
 * at once, and must not call the library. */
typedef void (*flashrnn_log_callback)(flashrnn_log_level level, const char* message, void* user);

/* Routes messages of at least `level` to callback; a NULL callback turns logging off, which is the
 * default. */
FLASHRNN_API flashrnn_status flashrnn_set_log_callback(flashrnn_log_callback callback,
                                                       flashrnn_log_level level, void* user);

/* ---- dtypes ---- */

typedef int32_t flashrnn_dtype;
enum {
  FLASHRNN_DTYPE_DEFAULT = 0, /* in a problem: FLOAT32 (dtype), or the same as dtype (the others) */
  FLASHRNN_FLOAT32 = 1,
  FLASHRNN_BFLOAT16 = 2,
  FLASHRNN_FLOAT16 = 3,
  FLASHRNN_FLOAT64 = 4,
  FLASHRNN_UINT8 = 5, /* reset masks */
  FLASHRNN_INT32 = 6, /* lengths */
  FLASHRNN_INT64 = 7  /* lengths */
};

/* Bytes of one element, 0 for a value that is no dtype. */
FLASHRNN_API size_t flashrnn_dtype_size(flashrnn_dtype dtype);

/* ---- cells ---- */

/* docs/cells.md has each cell's equations, gate order and source. */
typedef int32_t flashrnn_cell;
enum {
  FLASHRNN_LSTM = 1,       /* gates i f z o; states h c */
  FLASHRNN_GRU = 2,        /* input gates r u n, recurrent gates r u g, biases r u n g; state h */
  FLASHRNN_ELMAN = 3,      /* h = tanh(g) */
  FLASHRNN_SLSTM = 4,      /* gates i f z o; states h c n m */
  FLASHRNN_ELMAN_RELU = 5, /* h = max(g, 0) */
  FLASHRNN_LIGHT_GRU = 6   /* gates u n; state h */
};

typedef struct flashrnn_cell_info {
  size_t struct_size;
  flashrnn_cell cell;
  int32_t input_gates;          /* Gi */
  int32_t recurrent_gates;      /* Gr */
  int32_t bias_gates;           /* Gb */
  int32_t states;               /* S, h included */
  const char* name;             /* "lstm"; static */
  const char* input_gate_names; /* "i f z o"; static, separated by blanks, in axis order */
  const char* recurrent_gate_names;
  const char* bias_gate_names;
  const char* state_names; /* "h c" */
} flashrnn_cell_info;

/* Writes the number of cells to *count, and to cells (which may be NULL) up to capacity of them in
 * order of value. */
FLASHRNN_API flashrnn_status flashrnn_list_cells(flashrnn_cell* cells, int32_t capacity,
                                                 int32_t* count);

/* Fills *info, whose struct_size the caller has set. */
FLASHRNN_API flashrnn_status flashrnn_get_cell_info(flashrnn_cell cell, flashrnn_cell_info* info);

/* ---- devices ---- */

typedef struct flashrnn_device_s* flashrnn_device;
typedef struct flashrnn_stream_s* flashrnn_stream;
typedef struct flashrnn_event_s* flashrnn_event;
typedef struct flashrnn_plan_s* flashrnn_plan;

typedef int32_t flashrnn_backend;
enum {
  FLASHRNN_BACKEND_BEST = 0, /* the first device of the list that flashrnn_list_devices gives */
  FLASHRNN_BACKEND_CPU = 1,
  FLASHRNN_BACKEND_CUDA = 2,
  FLASHRNN_BACKEND_HIP = 3,
  FLASHRNN_BACKEND_VULKAN = 4
};

typedef struct flashrnn_device_info {
  size_t struct_size;
  flashrnn_backend backend;
  int32_t ordinal;       /* the number of the device within its backend */
  int32_t compute_units; /* cores of a CPU that this process may use, multiprocessors of a GPU */
  int32_t reserved;
  uint64_t memory_bytes;
  char name[128];        /* as the hardware calls itself */
  char backend_name[16]; /* "cpu" */
} flashrnn_device_info;

/* Writes the number of devices to *count and to infos (which may be NULL) up to capacity of them,
 * the fastest kind first. The caller sets struct_size of infos[0]; it is the size of every element.
 */
FLASHRNN_API flashrnn_status flashrnn_list_devices(flashrnn_device_info* infos, int32_t capacity,
                                                   int32_t* count);

/* Opens a device; ordinal counts within the backend (0 with FLASHRNN_BACKEND_BEST). Close it with
 * flashrnn_device_close; plans, streams and events made from it stay usable after that. */
FLASHRNN_API flashrnn_status flashrnn_device_open(flashrnn_backend backend, int32_t ordinal,
                                                  flashrnn_device* device);
FLASHRNN_API flashrnn_status flashrnn_device_close(flashrnn_device device);
FLASHRNN_API flashrnn_status flashrnn_device_get_info(flashrnn_device device,
                                                      flashrnn_device_info* info);

/* Texts are written with a closing zero to text[0 .. capacity) and their full length, without the
 * zero, to *length (which may be NULL). text may be NULL with capacity 0 to ask for the length; a
 * text that does not fit is an FLASHRNN_INVALID_ARGUMENT, with *length set. */

/* JSON: every fact that plan-time decisions use (caches, cores, instruction sets, NUMA nodes, ...).
 */
FLASHRNN_API flashrnn_status flashrnn_device_describe(flashrnn_device device, char* text,
                                                      size_t capacity, size_t* length);

/* JSON: every backend this version knows, whether it can be used here and if not, why. */
FLASHRNN_API flashrnn_status flashrnn_describe_backends(char* text, size_t capacity,
                                                        size_t* length);

/* ---- memory, streams and events: helpers for any language ---- */

/* Nothing else depends on these: an application's own buffers and streams work everywhere. Memory
 * is aligned to 256 bytes at least; size 0 gives a pointer that may be freed. */
FLASHRNN_API flashrnn_status flashrnn_memory_allocate(flashrnn_device device, size_t size,
                                                      void** data);
FLASHRNN_API flashrnn_status flashrnn_memory_free(flashrnn_device device, void* data);

typedef int32_t flashrnn_copy_kind;
enum {
  FLASHRNN_COPY_HOST_TO_DEVICE = 1,
  FLASHRNN_COPY_DEVICE_TO_HOST = 2,
  FLASHRNN_COPY_DEVICE_TO_DEVICE = 3
};

/* In stream order; a stream of NULL is the device's default stream. Copies to and from host memory
 * return when done. */
FLASHRNN_API flashrnn_status flashrnn_memory_copy(flashrnn_device device, flashrnn_stream stream,
                                                  void* destination, const void* source,
                                                  size_t size, flashrnn_copy_kind kind);
FLASHRNN_API flashrnn_status flashrnn_memory_fill(flashrnn_device device, flashrnn_stream stream,
                                                  void* destination, uint8_t value, size_t size);

/* A stream of the library's own, or with flashrnn_stream_wrap the backend's (cudaStream_t, ...),
 * which the caller keeps owning. On the CPU a run is over when its call returns, and there is
 * nothing to wrap: native must be NULL. */
FLASHRNN_API flashrnn_status flashrnn_stream_create(flashrnn_device device,
                                                    flashrnn_stream* stream);
FLASHRNN_API flashrnn_status flashrnn_stream_wrap(flashrnn_device device, void* native,
                                                  flashrnn_stream* stream);
FLASHRNN_API flashrnn_status flashrnn_stream_synchronize(flashrnn_stream stream);
FLASHRNN_API flashrnn_status flashrnn_stream_close(flashrnn_stream stream);

FLASHRNN_API flashrnn_status flashrnn_event_create(flashrnn_device device, flashrnn_event* event);
FLASHRNN_API flashrnn_status flashrnn_event_record(flashrnn_event event, flashrnn_stream stream);
FLASHRNN_API flashrnn_status flashrnn_event_synchronize(flashrnn_event event);
/* Milliseconds between two recorded events of one device; waits for the second. */
FLASHRNN_API flashrnn_status flashrnn_event_elapsed(flashrnn_event first, flashrnn_event second,
                                                    double* milliseconds);
FLASHRNN_API flashrnn_status flashrnn_event_close(flashrnn_event event);

/* ---- plans ---- */

typedef int32_t flashrnn_mode;
enum {
  FLASHRNN_MODE_DEFAULT = 0,  /* TRAINING */
  FLASHRNN_MODE_TRAINING = 1, /* forward fills saved memory with what backward needs */
  FLASHRNN_MODE_RECOMPUTE =
      2, /* forward keeps h only; backward rebuilds the gates from h, wx, r and bias */
  FLASHRNN_MODE_INFERENCE = 3 /* forward and step only */
};

/* Bits of flashrnn_problem.flags. */
enum {
  FLASHRNN_REVERSE = 1 << 0, /* time runs from T - 1 down to 0 */
  FLASHRNN_LENGTHS = 1 << 1, /* runs take per-sequence lengths */
  FLASHRNN_RESETS = 1 << 2,  /* runs take a reset mask */
  FLASHRNN_CUT_RECURRENT_GRADIENT =
      1 << 3,                  /* backward drops the gradient that reaches h(t-1) through R */
  FLASHRNN_ALLOW_TF32 = 1 << 4 /* float32 products may use TF32 tensor cores */
};

typedef struct flashrnn_problem {
  size_t struct_size;
  flashrnn_cell cell; /* required */
  flashrnn_mode mode;
  int64_t batch;    /* B >= 1 */
  int64_t time;     /* T >= 0 */
  int64_t heads;    /* N >= 1 */
  int64_t head_dim; /* D >= 1 */
  flashrnn_dtype
      dtype; /* wx, h, states and their gradients; the operands of R h are rounded to it */
  flashrnn_dtype weight_dtype; /* r, bias and their gradients */
  flashrnn_dtype state_dtype;  /* initial and last states and their gradients */
  uint32_t flags;
  double forward_clip;            /* h is clamped to [-v, v] after every step; 0: not */
  double recurrent_gradient_clip; /* the gradient that h(t) receives from step t + 1 is clamped to
                                     [-v, v]; 0: not */
  int32_t threads;                /* CPU: at most this many threads; 0: as many as the device has */
  int32_t reserved;
  /* Forces the configuration instead of choosing it: "name=value" pairs separated by commas, names
   * as in flashrnn_plan_describe; what is not named is chosen. NULL or "": all is chosen. */
  const char* config;
  /* Path of a ConstrINT model that replaces the shipped one; NULL: the environment variable
   * FLASHRNN_MODEL_CPU (by backend), else the shipped one. */
  const char* model_path;
} flashrnn_problem;

/* Decides everything: kernel, tiles, memory. Close with flashrnn_plan_close. float64 is for the
 * CPU, and there all three dtypes are float64 or none is. */
FLASHRNN_API flashrnn_status flashrnn_plan_create(flashrnn_device device,
                                                  const flashrnn_problem* problem,
                                                  flashrnn_plan* plan);
FLASHRNN_API flashrnn_status flashrnn_plan_close(flashrnn_plan plan);

typedef struct flashrnn_plan_sizes {
  size_t struct_size;
  size_t forward_workspace;  /* bytes, for flashrnn_forward */
  size_t backward_workspace; /* for flashrnn_backward; 0 in inference mode */
  size_t step_workspace;     /* for flashrnn_step */
  size_t saved;     /* forward to backward; 0 in inference mode, and when nothing is to be kept */
  size_t alignment; /* of workspace and saved memory, in bytes */
} flashrnn_plan_sizes;

FLASHRNN_API flashrnn_status flashrnn_plan_get_sizes(flashrnn_plan plan,
                                                     flashrnn_plan_sizes* sizes);

/* JSON: problem, backend, kernel, configuration, predicted time, the constraint model, its answer
 * and statistics, and what was refused and why. */
FLASHRNN_API flashrnn_status flashrnn_plan_describe(flashrnn_plan plan, char* text, size_t capacity,
                                                    size_t* length);

/* ---- running ---- */

#define FLASHRNN_MAX_AXES 5

typedef struct flashrnn_tensor {
  void* data;
  flashrnn_dtype dtype; /* 0: as the plan says; else it must be just that */
  int32_t reserved;
  int64_t stride[FLASHRNN_MAX_AXES]; /* elements; unused axes zero. All zero: packed. An input's
                                      * stride may be zero (broadcast) or negative; an output's
                                      * elements must be distinct. */
} flashrnn_tensor;

/* Bits of run_flags. */
enum {
  /* r and bias hold the same values as in the last run of this plan and kind of call with this
   * workspace, whose contents are unchanged: their packing is skipped. */
  FLASHRNN_RUN_WEIGHTS_UNCHANGED = 1 << 0
};

typedef struct flashrnn_forward_args {
  size_t struct_size;
  flashrnn_stream stream;         /* NULL: the device's default stream */
  flashrnn_tensor wx;             /* in  [B, T, Gi, N, D]: the input projections */
  flashrnn_tensor r;              /* in  [Gr, N, D, D], the last axis that of h(t-1) */
  flashrnn_tensor bias;           /* in  [Gb, N, D]; absent: zero */
  flashrnn_tensor initial_states; /* in  [S, B, N, D]; absent: zero */
  flashrnn_tensor lengths; /* in  [B], int32 or int64 in [0, T]; with FLASHRNN_LENGTHS only. At t >=
                            * length h and states are written as zero and the states stand still. */
  flashrnn_tensor resets;  /* in  [T, B], uint8; with FLASHRNN_RESETS only. Not zero: step t starts
                            * from the  sequence's initial states instead of the previous step's. */
  flashrnn_tensor h;       /* out [B, T, N, D]; optional in inference mode only */
  flashrnn_tensor states;  /* out [S, B, T, N, D], every state after every step; optional */
  flashrnn_tensor
      last_states; /* out [S, B, N, D]; optional. May be the same tensor as initial_states. */
  void* workspace;
  size_t workspace_size; /* at least forward_workspace */
  void* saved;
  size_t saved_size; /* at least saved */
  uint32_t run_flags;
  uint32_t reserved;
} flashrnn_forward_args;

FLASHRNN_API flashrnn_status flashrnn_forward(flashrnn_plan plan,
                                              const flashrnn_forward_args* args);

/* Every input is what forward got or gave; every gradient in is optional (absent: zero), every
 * gradient out is optional (absent: not computed) and is overwritten, not added to. Gradients of
 * steps at t >= length are zero. */
typedef struct flashrnn_backward_args {
  size_t struct_size;
  flashrnn_stream stream;
  flashrnn_tensor wx;               /* in  as in forward; recompute mode only */
  flashrnn_tensor r;                /* in  as in forward */
  flashrnn_tensor bias;             /* in  as in forward; recompute mode only */
  flashrnn_tensor initial_states;   /* in  as in forward */
  flashrnn_tensor lengths;          /* in  as in forward */
  flashrnn_tensor resets;           /* in  as in forward */
  flashrnn_tensor h;                /* in  [B, T, N, D], forward's output */
  flashrnn_tensor d_h;              /* in  [B, T, N, D] */
  flashrnn_tensor d_states;         /* in  [S, B, T, N, D]; adds to d_h where both are given */
  flashrnn_tensor d_last_states;    /* in  [S, B, N, D] */
  flashrnn_tensor d_wx;             /* out [B, T, Gi, N, D] */
  flashrnn_tensor d_r;              /* out [Gr, N, D, D] */
  flashrnn_tensor d_bias;           /* out [Gb, N, D] */
  flashrnn_tensor d_initial_states; /* out [S, B, N, D] */
  void* workspace;
  size_t workspace_size; /* at least backward_workspace */
  const void* saved;     /* as forward left it */
  size_t saved_size;
  uint32_t run_flags;
  uint32_t reserved;
} flashrnn_backward_args;

FLASHRNN_API flashrnn_status flashrnn_backward(flashrnn_plan plan,
                                               const flashrnn_backward_args* args);

/* One step for streaming, whatever the plan's time; reverse has no meaning here, lengths and resets
 * are not taken. */
typedef struct flashrnn_step_args {
  size_t struct_size;
  flashrnn_stream stream;
  flashrnn_tensor wx;         /* in  [B, Gi, N, D] */
  flashrnn_tensor r;          /* in  [Gr, N, D, D] */
  flashrnn_tensor bias;       /* in  [Gb, N, D]; absent: zero */
  flashrnn_tensor states;     /* in  [S, B, N, D]; absent: zero */
  flashrnn_tensor new_states; /* out [S, B, N, D]; may be the same tensor as states */
  flashrnn_tensor h;          /* out [B, N, D]; optional */
  void* workspace;
  size_t workspace_size; /* at least step_workspace */
  uint32_t run_flags;
  uint32_t reserved;
} flashrnn_step_args;

FLASHRNN_API flashrnn_status flashrnn_step(flashrnn_plan plan, const flashrnn_step_args* args);

#ifdef __cplusplus
}
#endif

#endif /* FLASHRNN_FLASHRNN_H_ */
