# SPDX-License-Identifier: Apache-2.0
# The three kinds of run. Arrays are kept alive during the call; on a GPU the caller keeps them until the stream is done.

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
- `saved`: a [`Saved`](@ref), needed unless `sizes(plan).saved` is 0
- `stream`, and `weights_unchanged = true` where `r` and `bias` are those of the last run with this workspace
"""
function forward!(plan::Plan; wx, r, workspace::Workspace, bias = nothing, initial_states = nothing, lengths = nothing,
                  resets = nothing, h = nothing, states = nothing, last_states = nothing,
                  saved::Union{Saved,Nothing} = nothing, stream::Union{Stream,Nothing} = nothing,
                  weights_unchanged::Bool = false)
    GC.@preserve plan wx r workspace bias initial_states lengths resets h states last_states saved stream begin
        scratch = memory_of("workspace", workspace.forward, plan)
        kept = memory_of_saved(saved, plan, false)
        args = flashrnn_forward_args(;
            stream = raw(stream),
            wx = c_tensor("wx", wx, :wx, plan),
            r = c_tensor("r", r, :r, plan),
            bias = c_tensor("bias", bias, :bias, plan),
            initial_states = c_tensor("initial_states", initial_states, :last_states, plan),
            lengths = c_tensor("lengths", lengths, :lengths, plan),
            resets = c_tensor("resets", resets, :resets, plan),
            h = c_tensor("h", h, :h, plan),
            states = c_tensor("states", states, :states, plan),
            last_states = c_tensor("last_states", last_states, :last_states, plan),
            workspace = scratch.data, workspace_size = scratch.size, saved = kept.data, saved_size = kept.size,
            run_flags = run_flags(weights_unchanged),
        )
        check(flashrnn_forward(raw(plan), Ref(args)))
    end
    saved === nothing || (saved.filled = true)
    return h
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
    GC.@preserve plan r h workspace wx bias initial_states lengths resets d_h d_states d_last_states begin
        GC.@preserve d_wx d_r d_bias d_initial_states saved stream begin
            scratch = memory_of("workspace", workspace.backward, plan)
            kept = memory_of_saved(saved, plan, true)
            args = flashrnn_backward_args(;
                stream = raw(stream),
                wx = c_tensor("wx", wx, :wx, plan),
                r = c_tensor("r", r, :r, plan),
                bias = c_tensor("bias", bias, :bias, plan),
                initial_states = c_tensor("initial_states", initial_states, :last_states, plan),
                lengths = c_tensor("lengths", lengths, :lengths, plan),
                resets = c_tensor("resets", resets, :resets, plan),
                h = c_tensor("h", h, :h, plan),
                d_h = c_tensor("d_h", d_h, :h, plan),
                d_states = c_tensor("d_states", d_states, :states, plan),
                d_last_states = c_tensor("d_last_states", d_last_states, :last_states, plan),
                d_wx = c_tensor("d_wx", d_wx, :wx, plan),
                d_r = c_tensor("d_r", d_r, :r, plan),
                d_bias = c_tensor("d_bias", d_bias, :bias, plan),
                d_initial_states = c_tensor("d_initial_states", d_initial_states, :last_states, plan),
                workspace = scratch.data, workspace_size = scratch.size, saved = kept.data, saved_size = kept.size,
                run_flags = run_flags(weights_unchanged),
            )
            check(flashrnn_backward(raw(plan), Ref(args)))
        end
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
    GC.@preserve plan wx r new_states workspace bias states h stream begin
        scratch = memory_of("workspace", workspace.step, plan)
        args = flashrnn_step_args(;
            stream = raw(stream),
            wx = c_tensor("wx", wx, :step_wx, plan),
            r = c_tensor("r", r, :r, plan),
            bias = c_tensor("bias", bias, :bias, plan),
            states = c_tensor("states", states, :last_states, plan),
            new_states = c_tensor("new_states", new_states, :last_states, plan),
            h = c_tensor("h", h, :step_h, plan),
            workspace = scratch.data, workspace_size = scratch.size, run_flags = run_flags(weights_unchanged),
        )
        check(flashrnn_step(raw(plan), Ref(args)))
    end
    return new_states
end
