# SPDX-License-Identifier: Apache-2.0
# The three kinds of run. Arrays are kept alive during the call; on a GPU the caller keeps them until the stream is done.

# The arrays of each, in the order in which they are handed on: name, and shape as a key of LAYOUTS. They go in a vector of
# any, so that the long functions are compiled once and not for every combination of types.
const FORWARD = (
    (:wx, :wx), (:r, :r), (:bias, :bias), (:initial_states, :last_states), (:lengths, :lengths), (:resets, :resets),
    (:h, :h), (:states, :states), (:last_states, :last_states),
)
const BACKWARD = (
    FORWARD[1:7]..., (:d_h, :h), (:d_states, :states), (:d_last_states, :last_states), (:d_wx, :wx), (:d_r, :r),
    (:d_bias, :bias), (:d_initial_states, :last_states),
)
const STEP = (
    (:wx, :step_wx), (:r, :r), (:bias, :bias), (:states, :last_states), (:new_states, :last_states), (:h, :step_h),
)

c_tensors(names, arrays, plan) =
    flashrnn_tensor[c_tensor(names[i][1], arrays[i], names[i][2], plan) for i in 1:length(names)]

bytes(memory::DeviceArray) = (data = Ptr{Cvoid}(address(memory)), size = Csize_t(length(memory)))
run_flags(weights_unchanged) = weights_unchanged ? FLASHRNN_RUN_WEIGHTS_UNCHANGED : UInt32(0)

# Memory of another device would be an address that means nothing there.
function memory_of(name, memory::DeviceArray, plan)
    parts(name, memory, plan.device)
    return bytes(memory)
end

memory_of_saved(::Nothing, plan, must_be_filled) = (data = C_NULL, size = Csize_t(0))
function memory_of_saved(saved::Saved, plan, must_be_filled)
    saved.plan === plan || throw(ArgumentError("saved is of another plan: must be made by Saved(plan)"))
    must_be_filled && !saved.filled && throw(ArgumentError("saved is empty: a forward run must have filled it"))
    return bytes(saved.memory)
end

"""
    forward!(plan; wx, r, h, workspace, options...)

Runs all steps and writes `h`. Sizes: see [`FlashRNN`](@ref).

- read: `wx`, `r`, `bias`, `initial_states` (absent: zero), `lengths` (with `Plan(lengths = true)`), `resets` (likewise; not
  zero: the step starts from the initial states)
- written: `h` (optional in inference mode), `states`, `last_states` (may be the array `initial_states`)
- `saved`: a [`Saved`](@ref), needed unless `plan.sizes.saved` is 0
- `stream`, and `weights_unchanged = true` where `r` and `bias` are those of the last run with this workspace
"""
function forward!(plan::Plan; wx, r, workspace::Workspace, bias = nothing, initial_states = nothing, lengths = nothing,
                  resets = nothing, h = nothing, states = nothing, last_states = nothing,
                  saved::Union{Saved,Nothing} = nothing, stream::Union{Stream,Nothing} = nothing,
                  weights_unchanged::Bool = false)
    arrays = Any[wx, r, bias, initial_states, lengths, resets, h, states, last_states]
    run_forward(plan, arrays, workspace, saved, stream, run_flags(weights_unchanged))
    return h
end

function run_forward(plan, arrays, workspace, saved, stream, flags)
    GC.@preserve plan arrays workspace saved stream begin
        tensors = c_tensors(FORWARD, arrays, plan)
        scratch, kept = memory_of("workspace", workspace.forward, plan), memory_of_saved(saved, plan, false)
        args = flashrnn_forward_args(;
            stream = raw(stream), wx = tensors[1], r = tensors[2], bias = tensors[3], initial_states = tensors[4],
            lengths = tensors[5], resets = tensors[6], h = tensors[7], states = tensors[8], last_states = tensors[9],
            workspace = scratch.data, workspace_size = scratch.size, saved = kept.data, saved_size = kept.size,
            run_flags = flags,
        )
        check(flashrnn_forward(raw(plan), Ref(args)))
    end
    saved === nothing || (saved.filled = true)
    return nothing
end

"""
    backward!(plan; r, h, saved, workspace, options...)

Gradients of a forward run. Every input is what `forward!` got or gave (`wx` and `bias` in recompute mode only).

- gradients in, zero where absent: `d_h`, `d_states`, `d_last_states`
- gradients out, computed where given and overwritten: `d_wx`, `d_r`, `d_bias`, `d_initial_states`
"""
function backward!(plan::Plan; r, h, workspace::Workspace, wx = nothing, bias = nothing, initial_states = nothing,
                   lengths = nothing, resets = nothing, d_h = nothing, d_states = nothing, d_last_states = nothing,
                   d_wx = nothing, d_r = nothing, d_bias = nothing, d_initial_states = nothing,
                   saved::Union{Saved,Nothing} = nothing, stream::Union{Stream,Nothing} = nothing,
                   weights_unchanged::Bool = false)
    arrays = Any[wx, r, bias, initial_states, lengths, resets, h, d_h, d_states, d_last_states, d_wx, d_r, d_bias,
                 d_initial_states]
    return run_backward(plan, arrays, workspace, saved, stream, run_flags(weights_unchanged))
end

function run_backward(plan, arrays, workspace, saved, stream, flags)
    GC.@preserve plan arrays workspace saved stream begin
        tensors = c_tensors(BACKWARD, arrays, plan)
        scratch, kept = memory_of("workspace", workspace.backward, plan), memory_of_saved(saved, plan, true)
        args = flashrnn_backward_args(;
            stream = raw(stream), wx = tensors[1], r = tensors[2], bias = tensors[3], initial_states = tensors[4],
            lengths = tensors[5], resets = tensors[6], h = tensors[7], d_h = tensors[8], d_states = tensors[9],
            d_last_states = tensors[10], d_wx = tensors[11], d_r = tensors[12], d_bias = tensors[13],
            d_initial_states = tensors[14], workspace = scratch.data, workspace_size = scratch.size,
            saved = kept.data, saved_size = kept.size, run_flags = flags,
        )
        check(flashrnn_backward(raw(plan), Ref(args)))
    end
    return nothing
end

"""
    step!(plan; wx, r, new_states, workspace, options...)

One step for streaming, whatever the plan's time: `wx` is `(D, N, G, B)`, `h` (optional) `(D, N, B)`, `states` and
`new_states` `(D, N, B, S)` and may be the same array. `bias`, `stream` and `weights_unchanged` as in [`forward!`](@ref).
"""
function step!(plan::Plan; wx, r, new_states, workspace::Workspace, bias = nothing, states = nothing, h = nothing,
               stream::Union{Stream,Nothing} = nothing, weights_unchanged::Bool = false)
    arrays = Any[wx, r, bias, states, new_states, h]
    run_step(plan, arrays, workspace, stream, run_flags(weights_unchanged))
    return new_states
end

function run_step(plan, arrays, workspace, stream, flags)
    GC.@preserve plan arrays workspace stream begin
        tensors = c_tensors(STEP, arrays, plan)
        scratch = memory_of("workspace", workspace.step, plan)
        args = flashrnn_step_args(;
            stream = raw(stream), wx = tensors[1], r = tensors[2], bias = tensors[3], states = tensors[4],
            new_states = tensors[5], h = tensors[6], workspace = scratch.data, workspace_size = scratch.size,
            run_flags = flags,
        )
        check(flashrnn_step(raw(plan), Ref(args)))
    end
    return nothing
end
