// SPDX-License-Identifier: Apache-2.0
// DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h.
#[allow(unused_imports)]
use core::ffi::{c_char, c_void};
pub const FLASHRNN_VERSION_MAJOR: i32 = 0;
pub const FLASHRNN_VERSION_MINOR: i32 = 1;
pub const FLASHRNN_VERSION_PATCH: i32 = 0;

/// Enum values are pinned: a value is never changed or used again. Enums travel as int32_t in
/// structs and calls, so that an unknown value is an error with a message instead of undefined
/// behaviour.
pub type flashrnn_status = i32;
pub const FLASHRNN_OK: flashrnn_status = 0;
/// a value breaks the rule that the message states
pub const FLASHRNN_INVALID_ARGUMENT: flashrnn_status = 1;
/// NULL, closed, or not a handle of this kind
pub const FLASHRNN_INVALID_HANDLE: flashrnn_status = 2;
/// well formed, but no backend or kernel here does it
pub const FLASHRNN_UNSUPPORTED: flashrnn_status = 3;
/// an allocation failed (never while running a plan)
pub const FLASHRNN_OUT_OF_MEMORY: flashrnn_status = 4;
/// the backend is not built in, or its driver or device is missing
pub const FLASHRNN_DEVICE_UNAVAILABLE: flashrnn_status = 5;
/// the device's own runtime reported an error
pub const FLASHRNN_DEVICE_ERROR: flashrnn_status = 6;
/// the tiling constraints admit no configuration; the message names the clash
pub const FLASHRNN_INFEASIBLE: flashrnn_status = 7;
/// a fault of the library
pub const FLASHRNN_INTERNAL: flashrnn_status = 8;

pub type flashrnn_log_level = i32;
pub const FLASHRNN_LOG_DEBUG: flashrnn_log_level = 1;
pub const FLASHRNN_LOG_INFO: flashrnn_log_level = 2;
pub const FLASHRNN_LOG_WARNING: flashrnn_log_level = 3;
pub const FLASHRNN_LOG_ERROR: flashrnn_log_level = 4;
pub const FLASHRNN_LOG_OFF: flashrnn_log_level = 5;

/// message is valid during the callback only. The callback may come from any thread, never from two
/// at once, and must not call the library.
pub type flashrnn_log_callback = Option<
    unsafe extern "C" fn(level: flashrnn_log_level, message: *const c_char, user: *mut c_void),
>;

pub type flashrnn_dtype = i32;
/// in a problem: FLOAT32 (dtype), or the same as dtype (the others)
pub const FLASHRNN_DTYPE_DEFAULT: flashrnn_dtype = 0;
pub const FLASHRNN_FLOAT32: flashrnn_dtype = 1;
pub const FLASHRNN_BFLOAT16: flashrnn_dtype = 2;
pub const FLASHRNN_FLOAT16: flashrnn_dtype = 3;
pub const FLASHRNN_FLOAT64: flashrnn_dtype = 4;
/// reset masks
pub const FLASHRNN_UINT8: flashrnn_dtype = 5;
/// lengths
pub const FLASHRNN_INT32: flashrnn_dtype = 6;
/// lengths
pub const FLASHRNN_INT64: flashrnn_dtype = 7;

/// docs/cells.md has each cell's equations, gate order and source.
pub type flashrnn_cell = i32;
/// gates i f z o; states h c
pub const FLASHRNN_LSTM: flashrnn_cell = 1;
/// input gates r u n, recurrent gates r u g, biases r u n g; state h
pub const FLASHRNN_GRU: flashrnn_cell = 2;
/// h = tanh(g)
pub const FLASHRNN_ELMAN: flashrnn_cell = 3;
/// gates i f z o; states h c n m
pub const FLASHRNN_SLSTM: flashrnn_cell = 4;
/// h = max(g, 0)
pub const FLASHRNN_ELMAN_RELU: flashrnn_cell = 5;
/// gates u n; state h
pub const FLASHRNN_LIGHT_GRU: flashrnn_cell = 6;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_cell_info {
    pub struct_size: usize,
    pub cell: flashrnn_cell,
    /// Gi
    pub input_gates: i32,
    /// Gr
    pub recurrent_gates: i32,
    /// Gb
    pub bias_gates: i32,
    /// S, h included
    pub states: i32,
    /// "lstm"; static
    pub name: *const c_char,
    /// "i f z o"; static, separated by blanks, in axis order
    pub input_gate_names: *const c_char,
    pub recurrent_gate_names: *const c_char,
    pub bias_gate_names: *const c_char,
    /// "h c"
    pub state_names: *const c_char,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_cell_info {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_cell_info>() == 72);
    assert!(core::mem::offset_of!(flashrnn_cell_info, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_cell_info, cell) == 8);
    assert!(core::mem::offset_of!(flashrnn_cell_info, input_gates) == 12);
    assert!(core::mem::offset_of!(flashrnn_cell_info, recurrent_gates) == 16);
    assert!(core::mem::offset_of!(flashrnn_cell_info, bias_gates) == 20);
    assert!(core::mem::offset_of!(flashrnn_cell_info, states) == 24);
    assert!(core::mem::offset_of!(flashrnn_cell_info, name) == 32);
    assert!(core::mem::offset_of!(flashrnn_cell_info, input_gate_names) == 40);
    assert!(core::mem::offset_of!(flashrnn_cell_info, recurrent_gate_names) == 48);
    assert!(core::mem::offset_of!(flashrnn_cell_info, bias_gate_names) == 56);
    assert!(core::mem::offset_of!(flashrnn_cell_info, state_names) == 64);
};

/// What `flashrnn_device` points to; only the library knows what is inside.
#[repr(C)]
pub struct flashrnn_device_s {
    _private: [u8; 0],
}
pub type flashrnn_device = *mut flashrnn_device_s;

/// What `flashrnn_stream` points to; only the library knows what is inside.
#[repr(C)]
pub struct flashrnn_stream_s {
    _private: [u8; 0],
}
pub type flashrnn_stream = *mut flashrnn_stream_s;

/// What `flashrnn_event` points to; only the library knows what is inside.
#[repr(C)]
pub struct flashrnn_event_s {
    _private: [u8; 0],
}
pub type flashrnn_event = *mut flashrnn_event_s;

/// What `flashrnn_plan` points to; only the library knows what is inside.
#[repr(C)]
pub struct flashrnn_plan_s {
    _private: [u8; 0],
}
pub type flashrnn_plan = *mut flashrnn_plan_s;

pub type flashrnn_backend = i32;
/// the first device of the list that flashrnn_list_devices gives
pub const FLASHRNN_BACKEND_BEST: flashrnn_backend = 0;
pub const FLASHRNN_BACKEND_CPU: flashrnn_backend = 1;
pub const FLASHRNN_BACKEND_CUDA: flashrnn_backend = 2;
pub const FLASHRNN_BACKEND_HIP: flashrnn_backend = 3;
pub const FLASHRNN_BACKEND_VULKAN: flashrnn_backend = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_device_info {
    pub struct_size: usize,
    pub backend: flashrnn_backend,
    /// the number of the device within its backend
    pub ordinal: i32,
    /// cores of a CPU that this process may use, multiprocessors of a GPU
    pub compute_units: i32,
    pub reserved: i32,
    pub memory_bytes: u64,
    /// as the hardware calls itself
    pub name: [c_char; 128],
    /// "cpu"
    pub backend_name: [c_char; 16],
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_device_info {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_device_info>() == 176);
    assert!(core::mem::offset_of!(flashrnn_device_info, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_device_info, backend) == 8);
    assert!(core::mem::offset_of!(flashrnn_device_info, ordinal) == 12);
    assert!(core::mem::offset_of!(flashrnn_device_info, compute_units) == 16);
    assert!(core::mem::offset_of!(flashrnn_device_info, reserved) == 20);
    assert!(core::mem::offset_of!(flashrnn_device_info, memory_bytes) == 24);
    assert!(core::mem::offset_of!(flashrnn_device_info, name) == 32);
    assert!(core::mem::offset_of!(flashrnn_device_info, backend_name) == 160);
};

pub type flashrnn_copy_kind = i32;
pub const FLASHRNN_COPY_HOST_TO_DEVICE: flashrnn_copy_kind = 1;
pub const FLASHRNN_COPY_DEVICE_TO_HOST: flashrnn_copy_kind = 2;
pub const FLASHRNN_COPY_DEVICE_TO_DEVICE: flashrnn_copy_kind = 3;

pub type flashrnn_mode = i32;
/// TRAINING
pub const FLASHRNN_MODE_DEFAULT: flashrnn_mode = 0;
/// forward fills saved memory with what backward needs
pub const FLASHRNN_MODE_TRAINING: flashrnn_mode = 1;
/// forward keeps h only; backward rebuilds the gates from h, wx, r and bias
pub const FLASHRNN_MODE_RECOMPUTE: flashrnn_mode = 2;
/// forward and step only
pub const FLASHRNN_MODE_INFERENCE: flashrnn_mode = 3;

/// time runs from T - 1 down to 0
pub const FLASHRNN_REVERSE: u32 = 1;
/// runs take per-sequence lengths
pub const FLASHRNN_LENGTHS: u32 = 2;
/// runs take a reset mask
pub const FLASHRNN_RESETS: u32 = 4;
/// backward drops the gradient that reaches h(t-1) through R
pub const FLASHRNN_CUT_RECURRENT_GRADIENT: u32 = 8;
/// float32 products may use TF32 tensor cores
pub const FLASHRNN_ALLOW_TF32: u32 = 16;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_problem {
    pub struct_size: usize,
    /// required
    pub cell: flashrnn_cell,
    pub mode: flashrnn_mode,
    /// B \>= 1
    pub batch: i64,
    /// T \>= 0
    pub time: i64,
    /// N \>= 1
    pub heads: i64,
    /// D \>= 1
    pub head_dim: i64,
    /// wx, h, states and their gradients; the operands of R h are rounded to it
    pub dtype: flashrnn_dtype,
    /// r, bias and their gradients
    pub weight_dtype: flashrnn_dtype,
    /// initial and last states and their gradients
    pub state_dtype: flashrnn_dtype,
    pub flags: u32,
    /// h is clamped to \[-v, v\] after every step; 0: not
    pub forward_clip: f64,
    /// the gradient that h(t) receives from step t + 1 is clamped to \[-v, v\]; 0: not
    pub recurrent_gradient_clip: f64,
    /// CPU: at most this many threads; 0: as many as the device has
    pub threads: i32,
    pub reserved: i32,
    /// Forces the configuration instead of choosing it: "name=value" pairs separated by commas,
    /// names as in flashrnn_plan_describe; what is not named is chosen. NULL or "": all is chosen.
    pub config: *const c_char,
    /// Path of a ConstrINT model that replaces the shipped one; NULL: the environment variable
    /// FLASHRNN_MODEL_CPU (by backend), else the shipped one.
    pub model_path: *const c_char,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_problem {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_problem>() == 104);
    assert!(core::mem::offset_of!(flashrnn_problem, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_problem, cell) == 8);
    assert!(core::mem::offset_of!(flashrnn_problem, mode) == 12);
    assert!(core::mem::offset_of!(flashrnn_problem, batch) == 16);
    assert!(core::mem::offset_of!(flashrnn_problem, time) == 24);
    assert!(core::mem::offset_of!(flashrnn_problem, heads) == 32);
    assert!(core::mem::offset_of!(flashrnn_problem, head_dim) == 40);
    assert!(core::mem::offset_of!(flashrnn_problem, dtype) == 48);
    assert!(core::mem::offset_of!(flashrnn_problem, weight_dtype) == 52);
    assert!(core::mem::offset_of!(flashrnn_problem, state_dtype) == 56);
    assert!(core::mem::offset_of!(flashrnn_problem, flags) == 60);
    assert!(core::mem::offset_of!(flashrnn_problem, forward_clip) == 64);
    assert!(core::mem::offset_of!(flashrnn_problem, recurrent_gradient_clip) == 72);
    assert!(core::mem::offset_of!(flashrnn_problem, threads) == 80);
    assert!(core::mem::offset_of!(flashrnn_problem, reserved) == 84);
    assert!(core::mem::offset_of!(flashrnn_problem, config) == 88);
    assert!(core::mem::offset_of!(flashrnn_problem, model_path) == 96);
};

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_plan_sizes {
    pub struct_size: usize,
    /// bytes, for flashrnn_forward
    pub forward_workspace: usize,
    /// for flashrnn_backward; 0 in inference mode
    pub backward_workspace: usize,
    /// for flashrnn_step
    pub step_workspace: usize,
    /// forward to backward; 0 in inference mode, and when nothing is to be kept
    pub saved: usize,
    /// of workspace and saved memory, in bytes
    pub alignment: usize,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_plan_sizes {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_plan_sizes>() == 48);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, forward_workspace) == 8);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, backward_workspace) == 16);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, step_workspace) == 24);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, saved) == 32);
    assert!(core::mem::offset_of!(flashrnn_plan_sizes, alignment) == 40);
};
pub const FLASHRNN_MAX_AXES: i32 = 5;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_tensor {
    pub data: *mut c_void,
    /// 0: as the plan says; else it must be just that
    pub dtype: flashrnn_dtype,
    pub reserved: i32,
    /// elements; unused axes zero. All zero: packed. An input's stride may be zero (broadcast) or
    /// negative; an output's elements must be distinct.
    pub stride: [i64; 5],
}

/// All zero: zero is every field's default.
impl Default for flashrnn_tensor {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        unsafe { core::mem::zeroed() }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_tensor>() == 56);
    assert!(core::mem::offset_of!(flashrnn_tensor, data) == 0);
    assert!(core::mem::offset_of!(flashrnn_tensor, dtype) == 8);
    assert!(core::mem::offset_of!(flashrnn_tensor, reserved) == 12);
    assert!(core::mem::offset_of!(flashrnn_tensor, stride) == 16);
};

/// r and bias hold the same values as in the last run of this plan and kind of call with this
/// workspace, whose contents are unchanged: their packing is skipped.
pub const FLASHRNN_RUN_WEIGHTS_UNCHANGED: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_forward_args {
    pub struct_size: usize,
    /// NULL: the device's default stream
    pub stream: flashrnn_stream,
    /// in  \[B, T, Gi, N, D\]: the input projections
    pub wx: flashrnn_tensor,
    /// in  \[Gr, N, D, D\], the last axis that of h(t-1)
    pub r: flashrnn_tensor,
    /// in  \[Gb, N, D\]; absent: zero
    pub bias: flashrnn_tensor,
    /// in  \[S, B, N, D\]; absent: zero
    pub initial_states: flashrnn_tensor,
    /// in  \[B\], int32 or int64 in \[0, T\]; with FLASHRNN_LENGTHS only. At t \>= length h and
    /// states are written as zero and the states stand still.
    pub lengths: flashrnn_tensor,
    /// in  \[T, B\], uint8; with FLASHRNN_RESETS only. Not zero: step t starts from the  sequence's
    /// initial states instead of the previous step's.
    pub resets: flashrnn_tensor,
    /// out \[B, T, N, D\]; optional in inference mode only
    pub h: flashrnn_tensor,
    /// out \[S, B, T, N, D\], every state after every step; optional
    pub states: flashrnn_tensor,
    /// out \[S, B, N, D\]; optional. May be the same tensor as initial_states.
    pub last_states: flashrnn_tensor,
    pub workspace: *mut c_void,
    /// at least forward_workspace
    pub workspace_size: usize,
    pub saved: *mut c_void,
    /// at least saved
    pub saved_size: usize,
    pub run_flags: u32,
    pub reserved: u32,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_forward_args {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_forward_args>() == 560);
    assert!(core::mem::offset_of!(flashrnn_forward_args, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_forward_args, stream) == 8);
    assert!(core::mem::offset_of!(flashrnn_forward_args, wx) == 16);
    assert!(core::mem::offset_of!(flashrnn_forward_args, r) == 72);
    assert!(core::mem::offset_of!(flashrnn_forward_args, bias) == 128);
    assert!(core::mem::offset_of!(flashrnn_forward_args, initial_states) == 184);
    assert!(core::mem::offset_of!(flashrnn_forward_args, lengths) == 240);
    assert!(core::mem::offset_of!(flashrnn_forward_args, resets) == 296);
    assert!(core::mem::offset_of!(flashrnn_forward_args, h) == 352);
    assert!(core::mem::offset_of!(flashrnn_forward_args, states) == 408);
    assert!(core::mem::offset_of!(flashrnn_forward_args, last_states) == 464);
    assert!(core::mem::offset_of!(flashrnn_forward_args, workspace) == 520);
    assert!(core::mem::offset_of!(flashrnn_forward_args, workspace_size) == 528);
    assert!(core::mem::offset_of!(flashrnn_forward_args, saved) == 536);
    assert!(core::mem::offset_of!(flashrnn_forward_args, saved_size) == 544);
    assert!(core::mem::offset_of!(flashrnn_forward_args, run_flags) == 552);
    assert!(core::mem::offset_of!(flashrnn_forward_args, reserved) == 556);
};

/// Every input is what forward got or gave; every gradient in is optional (absent: zero), every
/// gradient out is optional (absent: not computed) and is overwritten, not added to. Gradients of
/// steps at t \>= length are zero.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_backward_args {
    pub struct_size: usize,
    pub stream: flashrnn_stream,
    /// in  as in forward; recompute mode only
    pub wx: flashrnn_tensor,
    /// in  as in forward
    pub r: flashrnn_tensor,
    /// in  as in forward; recompute mode only
    pub bias: flashrnn_tensor,
    /// in  as in forward
    pub initial_states: flashrnn_tensor,
    /// in  as in forward
    pub lengths: flashrnn_tensor,
    /// in  as in forward
    pub resets: flashrnn_tensor,
    /// in  \[B, T, N, D\], forward's output
    pub h: flashrnn_tensor,
    /// in  \[B, T, N, D\]
    pub d_h: flashrnn_tensor,
    /// in  \[S, B, T, N, D\]; adds to d_h where both are given
    pub d_states: flashrnn_tensor,
    /// in  \[S, B, N, D\]
    pub d_last_states: flashrnn_tensor,
    /// out \[B, T, Gi, N, D\]
    pub d_wx: flashrnn_tensor,
    /// out \[Gr, N, D, D\]
    pub d_r: flashrnn_tensor,
    /// out \[Gb, N, D\]
    pub d_bias: flashrnn_tensor,
    /// out \[S, B, N, D\]
    pub d_initial_states: flashrnn_tensor,
    pub workspace: *mut c_void,
    /// at least backward_workspace
    pub workspace_size: usize,
    /// as forward left it
    pub saved: *const c_void,
    pub saved_size: usize,
    pub run_flags: u32,
    pub reserved: u32,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_backward_args {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_backward_args>() == 840);
    assert!(core::mem::offset_of!(flashrnn_backward_args, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_backward_args, stream) == 8);
    assert!(core::mem::offset_of!(flashrnn_backward_args, wx) == 16);
    assert!(core::mem::offset_of!(flashrnn_backward_args, r) == 72);
    assert!(core::mem::offset_of!(flashrnn_backward_args, bias) == 128);
    assert!(core::mem::offset_of!(flashrnn_backward_args, initial_states) == 184);
    assert!(core::mem::offset_of!(flashrnn_backward_args, lengths) == 240);
    assert!(core::mem::offset_of!(flashrnn_backward_args, resets) == 296);
    assert!(core::mem::offset_of!(flashrnn_backward_args, h) == 352);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_h) == 408);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_states) == 464);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_last_states) == 520);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_wx) == 576);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_r) == 632);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_bias) == 688);
    assert!(core::mem::offset_of!(flashrnn_backward_args, d_initial_states) == 744);
    assert!(core::mem::offset_of!(flashrnn_backward_args, workspace) == 800);
    assert!(core::mem::offset_of!(flashrnn_backward_args, workspace_size) == 808);
    assert!(core::mem::offset_of!(flashrnn_backward_args, saved) == 816);
    assert!(core::mem::offset_of!(flashrnn_backward_args, saved_size) == 824);
    assert!(core::mem::offset_of!(flashrnn_backward_args, run_flags) == 832);
    assert!(core::mem::offset_of!(flashrnn_backward_args, reserved) == 836);
};

/// One step for streaming, whatever the plan's time; reverse has no meaning here, lengths and
/// resets are not taken.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct flashrnn_step_args {
    pub struct_size: usize,
    pub stream: flashrnn_stream,
    /// in  \[B, Gi, N, D\]
    pub wx: flashrnn_tensor,
    /// in  \[Gr, N, D, D\]
    pub r: flashrnn_tensor,
    /// in  \[Gb, N, D\]; absent: zero
    pub bias: flashrnn_tensor,
    /// in  \[S, B, N, D\]; absent: zero
    pub states: flashrnn_tensor,
    /// out \[S, B, N, D\]; may be the same tensor as states
    pub new_states: flashrnn_tensor,
    /// out \[B, N, D\]; optional
    pub h: flashrnn_tensor,
    pub workspace: *mut c_void,
    /// at least step_workspace
    pub workspace_size: usize,
    pub run_flags: u32,
    pub reserved: u32,
}

/// All zero but `struct_size`: zero is every field's default.
impl Default for flashrnn_step_args {
    fn default() -> Self {
        // SAFETY: integers, floats and raw pointers, for all of which zero is a value.
        let zero: Self = unsafe { core::mem::zeroed() };
        Self { struct_size: core::mem::size_of::<Self>(), ..zero }
    }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(core::mem::size_of::<flashrnn_step_args>() == 376);
    assert!(core::mem::offset_of!(flashrnn_step_args, struct_size) == 0);
    assert!(core::mem::offset_of!(flashrnn_step_args, stream) == 8);
    assert!(core::mem::offset_of!(flashrnn_step_args, wx) == 16);
    assert!(core::mem::offset_of!(flashrnn_step_args, r) == 72);
    assert!(core::mem::offset_of!(flashrnn_step_args, bias) == 128);
    assert!(core::mem::offset_of!(flashrnn_step_args, states) == 184);
    assert!(core::mem::offset_of!(flashrnn_step_args, new_states) == 240);
    assert!(core::mem::offset_of!(flashrnn_step_args, h) == 296);
    assert!(core::mem::offset_of!(flashrnn_step_args, workspace) == 352);
    assert!(core::mem::offset_of!(flashrnn_step_args, workspace_size) == 360);
    assert!(core::mem::offset_of!(flashrnn_step_args, run_flags) == 368);
    assert!(core::mem::offset_of!(flashrnn_step_args, reserved) == 372);
};

extern "C" {
    /// Static string such as "FLASHRNN_OK"; "unknown status" for a value that is none.
    pub fn flashrnn_status_name(status: flashrnn_status) -> *const c_char;

    /// Message of the last failed call on the calling thread, "" if none failed yet. Valid until
    /// that thread's next call.
    pub fn flashrnn_last_error_message() -> *const c_char;

    /// The library's version as major \* 1000000 + minor \* 1000 + patch, to compare with the
    /// macros compiled against.
    pub fn flashrnn_version() -> i32;

    /// 1 if the named feature is in this build, else 0. Names: a backend ("cpu", "cuda", "hip",
    /// "vulkan"), a cell by its name ("lstm", ...), "recompute", "lengths", "resets", "step",
    /// "threads" (the CPU backend runs more than one).
    pub fn flashrnn_has_feature(name: *const c_char) -> i32;

    /// Routes messages of at least `level` to callback; a NULL callback turns logging off, which is
    /// the default.
    pub fn flashrnn_set_log_callback(
        callback: flashrnn_log_callback,
        level: flashrnn_log_level,
        user: *mut c_void,
    ) -> flashrnn_status;

    /// Bytes of one element, 0 for a value that is no dtype.
    pub fn flashrnn_dtype_size(dtype: flashrnn_dtype) -> usize;

    /// Writes the number of cells to \*count, and to cells (which may be NULL) up to capacity of
    /// them in order of value.
    pub fn flashrnn_list_cells(
        cells: *mut flashrnn_cell,
        capacity: i32,
        count: *mut i32,
    ) -> flashrnn_status;

    /// Fills \*info, whose struct_size the caller has set.
    pub fn flashrnn_get_cell_info(
        cell: flashrnn_cell,
        info: *mut flashrnn_cell_info,
    ) -> flashrnn_status;

    /// Writes the number of devices to \*count and to infos (which may be NULL) up to capacity of
    /// them, the fastest kind first. The caller sets struct_size of infos\[0\]; it is the size of
    /// every element.
    pub fn flashrnn_list_devices(
        infos: *mut flashrnn_device_info,
        capacity: i32,
        count: *mut i32,
    ) -> flashrnn_status;

    /// Opens a device; ordinal counts within the backend (0 with FLASHRNN_BACKEND_BEST). Close it
    /// with flashrnn_device_close; plans, streams and events made from it stay usable after that.
    pub fn flashrnn_device_open(
        backend: flashrnn_backend,
        ordinal: i32,
        device: *mut flashrnn_device,
    ) -> flashrnn_status;

    pub fn flashrnn_device_close(device: flashrnn_device) -> flashrnn_status;

    pub fn flashrnn_device_get_info(
        device: flashrnn_device,
        info: *mut flashrnn_device_info,
    ) -> flashrnn_status;

    /// JSON: every fact that plan-time decisions use (caches, cores, instruction sets, NUMA nodes,
    /// ...).
    pub fn flashrnn_device_describe(
        device: flashrnn_device,
        text: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> flashrnn_status;

    /// JSON: every backend this version knows, whether it can be used here and if not, why.
    pub fn flashrnn_describe_backends(
        text: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> flashrnn_status;

    /// Nothing else depends on these: an application's own buffers and streams work everywhere.
    /// Memory is aligned to 256 bytes at least; size 0 gives a pointer that may be freed.
    pub fn flashrnn_memory_allocate(
        device: flashrnn_device,
        size: usize,
        data: *mut *mut c_void,
    ) -> flashrnn_status;

    pub fn flashrnn_memory_free(device: flashrnn_device, data: *mut c_void) -> flashrnn_status;

    /// In stream order; a stream of NULL is the device's default stream. Copies to and from host
    /// memory return when done.
    pub fn flashrnn_memory_copy(
        device: flashrnn_device,
        stream: flashrnn_stream,
        destination: *mut c_void,
        source: *const c_void,
        size: usize,
        kind: flashrnn_copy_kind,
    ) -> flashrnn_status;

    pub fn flashrnn_memory_fill(
        device: flashrnn_device,
        stream: flashrnn_stream,
        destination: *mut c_void,
        value: u8,
        size: usize,
    ) -> flashrnn_status;

    /// A stream of the library's own, or with flashrnn_stream_wrap the backend's (cudaStream_t,
    /// ...), which the caller keeps owning. On the CPU a run is over when its call returns, and
    /// there is nothing to wrap: native must be NULL.
    pub fn flashrnn_stream_create(
        device: flashrnn_device,
        stream: *mut flashrnn_stream,
    ) -> flashrnn_status;

    pub fn flashrnn_stream_wrap(
        device: flashrnn_device,
        native: *mut c_void,
        stream: *mut flashrnn_stream,
    ) -> flashrnn_status;

    pub fn flashrnn_stream_synchronize(stream: flashrnn_stream) -> flashrnn_status;

    pub fn flashrnn_stream_close(stream: flashrnn_stream) -> flashrnn_status;

    pub fn flashrnn_event_create(
        device: flashrnn_device,
        event: *mut flashrnn_event,
    ) -> flashrnn_status;

    pub fn flashrnn_event_record(
        event: flashrnn_event,
        stream: flashrnn_stream,
    ) -> flashrnn_status;

    pub fn flashrnn_event_synchronize(event: flashrnn_event) -> flashrnn_status;

    /// Milliseconds between two recorded events of one device; waits for the second.
    pub fn flashrnn_event_elapsed(
        first: flashrnn_event,
        second: flashrnn_event,
        milliseconds: *mut f64,
    ) -> flashrnn_status;

    pub fn flashrnn_event_close(event: flashrnn_event) -> flashrnn_status;

    /// Decides everything: kernel, tiles, memory. Close with flashrnn_plan_close. float64 is for
    /// the CPU, and there all three dtypes are float64 or none is.
    pub fn flashrnn_plan_create(
        device: flashrnn_device,
        problem: *const flashrnn_problem,
        plan: *mut flashrnn_plan,
    ) -> flashrnn_status;

    pub fn flashrnn_plan_close(plan: flashrnn_plan) -> flashrnn_status;

    pub fn flashrnn_plan_get_sizes(
        plan: flashrnn_plan,
        sizes: *mut flashrnn_plan_sizes,
    ) -> flashrnn_status;

    /// JSON: problem, backend, kernel, configuration, predicted time, the constraint model, its
    /// answer and statistics, and what was refused and why.
    pub fn flashrnn_plan_describe(
        plan: flashrnn_plan,
        text: *mut c_char,
        capacity: usize,
        length: *mut usize,
    ) -> flashrnn_status;

    pub fn flashrnn_forward(
        plan: flashrnn_plan,
        args: *const flashrnn_forward_args,
    ) -> flashrnn_status;

    pub fn flashrnn_backward(
        plan: flashrnn_plan,
        args: *const flashrnn_backward_args,
    ) -> flashrnn_status;

    pub fn flashrnn_step(
        plan: flashrnn_plan,
        args: *const flashrnn_step_args,
    ) -> flashrnn_status;
}
