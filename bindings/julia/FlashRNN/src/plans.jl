# SPDX-License-Identifier: Apache-2.0
const MODES = Dict(
    :training => FLASHRNN_MODE_TRAINING,
    :recompute => FLASHRNN_MODE_RECOMPUTE,
    :inference => FLASHRNN_MODE_INFERENCE,
)

"""
    Plan([device]; cell, head_dim, heads = 1, batch = 1, time = 1, options...)

Everything decided for one problem on one device: kernel, tiles, memory. Any number of threads may run it at once, each with
its own [`Workspace`](@ref). `plan.shapes` has the size of every array, `plan.sizes` the bytes of memory that runs need, `FlashRNN.describe(plan)` says what was chosen and why.

Options:
- `mode`: `:training`, `:recompute` (keeps h only, backward rebuilds the gates) or `:inference`
- `dtype = Float32`, `weight_dtype = dtype`, `state_dtype = dtype`: element types of wx, h, states; of r, bias; of initial and
  last states
- `reverse`, `lengths`, `resets`, `cut_recurrent_gradient`, `allow_tf32`: `true` or `false`
- `forward_clip`, `recurrent_gradient_clip`: 0 is none
- `threads`: at most so many on a CPU; 0: all
- `config`, `model_path`: force the configuration, replace the constraint model
"""
mutable struct Plan
    raw::flashrnn_plan
    device::Device
    cell::NamedTuple
    shapes::NamedTuple
    sizes::NamedTuple
end

function Plan(device::Device = Device(); cell::Symbol, head_dim::Integer, heads::Integer = 1, batch::Integer = 1,
              time::Integer = 1, mode::Symbol = :training, dtype::Type = Float32, weight_dtype::Type = dtype,
              state_dtype::Type = dtype, reverse::Bool = false, lengths::Bool = false, resets::Bool = false,
              cut_recurrent_gradient::Bool = false, allow_tf32::Bool = false, forward_clip::Real = 0,
              recurrent_gradient_clip::Real = 0, threads::Integer = 0, config::AbstractString = "",
              model_path::AbstractString = "")
    haskey(MODES, mode) ||
        throw(ArgumentError("mode is :$mode: must be one of $(join(repr.(sort!(collect(keys(MODES)))), ", "))"))
    bit(is_on, flag) = is_on ? UInt32(flag) : UInt32(0)
    flags = bit(reverse, FLASHRNN_REVERSE) | bit(lengths, FLASHRNN_LENGTHS) | bit(resets, FLASHRNN_RESETS) |
            bit(cut_recurrent_gradient, FLASHRNN_CUT_RECURRENT_GRADIENT) | bit(allow_tf32, FLASHRNN_ALLOW_TF32)
    texts = String(config), String(model_path)
    any(text -> '\0' in text, texts) && throw(ArgumentError("config and model_path must have no zero byte"))
    c_text(text) = isempty(text) ? Cstring(C_NULL) : Cstring(pointer(text))
    value = cell_value(cell)
    made = Ref{flashrnn_plan}(C_NULL)
    GC.@preserve texts device begin
        problem = flashrnn_problem(;
            cell = value, mode = MODES[mode], batch = batch, time = time, heads = heads, head_dim = head_dim,
            dtype = FlashRNN.dtype(dtype), weight_dtype = FlashRNN.dtype(weight_dtype),
            state_dtype = FlashRNN.dtype(state_dtype), flags = flags, forward_clip = forward_clip,
            recurrent_gradient_clip = recurrent_gradient_clip, threads = threads,
            config = c_text(texts[1]), model_path = c_text(texts[2]),
        )
        check(flashrnn_plan_create(raw(device), Ref(problem), made))
    end
    info = raw_cell_info(value)
    plan = finalizer(close, Plan(made[], device, info, shapes_of(info, batch, time, heads, head_dim), NamedTuple()))
    c = Ref(flashrnn_plan_sizes())
    check(flashrnn_plan_get_sizes(raw(plan), c))
    plan.sizes = (
        forward_workspace = Int(c[].forward_workspace), backward_workspace = Int(c[].backward_workspace),
        step_workspace = Int(c[].step_workspace), saved = Int(c[].saved), alignment = Int(c[].alignment),
    )
    return plan
end

function shapes_of(info, batch, time, heads, head_dim)
    B, T, N, D = Int(batch), Int(time), Int(heads), Int(head_dim)
    Gi, Gr, Gb = length(info.input_gates), length(info.recurrent_gates), length(info.bias_gates)
    S = length(info.states)
    return (
        wx = (D, N, Gi, T, B), r = (D, D, N, Gr), bias = (D, N, Gb), h = (D, N, T, B), states = (D, N, T, B, S),
        last_states = (D, N, B, S), lengths = (B,), resets = (B, T), step_wx = (D, N, Gi, B), step_h = (D, N, B),
    )
end

raw(plan::Plan) = plan.raw == C_NULL ? throw(ArgumentError("the plan is closed")) : plan.raw

function Base.close(plan::Plan)
    handle, plan.raw = plan.raw, C_NULL
    handle == C_NULL || flashrnn_plan_close(handle)
    return nothing
end

describe(plan::Plan) = GC.@preserve plan text((t, n, l) -> flashrnn_plan_describe(raw(plan), t, n, l))
Base.show(io::IO, plan::Plan) = print(io, "Plan(:", plan.cell.name, ", h ", plan.shapes.h, ") on ", plan.device)

"""
    Workspace(plan)

Scratch memory of a plan's runs, one at a time. It keeps the packed weights for `weights_unchanged`.
"""
struct Workspace
    forward::DeviceArray{UInt8,1}
    backward::DeviceArray{UInt8,1}
    step::DeviceArray{UInt8,1}
end

Workspace(plan::Plan) = Workspace(
    DeviceArray{UInt8}(plan.device, plan.sizes.forward_workspace),
    DeviceArray{UInt8}(plan.device, plan.sizes.backward_workspace),
    DeviceArray{UInt8}(plan.device, plan.sizes.step_workspace),
)
Base.close(workspace::Workspace) = foreach(close, (workspace.forward, workspace.backward, workspace.step))

"""
    Saved(plan)

What a forward run keeps for backward runs of the same plan.
"""
mutable struct Saved
    memory::DeviceArray{UInt8,1}
    plan::Plan
    filled::Bool
end

Saved(plan::Plan) = Saved(DeviceArray{UInt8}(plan.device, plan.sizes.saved), plan, false)
Base.close(saved::Saved) = close(saved.memory)
