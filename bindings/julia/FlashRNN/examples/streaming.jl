# SPDX-License-Identifier: Apache-2.0
# Streaming inference: samples arrive one at a time, each takes one step, and the states stay where they are.
#
#     julia --project=bindings/julia/FlashRNN bindings/julia/FlashRNN/examples/streaming.jl
using FlashRNN

function stream_and_compare(; heads = 4, head_dim = 32, steps = 1000)
    plan = Plan(Device(:cpu); cell = :slstm, heads = heads, head_dim = head_dim, time = steps, mode = :inference)
    workspace = Workspace(plan)
    r, bias = 0.1f0 .* randn(Float32, plan.shapes.r), 0.1f0 .* randn(Float32, plan.shapes.bias)
    samples = randn(Float32, plan.shapes.wx) # would come from a sensor, one step at a time

    states = zeros(Float32, plan.shapes.last_states)
    streamed = zeros(Float32, plan.shapes.h)
    seconds = @elapsed for t in 1:steps
        # Views: nothing is copied on the way in or out.
        step!(plan; wx = view(samples, :, :, :, t, :), r = r, bias = bias, states = states, new_states = states,
              h = view(streamed, :, :, t, :), workspace = workspace, weights_unchanged = t > 1)
    end
    println("$steps steps of $heads x $head_dim units: $(round(1e6 * seconds / steps; digits = 1)) µs each")

    whole, _ = flashrnn(samples, r, bias; cell = :slstm) # the same samples in one call
    worst = maximum(abs.(streamed .- whole))
    println("largest difference from the whole sequence in one call: $worst")
    worst < 1e-4 || error("a step is not what the sequence is")
end

stream_and_compare()
