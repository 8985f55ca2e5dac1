# SPDX-License-Identifier: Apache-2.0
# The plain function, its gradient, and the plans behind it.

const PLANS = Dict{Any,Plan}()
const PLANS_LOCK = ReentrantLock()
const CPU = Ref{Union{Device,Nothing}}(nothing)

"Forgets the plans that [`flashrnn`](@ref) has made."
empty_plans!() = lock(() -> empty!(PLANS), PLANS_LOCK)

function cached_plan(device::Device; options...)
    key = (objectid(device), values(options))
    lock(PLANS_LOCK) do
        get!(() -> Plan(device; options...), PLANS, key)
    end
end

function default_device(array)
    array isa AbstractArray && pointer(array) isa Ptr ||
        throw(ArgumentError("device must be given for a $(typeof(array)), which is not in host memory"))
    lock(PLANS_LOCK) do
        CPU[] === nothing && (CPU[] = Device(:cpu))
        CPU[]
    end
end

function plan_for(wx, r, bias, initial_states, mode; cell, lengths, resets, device, options...)
    ndims(wx) == 5 || throw(DimensionMismatch("wx has size $(size(wx)): must have the axes (D, N, G, T, B)"))
    head_dim, heads, _, time, batch = size(wx)
    return cached_plan(
        device === nothing ? default_device(wx) : device;
        cell = cell, head_dim = head_dim, heads = heads, batch = batch, time = time, mode = mode, dtype = eltype(wx),
        weight_dtype = eltype(r), state_dtype = initial_states === nothing ? eltype(wx) : eltype(initial_states),
        lengths = lengths !== nothing, resets = resets !== nothing, options...,
    )
end

state_array(plan, wx, initial_states) =
    similar(initial_states === nothing ? wx : initial_states, plan.shapes.last_states)

"""
    h, last_states = flashrnn(wx, r, bias = nothing, initial_states = nothing; cell = :lstm, options...)

All steps of a multi-head recurrent layer. Sizes: see [`FlashRNN`](@ref). Differentiable by ChainRules in the four arrays.

`lengths` and `resets` are arrays here; `reverse`, `forward_clip`, `recurrent_gradient_clip`, `cut_recurrent_gradient`,
`threads`, ... are those of [`Plan`](@ref); `recompute = true` saves memory in the gradient; `device` must be given where the
arrays are not in host memory. Plans are kept by sizes and options ([`FlashRNN.empty_plans!`](@ref)).
"""
function flashrnn(wx, r, bias = nothing, initial_states = nothing; cell::Symbol = :lstm, lengths = nothing, resets = nothing,
                  device = nothing, recompute::Bool = false, options...)
    plan = plan_for(wx, r, bias, initial_states, :inference; cell = cell, lengths = lengths, resets = resets,
                    device = device, options...)
    h, last_states = similar(wx, plan.shapes.h), state_array(plan, wx, initial_states)
    workspace = Workspace(plan)
    forward!(plan; wx = wx, r = r, bias = bias, initial_states = initial_states, lengths = lengths, resets = resets,
             h = h, last_states = last_states, workspace = workspace)
    close(workspace)
    return h, last_states
end

# A gradient may come as any array, and of any element type.
cotangent(::Nothing, like) = nothing
cotangent(d, like) = d isa StridedArray && eltype(d) == eltype(like) ? d : copyto!(similar(like), d)

"""
    (h, last_states), back = FlashRNN.pullback(wx, r, bias, initial_states; options...)
    d_wx, d_r, d_bias, d_initial_states = back(d_h, d_last_states)

[`flashrnn`](@ref) and its gradient. Either gradient in may be `nothing`, which is zero; those of arguments that were
`nothing` are `nothing`. `back` may be called repeatedly.
"""
function pullback(wx, r, bias = nothing, initial_states = nothing; cell::Symbol = :lstm, lengths = nothing, resets = nothing,
                  device = nothing, recompute::Bool = false, options...)
    plan = plan_for(wx, r, bias, initial_states, recompute ? :recompute : :training; cell = cell, lengths = lengths,
                    resets = resets, device = device, options...)
    h, last_states = similar(wx, plan.shapes.h), state_array(plan, wx, initial_states)
    workspace, saved = Workspace(plan), Saved(plan)
    given = (r = r, initial_states = initial_states, lengths = lengths, resets = resets, workspace = workspace, saved = saved)
    forward!(plan; given..., wx = wx, bias = bias, h = h, last_states = last_states)

    function back(d_h, d_last_states)
        like(array, shape) = array === nothing ? nothing : similar(array, plan.shapes[shape])
        d_wx, d_r, d_bias = like(wx, :wx), like(r, :r), like(bias, :bias)
        d_initial_states = like(initial_states, :last_states)
        backward!(plan; given..., wx = recompute ? wx : nothing, bias = recompute ? bias : nothing, h = h,
                  d_h = cotangent(d_h, h), d_last_states = cotangent(d_last_states, last_states),
                  d_wx = d_wx, d_r = d_r, d_bias = d_bias, d_initial_states = d_initial_states)
        return d_wx, d_r, d_bias, d_initial_states
    end
    return (h, last_states), back
end
