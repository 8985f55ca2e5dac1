# SPDX-License-Identifier: Apache-2.0
# DO NOT EDIT: written by bindings/generate from include/flashrnn/flashrnn.h.
"""The C ABI as ctypes sees it; flashrnn.h says what everything means."""
import ctypes

FLASHRNN_VERSION_MAJOR = 0
FLASHRNN_VERSION_MINOR = 1
FLASHRNN_VERSION_PATCH = 0

flashrnn_status = ctypes.c_int32
FLASHRNN_OK = 0
FLASHRNN_INVALID_ARGUMENT = 1
FLASHRNN_INVALID_HANDLE = 2
FLASHRNN_UNSUPPORTED = 3
FLASHRNN_OUT_OF_MEMORY = 4
FLASHRNN_DEVICE_UNAVAILABLE = 5
FLASHRNN_DEVICE_ERROR = 6
FLASHRNN_INFEASIBLE = 7
FLASHRNN_INTERNAL = 8

flashrnn_log_level = ctypes.c_int32
FLASHRNN_LOG_DEBUG = 1
FLASHRNN_LOG_INFO = 2
FLASHRNN_LOG_WARNING = 3
FLASHRNN_LOG_ERROR = 4
FLASHRNN_LOG_OFF = 5

flashrnn_log_callback = ctypes.CFUNCTYPE(None, flashrnn_log_level, ctypes.c_char_p, ctypes.c_void_p)

flashrnn_dtype = ctypes.c_int32
FLASHRNN_DTYPE_DEFAULT = 0
FLASHRNN_FLOAT32 = 1
FLASHRNN_BFLOAT16 = 2
FLASHRNN_FLOAT16 = 3
FLASHRNN_FLOAT64 = 4
FLASHRNN_UINT8 = 5
FLASHRNN_INT32 = 6
FLASHRNN_INT64 = 7

flashrnn_cell = ctypes.c_int32
FLASHRNN_LSTM = 1
FLASHRNN_GRU = 2
FLASHRNN_ELMAN = 3
FLASHRNN_SLSTM = 4
FLASHRNN_ELMAN_RELU = 5
FLASHRNN_LIGHT_GRU = 6


class flashrnn_cell_info(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("cell", flashrnn_cell),
        ("input_gates", ctypes.c_int32),
        ("recurrent_gates", ctypes.c_int32),
        ("bias_gates", ctypes.c_int32),
        ("states", ctypes.c_int32),
        ("name", ctypes.c_char_p),
        ("input_gate_names", ctypes.c_char_p),
        ("recurrent_gate_names", ctypes.c_char_p),
        ("bias_gate_names", ctypes.c_char_p),
        ("state_names", ctypes.c_char_p),
    ]


flashrnn_device = ctypes.c_void_p
flashrnn_stream = ctypes.c_void_p
flashrnn_event = ctypes.c_void_p
flashrnn_plan = ctypes.c_void_p

flashrnn_backend = ctypes.c_int32
FLASHRNN_BACKEND_BEST = 0
FLASHRNN_BACKEND_CPU = 1
FLASHRNN_BACKEND_CUDA = 2
FLASHRNN_BACKEND_HIP = 3
FLASHRNN_BACKEND_VULKAN = 4


class flashrnn_device_info(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("backend", flashrnn_backend),
        ("ordinal", ctypes.c_int32),
        ("compute_units", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("memory_bytes", ctypes.c_uint64),
        ("name", ctypes.c_char * 128),
        ("backend_name", ctypes.c_char * 16),
    ]


flashrnn_copy_kind = ctypes.c_int32
FLASHRNN_COPY_HOST_TO_DEVICE = 1
FLASHRNN_COPY_DEVICE_TO_HOST = 2
FLASHRNN_COPY_DEVICE_TO_DEVICE = 3

flashrnn_mode = ctypes.c_int32
FLASHRNN_MODE_DEFAULT = 0
FLASHRNN_MODE_TRAINING = 1
FLASHRNN_MODE_RECOMPUTE = 2
FLASHRNN_MODE_INFERENCE = 3

FLASHRNN_REVERSE = 1
FLASHRNN_LENGTHS = 2
FLASHRNN_RESETS = 4
FLASHRNN_CUT_RECURRENT_GRADIENT = 8
FLASHRNN_ALLOW_TF32 = 16


class flashrnn_problem(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("cell", flashrnn_cell),
        ("mode", flashrnn_mode),
        ("batch", ctypes.c_int64),
        ("time", ctypes.c_int64),
        ("heads", ctypes.c_int64),
        ("head_dim", ctypes.c_int64),
        ("dtype", flashrnn_dtype),
        ("weight_dtype", flashrnn_dtype),
        ("state_dtype", flashrnn_dtype),
        ("flags", ctypes.c_uint32),
        ("forward_clip", ctypes.c_double),
        ("recurrent_gradient_clip", ctypes.c_double),
        ("threads", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("config", ctypes.c_char_p),
        ("model_path", ctypes.c_char_p),
    ]


class flashrnn_plan_sizes(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("forward_workspace", ctypes.c_size_t),
        ("backward_workspace", ctypes.c_size_t),
        ("step_workspace", ctypes.c_size_t),
        ("saved", ctypes.c_size_t),
        ("alignment", ctypes.c_size_t),
    ]


FLASHRNN_MAX_AXES = 5


class flashrnn_tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", flashrnn_dtype),
        ("reserved", ctypes.c_int32),
        ("stride", ctypes.c_int64 * 5),
    ]


FLASHRNN_RUN_WEIGHTS_UNCHANGED = 1


class flashrnn_forward_args(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("stream", flashrnn_stream),
        ("wx", flashrnn_tensor),
        ("r", flashrnn_tensor),
        ("bias", flashrnn_tensor),
        ("initial_states", flashrnn_tensor),
        ("lengths", flashrnn_tensor),
        ("resets", flashrnn_tensor),
        ("h", flashrnn_tensor),
        ("states", flashrnn_tensor),
        ("last_states", flashrnn_tensor),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_size_t),
        ("saved", ctypes.c_void_p),
        ("saved_size", ctypes.c_size_t),
        ("run_flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class flashrnn_backward_args(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("stream", flashrnn_stream),
        ("wx", flashrnn_tensor),
        ("r", flashrnn_tensor),
        ("bias", flashrnn_tensor),
        ("initial_states", flashrnn_tensor),
        ("lengths", flashrnn_tensor),
        ("resets", flashrnn_tensor),
        ("h", flashrnn_tensor),
        ("d_h", flashrnn_tensor),
        ("d_states", flashrnn_tensor),
        ("d_last_states", flashrnn_tensor),
        ("d_wx", flashrnn_tensor),
        ("d_r", flashrnn_tensor),
        ("d_bias", flashrnn_tensor),
        ("d_initial_states", flashrnn_tensor),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_size_t),
        ("saved", ctypes.c_void_p),
        ("saved_size", ctypes.c_size_t),
        ("run_flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class flashrnn_step_args(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("stream", flashrnn_stream),
        ("wx", flashrnn_tensor),
        ("r", flashrnn_tensor),
        ("bias", flashrnn_tensor),
        ("states", flashrnn_tensor),
        ("new_states", flashrnn_tensor),
        ("h", flashrnn_tensor),
        ("workspace", ctypes.c_void_p),
        ("workspace_size", ctypes.c_size_t),
        ("run_flags", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


# name: (result, parameters)
FUNCTIONS = {
    "flashrnn_status_name": (ctypes.c_char_p, (flashrnn_status,)),
    "flashrnn_last_error_message": (ctypes.c_char_p, ()),
    "flashrnn_version": (ctypes.c_int32, ()),
    "flashrnn_has_feature": (ctypes.c_int32, (ctypes.c_char_p,)),
    "flashrnn_set_log_callback": (flashrnn_status, (flashrnn_log_callback, flashrnn_log_level, ctypes.c_void_p)),
    "flashrnn_dtype_size": (ctypes.c_size_t, (flashrnn_dtype,)),
    "flashrnn_list_cells": (flashrnn_status, (ctypes.POINTER(flashrnn_cell), ctypes.c_int32, ctypes.POINTER(ctypes.c_int32))),
    "flashrnn_get_cell_info": (flashrnn_status, (flashrnn_cell, ctypes.POINTER(flashrnn_cell_info))),
    "flashrnn_list_devices": (flashrnn_status, (ctypes.POINTER(flashrnn_device_info), ctypes.c_int32, ctypes.POINTER(ctypes.c_int32))),
    "flashrnn_device_open": (flashrnn_status, (flashrnn_backend, ctypes.c_int32, ctypes.POINTER(flashrnn_device))),
    "flashrnn_device_close": (flashrnn_status, (flashrnn_device,)),
    "flashrnn_device_get_info": (flashrnn_status, (flashrnn_device, ctypes.POINTER(flashrnn_device_info))),
    "flashrnn_device_describe": (flashrnn_status, (flashrnn_device, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t))),
    "flashrnn_describe_backends": (flashrnn_status, (ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t))),
    "flashrnn_memory_allocate": (flashrnn_status, (flashrnn_device, ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p))),
    "flashrnn_memory_free": (flashrnn_status, (flashrnn_device, ctypes.c_void_p)),
    "flashrnn_memory_copy": (flashrnn_status, (flashrnn_device, flashrnn_stream, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, flashrnn_copy_kind)),
    "flashrnn_memory_fill": (flashrnn_status, (flashrnn_device, flashrnn_stream, ctypes.c_void_p, ctypes.c_uint8, ctypes.c_size_t)),
    "flashrnn_stream_create": (flashrnn_status, (flashrnn_device, ctypes.POINTER(flashrnn_stream))),
    "flashrnn_stream_wrap": (flashrnn_status, (flashrnn_device, ctypes.c_void_p, ctypes.POINTER(flashrnn_stream))),
    "flashrnn_stream_synchronize": (flashrnn_status, (flashrnn_stream,)),
    "flashrnn_stream_close": (flashrnn_status, (flashrnn_stream,)),
    "flashrnn_event_create": (flashrnn_status, (flashrnn_device, ctypes.POINTER(flashrnn_event))),
    "flashrnn_event_record": (flashrnn_status, (flashrnn_event, flashrnn_stream)),
    "flashrnn_event_synchronize": (flashrnn_status, (flashrnn_event,)),
    "flashrnn_event_elapsed": (flashrnn_status, (flashrnn_event, flashrnn_event, ctypes.POINTER(ctypes.c_double))),
    "flashrnn_event_close": (flashrnn_status, (flashrnn_event,)),
    "flashrnn_plan_create": (flashrnn_status, (flashrnn_device, ctypes.POINTER(flashrnn_problem), ctypes.POINTER(flashrnn_plan))),
    "flashrnn_plan_close": (flashrnn_status, (flashrnn_plan,)),
    "flashrnn_plan_get_sizes": (flashrnn_status, (flashrnn_plan, ctypes.POINTER(flashrnn_plan_sizes))),
    "flashrnn_plan_describe": (flashrnn_status, (flashrnn_plan, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t))),
    "flashrnn_forward": (flashrnn_status, (flashrnn_plan, ctypes.POINTER(flashrnn_forward_args))),
    "flashrnn_backward": (flashrnn_status, (flashrnn_plan, ctypes.POINTER(flashrnn_backward_args))),
    "flashrnn_step": (flashrnn_status, (flashrnn_plan, ctypes.POINTER(flashrnn_step_args))),
}
