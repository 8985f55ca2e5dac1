# SPDX-License-Identifier: Apache-2.0
# DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h.
const FLASHRNN_VERSION_MAJOR = 0
const FLASHRNN_VERSION_MINOR = 1
const FLASHRNN_VERSION_PATCH = 0

# Enum values are pinned: a value is never changed or used again. Enums travel as int32_t in structs and calls,
# so that an unknown value is an error with a message instead of undefined behaviour.
const flashrnn_status = Int32
const FLASHRNN_OK = flashrnn_status(0)
# a value breaks the rule that the message states
const FLASHRNN_INVALID_ARGUMENT = flashrnn_status(1)
# NULL, closed, or not a handle of this kind
const FLASHRNN_INVALID_HANDLE = flashrnn_status(2)
# well formed, but no backend or kernel here does it
const FLASHRNN_UNSUPPORTED = flashrnn_status(3)
# an allocation failed (never while running a plan)
const FLASHRNN_OUT_OF_MEMORY = flashrnn_status(4)
# the backend is not built in, or its driver or device is missing
const FLASHRNN_DEVICE_UNAVAILABLE = flashrnn_status(5)
# the device's own runtime reported an error
const FLASHRNN_DEVICE_ERROR = flashrnn_status(6)
# the tiling constraints admit no configuration; the message names the clash
const FLASHRNN_INFEASIBLE = flashrnn_status(7)
# a fault of the library
const FLASHRNN_INTERNAL = flashrnn_status(8)

const flashrnn_log_level = Int32
const FLASHRNN_LOG_DEBUG = flashrnn_log_level(1)
const FLASHRNN_LOG_INFO = flashrnn_log_level(2)
const FLASHRNN_LOG_WARNING = flashrnn_log_level(3)
const FLASHRNN_LOG_ERROR = flashrnn_log_level(4)
const FLASHRNN_LOG_OFF = flashrnn_log_level(5)
# message is valid during the callback only. The callback may come from any thread, never from two at once, and
# must not call the library.
const flashrnn_log_callback = Ptr{Cvoid} # a pointer made by @cfunction

const flashrnn_dtype = Int32
# in a problem: FLOAT32 (dtype), or the same as dtype (the others)
const FLASHRNN_DTYPE_DEFAULT = flashrnn_dtype(0)
const FLASHRNN_FLOAT32 = flashrnn_dtype(1)
const FLASHRNN_BFLOAT16 = flashrnn_dtype(2)
const FLASHRNN_FLOAT16 = flashrnn_dtype(3)
const FLASHRNN_FLOAT64 = flashrnn_dtype(4)
# reset masks
const FLASHRNN_UINT8 = flashrnn_dtype(5)
# lengths
const FLASHRNN_INT32 = flashrnn_dtype(6)
# lengths
const FLASHRNN_INT64 = flashrnn_dtype(7)

# docs/cells.md has each cell's equations, gate order and source.
const flashrnn_cell = Int32
# gates i f z o; states h c
const FLASHRNN_LSTM = flashrnn_cell(1)
# input gates r u n, recurrent gates r u g, biases r u n g; state h
const FLASHRNN_GRU = flashrnn_cell(2)
# h = tanh(g)
const FLASHRNN_ELMAN = flashrnn_cell(3)
# gates i f z o; states h c n m
const FLASHRNN_SLSTM = flashrnn_cell(4)
# h = max(g, 0)
const FLASHRNN_ELMAN_RELU = flashrnn_cell(5)
# gates u n; state h
const FLASHRNN_LIGHT_GRU = flashrnn_cell(6)

struct flashrnn_cell_info
    struct_size::Csize_t
    cell::flashrnn_cell
    # Gi
    input_gates::Int32
    # Gr
    recurrent_gates::Int32
    # Gb
    bias_gates::Int32
    # S, h included
    states::Int32
    # "lstm"; static
    name::Cstring
    # "i f z o"; static, separated by blanks, in axis order
    input_gate_names::Cstring
    recurrent_gate_names::Cstring
    bias_gate_names::Cstring
    # "h c"
    state_names::Cstring
end
function flashrnn_cell_info(;
    struct_size = sizeof(flashrnn_cell_info),
    cell = 0,
    input_gates = 0,
    recurrent_gates = 0,
    bias_gates = 0,
    states = 0,
    name = Cstring(C_NULL),
    input_gate_names = Cstring(C_NULL),
    recurrent_gate_names = Cstring(C_NULL),
    bias_gate_names = Cstring(C_NULL),
    state_names = Cstring(C_NULL),
)
    return flashrnn_cell_info(struct_size, cell, input_gates, recurrent_gates, bias_gates, states,
        name, input_gate_names, recurrent_gate_names, bias_gate_names, state_names)
end
const flashrnn_device = Ptr{Cvoid} # opaque
const flashrnn_stream = Ptr{Cvoid} # opaque
const flashrnn_event = Ptr{Cvoid} # opaque
const flashrnn_plan = Ptr{Cvoid} # opaque

const flashrnn_backend = Int32
# the first device of the list that flashrnn_list_devices gives
const FLASHRNN_BACKEND_BEST = flashrnn_backend(0)
const FLASHRNN_BACKEND_CPU = flashrnn_backend(1)
const FLASHRNN_BACKEND_CUDA = flashrnn_backend(2)
const FLASHRNN_BACKEND_HIP = flashrnn_backend(3)
const FLASHRNN_BACKEND_VULKAN = flashrnn_backend(4)

struct flashrnn_device_info
    struct_size::Csize_t
    backend::flashrnn_backend
    # the number of the device within its backend
    ordinal::Int32
    # cores of a CPU that this process may use, multiprocessors of a GPU
    compute_units::Int32
    reserved::Int32
    memory_bytes::UInt64
    # as the hardware calls itself
    name::NTuple{128, Cchar}
    # "cpu"
    backend_name::NTuple{16, Cchar}
end
function flashrnn_device_info(;
    struct_size = sizeof(flashrnn_device_info),
    backend = 0,
    ordinal = 0,
    compute_units = 0,
    reserved = 0,
    memory_bytes = 0,
    name = ntuple(_ -> zero(Cchar), 128),
    backend_name = ntuple(_ -> zero(Cchar), 16),
)
    return flashrnn_device_info(struct_size, backend, ordinal, compute_units, reserved,
        memory_bytes, name, backend_name)
end

const flashrnn_copy_kind = Int32
const FLASHRNN_COPY_HOST_TO_DEVICE = flashrnn_copy_kind(1)
const FLASHRNN_COPY_DEVICE_TO_HOST = flashrnn_copy_kind(2)
const FLASHRNN_COPY_DEVICE_TO_DEVICE = flashrnn_copy_kind(3)

const flashrnn_mode = Int32
# TRAINING
const FLASHRNN_MODE_DEFAULT = flashrnn_mode(0)
# forward fills saved memory with what backward needs
const FLASHRNN_MODE_TRAINING = flashrnn_mode(1)
# forward keeps h only; backward rebuilds the gates from h, wx, r and bias
const FLASHRNN_MODE_RECOMPUTE = flashrnn_mode(2)
# forward and step only
const FLASHRNN_MODE_INFERENCE = flashrnn_mode(3)

# Bits of flashrnn_problem.flags.
# time runs from T - 1 down to 0
const FLASHRNN_REVERSE = UInt32(1)
# runs take per-sequence lengths
const FLASHRNN_LENGTHS = UInt32(2)
# runs take a reset mask
const FLASHRNN_RESETS = UInt32(4)
# backward drops the gradient that reaches h(t-1) through R
const FLASHRNN_CUT_RECURRENT_GRADIENT = UInt32(8)
# float32 products may use TF32 tensor cores
const FLASHRNN_ALLOW_TF32 = UInt32(16)

struct flashrnn_problem
    struct_size::Csize_t
    # required
    cell::flashrnn_cell
    mode::flashrnn_mode
    # B >= 1
    batch::Int64
    # T >= 0
    time::Int64
    # N >= 1
    heads::Int64
    # D >= 1
    head_dim::Int64
    # wx, h, states and their gradients; the operands of R h are rounded to it
    dtype::flashrnn_dtype
    # r, bias and their gradients
    weight_dtype::flashrnn_dtype
    # initial and last states and their gradients
    state_dtype::flashrnn_dtype
    flags::UInt32
    # h is clamped to [-v, v] after every step; 0: not
    forward_clip::Cdouble
    # the gradient that h(t) receives from step t + 1 is clamped to [-v, v]; 0: not
    recurrent_gradient_clip::Cdouble
    # CPU: at most this many threads; 0: as many as the device has
    threads::Int32
    reserved::Int32
    # Forces the configuration instead of choosing it: "name=value" pairs separated by commas, names as in
    # flashrnn_plan_describe; what is not named is chosen. NULL or "": all is chosen.
    config::Cstring
    # Path of a ConstrINT model that replaces the shipped one; NULL: the environment variable FLASHRNN_MODEL_CPU
    # (by backend), else the shipped one.
    model_path::Cstring
end
function flashrnn_problem(;
    struct_size = sizeof(flashrnn_problem),
    cell = 0,
    mode = 0,
    batch = 0,
    time = 0,
    heads = 0,
    head_dim = 0,
    dtype = 0,
    weight_dtype = 0,
    state_dtype = 0,
    flags = 0,
    forward_clip = 0,
    recurrent_gradient_clip = 0,
    threads = 0,
    reserved = 0,
    config = Cstring(C_NULL),
    model_path = Cstring(C_NULL),
)
    return flashrnn_problem(struct_size, cell, mode, batch, time, heads, head_dim, dtype,
        weight_dtype, state_dtype, flags, forward_clip, recurrent_gradient_clip, threads, reserved,
        config, model_path)
end

struct flashrnn_plan_sizes
    struct_size::Csize_t
    # bytes, for flashrnn_forward
    forward_workspace::Csize_t
    # for flashrnn_backward; 0 in inference mode
    backward_workspace::Csize_t
    # for flashrnn_step
    step_workspace::Csize_t
    # forward to backward; 0 in inference mode, and when nothing is to be kept
    saved::Csize_t
    # of workspace and saved memory, in bytes
    alignment::Csize_t
end
function flashrnn_plan_sizes(;
    struct_size = sizeof(flashrnn_plan_sizes),
    forward_workspace = 0,
    backward_workspace = 0,
    step_workspace = 0,
    saved = 0,
    alignment = 0,
)
    return flashrnn_plan_sizes(struct_size, forward_workspace, backward_workspace, step_workspace,
        saved, alignment)
end
const FLASHRNN_MAX_AXES = 5

struct flashrnn_tensor
    data::Ptr{Cvoid}
    # 0: as the plan says; else it must be just that
    dtype::flashrnn_dtype
    reserved::Int32
    # elements; unused axes zero. All zero: packed. An input's stride may be zero (broadcast) or negative; an
    # output's elements must be distinct.
    stride::NTuple{5, Int64}
end
function flashrnn_tensor(;
    data = C_NULL,
    dtype = 0,
    reserved = 0,
    stride = ntuple(_ -> zero(Int64), 5),
)
    return flashrnn_tensor(data, dtype, reserved, stride)
end

# Bits of run_flags.
# r and bias hold the same values as in the last run of this plan and kind of call with this workspace, whose
# contents are unchanged: their packing is skipped.
const FLASHRNN_RUN_WEIGHTS_UNCHANGED = UInt32(1)

struct flashrnn_forward_args
    struct_size::Csize_t
    # NULL: the device's default stream
    stream::flashrnn_stream
    # in  [B, T, Gi, N, D]: the input projections
    wx::flashrnn_tensor
    # in  [Gr, N, D, D], the last axis that of h(t-1)
    r::flashrnn_tensor
    # in  [Gb, N, D]; absent: zero
    bias::flashrnn_tensor
    # in  [S, B, N, D]; absent: zero
    initial_states::flashrnn_tensor
    # in  [B], int32 or int64 in [0, T]; with FLASHRNN_LENGTHS only. At t >= length h and states are written as
    # zero and the states stand still.
    lengths::flashrnn_tensor
    # in  [T, B], uint8; with FLASHRNN_RESETS only. Not zero: step t starts from the  sequence's initial states
    # instead of the previous step's.
    resets::flashrnn_tensor
    # out [B, T, N, D]; optional in inference mode only
    h::flashrnn_tensor
    # out [S, B, T, N, D], every state after every step; optional
    states::flashrnn_tensor
    # out [S, B, N, D]; optional. May be the same tensor as initial_states.
    last_states::flashrnn_tensor
    workspace::Ptr{Cvoid}
    # at least forward_workspace
    workspace_size::Csize_t
    saved::Ptr{Cvoid}
    # at least saved
    saved_size::Csize_t
    run_flags::UInt32
    reserved::UInt32
end
function flashrnn_forward_args(;
    struct_size = sizeof(flashrnn_forward_args),
    stream = C_NULL,
    wx = flashrnn_tensor(),
    r = flashrnn_tensor(),
    bias = flashrnn_tensor(),
    initial_states = flashrnn_tensor(),
    lengths = flashrnn_tensor(),
    resets = flashrnn_tensor(),
    h = flashrnn_tensor(),
    states = flashrnn_tensor(),
    last_states = flashrnn_tensor(),
    workspace = C_NULL,
    workspace_size = 0,
    saved = C_NULL,
    saved_size = 0,
    run_flags = 0,
    reserved = 0,
)
    return flashrnn_forward_args(struct_size, stream, wx, r, bias, initial_states, lengths, resets,
        h, states, last_states, workspace, workspace_size, saved, saved_size, run_flags, reserved)
end

# Every input is what forward got or gave; every gradient in is optional (absent: zero), every gradient out is
# optional (absent: not computed) and is overwritten, not added to. Gradients of steps at t >= length are zero.
struct flashrnn_backward_args
    struct_size::Csize_t
    stream::flashrnn_stream
    # in  as in forward; recompute mode only
    wx::flashrnn_tensor
    # in  as in forward
    r::flashrnn_tensor
    # in  as in forward; recompute mode only
    bias::flashrnn_tensor
    # in  as in forward
    initial_states::flashrnn_tensor
    # in  as in forward
    lengths::flashrnn_tensor
    # in  as in forward
    resets::flashrnn_tensor
    # in  [B, T, N, D], forward's output
    h::flashrnn_tensor
    # in  [B, T, N, D]
    d_h::flashrnn_tensor
    # in  [S, B, T, N, D]; adds to d_h where both are given
    d_states::flashrnn_tensor
    # in  [S, B, N, D]
    d_last_states::flashrnn_tensor
    # out [B, T, Gi, N, D]
    d_wx::flashrnn_tensor
    # out [Gr, N, D, D]
    d_r::flashrnn_tensor
    # out [Gb, N, D]
    d_bias::flashrnn_tensor
    # out [S, B, N, D]
    d_initial_states::flashrnn_tensor
    workspace::Ptr{Cvoid}
    # at least backward_workspace
    workspace_size::Csize_t
    # as forward left it
    saved::Ptr{Cvoid}
    saved_size::Csize_t
    run_flags::UInt32
    reserved::UInt32
end
function flashrnn_backward_args(;
    struct_size = sizeof(flashrnn_backward_args),
    stream = C_NULL,
    wx = flashrnn_tensor(),
    r = flashrnn_tensor(),
    bias = flashrnn_tensor(),
    initial_states = flashrnn_tensor(),
    lengths = flashrnn_tensor(),
    resets = flashrnn_tensor(),
    h = flashrnn_tensor(),
    d_h = flashrnn_tensor(),
    d_states = flashrnn_tensor(),
    d_last_states = flashrnn_tensor(),
    d_wx = flashrnn_tensor(),
    d_r = flashrnn_tensor(),
    d_bias = flashrnn_tensor(),
    d_initial_states = flashrnn_tensor(),
    workspace = C_NULL,
    workspace_size = 0,
    saved = C_NULL,
    saved_size = 0,
    run_flags = 0,
    reserved = 0,
)
    return flashrnn_backward_args(struct_size, stream, wx, r, bias, initial_states, lengths, resets,
        h, d_h, d_states, d_last_states, d_wx, d_r, d_bias, d_initial_states, workspace,
        workspace_size, saved, saved_size, run_flags, reserved)
end

# One step for streaming, whatever the plan's time; reverse has no meaning here, lengths and resets are not
# taken.
struct flashrnn_step_args
    struct_size::Csize_t
    stream::flashrnn_stream
    # in  [B, Gi, N, D]
    wx::flashrnn_tensor
    # in  [Gr, N, D, D]
    r::flashrnn_tensor
    # in  [Gb, N, D]; absent: zero
    bias::flashrnn_tensor
    # in  [S, B, N, D]; absent: zero
    states::flashrnn_tensor
    # out [S, B, N, D]; may be the same tensor as states
    new_states::flashrnn_tensor
    # out [B, N, D]; optional
    h::flashrnn_tensor
    workspace::Ptr{Cvoid}
    # at least step_workspace
    workspace_size::Csize_t
    run_flags::UInt32
    reserved::UInt32
end
function flashrnn_step_args(;
    struct_size = sizeof(flashrnn_step_args),
    stream = C_NULL,
    wx = flashrnn_tensor(),
    r = flashrnn_tensor(),
    bias = flashrnn_tensor(),
    states = flashrnn_tensor(),
    new_states = flashrnn_tensor(),
    h = flashrnn_tensor(),
    workspace = C_NULL,
    workspace_size = 0,
    run_flags = 0,
    reserved = 0,
)
    return flashrnn_step_args(struct_size, stream, wx, r, bias, states, new_states, h, workspace,
        workspace_size, run_flags, reserved)
end

# In the order of the indices that symbol() is called with below.
const SYMBOL_NAMES = (
    :flashrnn_status_name,
    :flashrnn_last_error_message,
    :flashrnn_version,
    :flashrnn_has_feature,
    :flashrnn_set_log_callback,
    :flashrnn_dtype_size,
    :flashrnn_list_cells,
    :flashrnn_get_cell_info,
    :flashrnn_list_devices,
    :flashrnn_device_open,
    :flashrnn_device_close,
    :flashrnn_device_get_info,
    :flashrnn_device_describe,
    :flashrnn_describe_backends,
    :flashrnn_memory_allocate,
    :flashrnn_memory_free,
    :flashrnn_memory_copy,
    :flashrnn_memory_fill,
    :flashrnn_stream_create,
    :flashrnn_stream_wrap,
    :flashrnn_stream_synchronize,
    :flashrnn_stream_close,
    :flashrnn_event_create,
    :flashrnn_event_record,
    :flashrnn_event_synchronize,
    :flashrnn_event_elapsed,
    :flashrnn_event_close,
    :flashrnn_plan_create,
    :flashrnn_plan_close,
    :flashrnn_plan_get_sizes,
    :flashrnn_plan_describe,
    :flashrnn_forward,
    :flashrnn_backward,
    :flashrnn_step,
)

# Static string such as "FLASHRNN_OK"; "unknown status" for a value that is none.
function flashrnn_status_name(status)
    return ccall(symbol(1), Cstring, (flashrnn_status,), status)
end

# Message of the last failed call on the calling thread, "" if none failed yet. Valid until that thread's next
# call.
function flashrnn_last_error_message()
    return ccall(symbol(2), Cstring, ())
end

# The library's version as major * 1000000 + minor * 1000 + patch, to compare with the macros compiled against.
function flashrnn_version()
    return ccall(symbol(3), Int32, ())
end

# 1 if the named feature is in this build, else 0. Names: a backend ("cpu", "cuda", "hip", "vulkan"), a cell by
# its name ("lstm", ...), "recompute", "lengths", "resets", "step", "threads" (the CPU backend runs more than
# one).
function flashrnn_has_feature(name)
    return ccall(symbol(4), Int32, (Cstring,), name)
end

# Routes messages of at least `level` to callback; a NULL callback turns logging off, which is the default.
function flashrnn_set_log_callback(callback, level, user)
    return ccall(symbol(5), flashrnn_status, (flashrnn_log_callback, flashrnn_log_level, Ptr{Cvoid}), callback, level, user)
end

# Bytes of one element, 0 for a value that is no dtype.
function flashrnn_dtype_size(dtype)
    return ccall(symbol(6), Csize_t, (flashrnn_dtype,), dtype)
end

# Writes the number of cells to *count, and to cells (which may be NULL) up to capacity of them in order of
# value.
function flashrnn_list_cells(cells, capacity, count)
    return ccall(symbol(7), flashrnn_status, (Ptr{flashrnn_cell}, Int32, Ptr{Int32}), cells, capacity, count)
end

# Fills *info, whose struct_size the caller has set.
function flashrnn_get_cell_info(cell, info)
    return ccall(symbol(8), flashrnn_status, (flashrnn_cell, Ptr{flashrnn_cell_info}), cell, info)
end

# Writes the number of devices to *count and to infos (which may be NULL) up to capacity of them, the fastest
# kind first. The caller sets struct_size of infos[0]; it is the size of every element.
function flashrnn_list_devices(infos, capacity, count)
    return ccall(symbol(9), flashrnn_status, (Ptr{flashrnn_device_info}, Int32, Ptr{Int32}), infos, capacity, count)
end

# Opens a device; ordinal counts within the backend (0 with FLASHRNN_BACKEND_BEST). Close it with
# flashrnn_device_close; plans, streams and events made from it stay usable after that.
function flashrnn_device_open(backend, ordinal, device)
    return ccall(symbol(10), flashrnn_status, (flashrnn_backend, Int32, Ptr{flashrnn_device}), backend, ordinal, device)
end

function flashrnn_device_close(device)
    return ccall(symbol(11), flashrnn_status, (flashrnn_device,), device)
end

function flashrnn_device_get_info(device, info)
    return ccall(symbol(12), flashrnn_status, (flashrnn_device, Ptr{flashrnn_device_info}), device, info)
end

# JSON: every fact that plan-time decisions use (caches, cores, instruction sets, NUMA nodes, ...).
function flashrnn_device_describe(device, text, capacity, length)
    return ccall(symbol(13), flashrnn_status, (flashrnn_device, Ptr{Cchar}, Csize_t, Ptr{Csize_t}), device, text, capacity, length)
end

# JSON: every backend this version knows, whether it can be used here and if not, why.
function flashrnn_describe_backends(text, capacity, length)
    return ccall(symbol(14), flashrnn_status, (Ptr{Cchar}, Csize_t, Ptr{Csize_t}), text, capacity, length)
end

# Nothing else depends on these: an application's own buffers and streams work everywhere. Memory is aligned to
# 256 bytes at least; size 0 gives a pointer that may be freed.
function flashrnn_memory_allocate(device, size, data)
    return ccall(symbol(15), flashrnn_status, (flashrnn_device, Csize_t, Ptr{Ptr{Cvoid}}), device, size, data)
end

function flashrnn_memory_free(device, data)
    return ccall(symbol(16), flashrnn_status, (flashrnn_device, Ptr{Cvoid}), device, data)
end

# In stream order; a stream of NULL is the device's default stream. Copies to and from host memory return when
# done.
function flashrnn_memory_copy(device, stream, destination, source, size, kind)
    return ccall(symbol(17), flashrnn_status, (flashrnn_device, flashrnn_stream, Ptr{Cvoid}, Ptr{Cvoid}, Csize_t, flashrnn_copy_kind), device, stream, destination, source, size, kind)
end

function flashrnn_memory_fill(device, stream, destination, value, size)
    return ccall(symbol(18), flashrnn_status, (flashrnn_device, flashrnn_stream, Ptr{Cvoid}, UInt8, Csize_t), device, stream, destination, value, size)
end

# A stream of the library's own, or with flashrnn_stream_wrap the backend's (cudaStream_t, ...), which the
# caller keeps owning. On the CPU a run is over when its call returns, and there is nothing to wrap: native must
# be NULL.
function flashrnn_stream_create(device, stream)
    return ccall(symbol(19), flashrnn_status, (flashrnn_device, Ptr{flashrnn_stream}), device, stream)
end

function flashrnn_stream_wrap(device, native, stream)
    return ccall(symbol(20), flashrnn_status, (flashrnn_device, Ptr{Cvoid}, Ptr{flashrnn_stream}), device, native, stream)
end

function flashrnn_stream_synchronize(stream)
    return ccall(symbol(21), flashrnn_status, (flashrnn_stream,), stream)
end

function flashrnn_stream_close(stream)
    return ccall(symbol(22), flashrnn_status, (flashrnn_stream,), stream)
end

function flashrnn_event_create(device, event)
    return ccall(symbol(23), flashrnn_status, (flashrnn_device, Ptr{flashrnn_event}), device, event)
end

function flashrnn_event_record(event, stream)
    return ccall(symbol(24), flashrnn_status, (flashrnn_event, flashrnn_stream), event, stream)
end

function flashrnn_event_synchronize(event)
    return ccall(symbol(25), flashrnn_status, (flashrnn_event,), event)
end

# Milliseconds between two recorded events of one device; waits for the second.
function flashrnn_event_elapsed(first, second, milliseconds)
    return ccall(symbol(26), flashrnn_status, (flashrnn_event, flashrnn_event, Ptr{Cdouble}), first, second, milliseconds)
end

function flashrnn_event_close(event)
    return ccall(symbol(27), flashrnn_status, (flashrnn_event,), event)
end

# Decides everything: kernel, tiles, memory. Close with flashrnn_plan_close. float64 is for the CPU, and there
# all three dtypes are float64 or none is.
function flashrnn_plan_create(device, problem, plan)
    return ccall(symbol(28), flashrnn_status, (flashrnn_device, Ptr{flashrnn_problem}, Ptr{flashrnn_plan}), device, problem, plan)
end

function flashrnn_plan_close(plan)
    return ccall(symbol(29), flashrnn_status, (flashrnn_plan,), plan)
end

function flashrnn_plan_get_sizes(plan, sizes)
    return ccall(symbol(30), flashrnn_status, (flashrnn_plan, Ptr{flashrnn_plan_sizes}), plan, sizes)
end

# JSON: problem, backend, kernel, configuration, predicted time, the constraint model, its answer and
# statistics, and what was refused and why.
function flashrnn_plan_describe(plan, text, capacity, length)
    return ccall(symbol(31), flashrnn_status, (flashrnn_plan, Ptr{Cchar}, Csize_t, Ptr{Csize_t}), plan, text, capacity, length)
end

function flashrnn_forward(plan, args)
    return ccall(symbol(32), flashrnn_status, (flashrnn_plan, Ptr{flashrnn_forward_args}), plan, args)
end

function flashrnn_backward(plan, args)
    return ccall(symbol(33), flashrnn_status, (flashrnn_plan, Ptr{flashrnn_backward_args}), plan, args)
end

function flashrnn_step(plan, args)
    return ccall(symbol(34), flashrnn_status, (flashrnn_plan, Ptr{flashrnn_step_args}), plan, args)
end

# size and offsets of every struct on 64-bit platforms, for the tests
const LAYOUT = (
    (flashrnn_cell_info, 72, (0, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64,)),
    (flashrnn_device_info, 176, (0, 8, 12, 16, 20, 24, 32, 160,)),
    (flashrnn_problem, 104, (0, 8, 12, 16, 24, 32, 40, 48, 52, 56, 60, 64, 72, 80, 84, 88, 96,)),
    (flashrnn_plan_sizes, 48, (0, 8, 16, 24, 32, 40,)),
    (flashrnn_tensor, 56, (0, 8, 12, 16,)),
    (flashrnn_forward_args, 560, (0, 8, 16, 72, 128, 184, 240, 296, 352, 408, 464, 520, 528, 536, 544, 552, 556,)),
    (flashrnn_backward_args, 840, (0, 8, 16, 72, 128, 184, 240, 296, 352, 408, 464, 520, 576, 632, 688, 744, 800, 808, 816, 824, 832, 836,)),
    (flashrnn_step_args, 376, (0, 8, 16, 72, 128, 184, 240, 296, 352, 360, 368, 372,)),
)
